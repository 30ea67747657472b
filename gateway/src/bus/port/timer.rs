//! A timer that is exact to the kernel's, some tens of microseconds. Tokio's counts whole
//! milliseconds and rounds up; 3.5 characters at 38400 baud are less than two.
//!
//! It is real time: it knows nothing of the paused time of a test.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

/// One timer, for one wait at a time.
#[derive(Debug)]
pub(super) struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    /// Must be called within a runtime.
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe for types whose descriptor may change; this cannot"
        )]
        AsyncFd::with_interest(timer, Interest::READABLE).map(Self)
    }

    /// Waits until then. May be dropped: the next wait sets the timer anew.
    pub(super) async fn wait(&self, until: Instant) -> io::Result<()> {
        let rest = until.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Ok(());
        }
        // Setting it also takes back an expiry that nobody has seen.
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once_in(rest)?)?;
        let mut expiries = [0; size_of::<u64>()];
        let expired = self.0.async_io(Interest::READABLE, |timer| {
            Ok(rustix::io::read(timer, &mut expiries)?)
        });
        expired.await.map(|_| ())
    }
}

fn once_in(rest: Duration) -> io::Result<Itimerspec> {
    let it_value = Timespec::try_from(rest).map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok(Itimerspec {
        it_interval: Timespec::default(),
        it_value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_never_early_not_even_after_a_wait_that_was_dropped() {
        let timer = Timer::new().unwrap();
        for rest_us in [0, 1, 300, 1_750, 3_646] {
            // Long enough for a busy machine to come to the wait before it is over.
            let dropped = Instant::now() + Duration::from_millis(20);
            tokio::select! {
                biased;
                _ = timer.wait(dropped) => panic!("20 ms were over at once"),
                () = std::future::ready(()) => {}
            }
            tokio::time::sleep_until(dropped).await;
            let until = Instant::now() + Duration::from_micros(rest_us);
            timer.wait(until).await.unwrap();
            assert!(Instant::now() >= until, "{rest_us} us");
        }
    }
}
