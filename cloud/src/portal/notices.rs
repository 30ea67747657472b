//! To come.

use super::error::Failure;

pub(super) async fn list() -> Failure {
    Failure::Absent
}
