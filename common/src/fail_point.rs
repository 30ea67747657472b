//! Marked points at which the tests let a program die as a power cut would: between two
//! steps that must not come apart. Nothing of it is in a release.

/// Ends the program here and now, if it was built with the feature `fail-points` and
/// `ENERVUE_FAIL_POINT` names this point: `name`, or `name:3` for the third time it is
/// reached.
#[cfg(feature = "fail-points")]
#[expect(
    clippy::print_stderr,
    reason = "the last words of a process under test"
)]
pub fn fail_point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("ENERVUE_FAIL_POINT").ok()?;
        let (name, time) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), time.parse().ok()?))
    });
    let Some((wanted, time)) = wanted else { return };
    if wanted == name && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *time {
        eprintln!("the program dies at its fail point {name}");
        std::process::abort();
    }
}

/// Does nothing: the program was built without the feature `fail-points`.
#[cfg(not(feature = "fail-points"))]
#[inline]
pub fn fail_point(_name: &str) {}
