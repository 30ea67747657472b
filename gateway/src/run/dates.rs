//! Tells the clock what the rest of the program knows about the time, and the buffer what the
//! clock learns.

use std::time::Duration;

use common::sync::DeviceList;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::buffer::{Buffer, BufferError, BufferHandle};
use crate::clock::Clock;

/// The pause before a disk that refused is asked again.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// Lets the clock go on from what the buffer knows: how late it is at least, and what was
/// believed earlier in this start of the machine.
///
/// # Errors
/// When the buffer cannot be read.
pub(super) fn recall(clock: &Clock, buffer: &Buffer) -> Result<(), BufferError> {
    if let Some(newest) = buffer.newest_at()? {
        clock.raise_floor(newest);
    }
    if let Some(anchor) = clock.boot().and_then(|boot| buffer.anchor(boot)) {
        clock.take_up(anchor);
    }
    Ok(())
}

/// Lets the clock know from now on whether there is a cloud to be asked for the time, and has
/// everything dated as soon as it knows. Must be called within a runtime.
pub(super) fn start(
    clock: &Clock,
    buffer: &BufferHandle,
    cloud: watch::Receiver<Option<DeviceList>>,
) {
    clock.set_enrolled(cloud.borrow().is_some());
    tokio::spawn(follow_enrolment(clock.clone(), cloud));
    tokio::spawn(date(clock.clone(), buffer.clone()));
}

async fn follow_enrolment(clock: Clock, mut cloud: watch::Receiver<Option<DeviceList>>) {
    while cloud.changed().await.is_ok() {
        clock.set_enrolled(cloud.borrow_and_update().is_some());
    }
}

/// Dates what was read in this start of the machine before it was known what time it is; then
/// it may be sent.
async fn date(clock: Clock, buffer: BufferHandle) {
    let anchor = clock.anchored().await;
    loop {
        match buffer.date_boot(anchor).await {
            Ok(0) => return,
            Ok(dated) => return tracing::info!(dated, "readings have got their instant"),
            Err(error) => {
                tracing::error!(%error, "readings cannot be dated");
                sleep(RETRY_PAUSE).await;
            }
        }
    }
}
