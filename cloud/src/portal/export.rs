//! To come.

use super::error::Failure;

pub(super) async fn meter() -> Failure {
    Failure::Absent
}

pub(super) async fn everything() -> Failure {
    Failure::Absent
}
