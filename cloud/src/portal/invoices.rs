//! To come.

use super::error::Failure;

pub(super) async fn list() -> Failure {
    Failure::Absent
}

pub(super) async fn show() -> Failure {
    Failure::Absent
}

pub(super) async fn pdf() -> Failure {
    Failure::Absent
}
