//! To come.

use super::error::Failure;

pub(super) async fn show() -> Failure {
    Failure::Absent
}
