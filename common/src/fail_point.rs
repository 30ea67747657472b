//! Marked points at which the tests let a program die as a power cut would: between two
//! steps that must not come apart. Nothing of it is in a release.

#[cfg(feature = "fail-points")]
use std::sync::OnceLock;
#[cfg(feature = "fail-points")]
use std::sync::atomic::{AtomicU64, Ordering};

/// The point at which to die, and at which time it is reached.
#[cfg(feature = "fail-points")]
static WANTED: OnceLock<(String, u64)> = OnceLock::new();

/// Lets the program die at the point that `text` names: `name`, or `name:3` for the third
/// time it is reached. Its main function passes on what `ENERVUE_FAIL_POINT` holds.
#[cfg(feature = "fail-points")]
pub fn arm(text: &str) {
    let (name, time) = text.split_once(':').unwrap_or((text, "1"));
    // Who arms it twice is not heard, and what is no number is never reached.
    let _ = WANTED.set((name.to_owned(), time.parse().unwrap_or(0)));
}

/// Ends the program here and now, if it was armed for this point.
#[cfg(feature = "fail-points")]
#[expect(
    clippy::print_stderr,
    reason = "the last words of a process under test"
)]
pub fn fail_point(name: &str) {
    static REACHED: AtomicU64 = AtomicU64::new(0);
    let Some((wanted, time)) = WANTED.get() else {
        return;
    };
    if wanted == name && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *time {
        eprintln!("the program dies at its fail point {name}");
        std::process::abort();
    }
}

/// Does nothing: the program was built without the feature `fail-points`.
#[cfg(not(feature = "fail-points"))]
#[inline]
pub fn fail_point(_name: &str) {}
