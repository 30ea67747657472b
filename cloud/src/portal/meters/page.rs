//! To come.

use super::super::error::Failure;

pub(in crate::portal) async fn show() -> Failure {
    Failure::Absent
}
