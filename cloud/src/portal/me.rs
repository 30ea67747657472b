//! To come.

use super::error::Failure;

pub(super) async fn show() -> Failure {
    Failure::Absent
}

pub(super) async fn change() -> Failure {
    Failure::Absent
}

pub(super) async fn change_password() -> Failure {
    Failure::Absent
}

pub(super) async fn link_telegram() -> Failure {
    Failure::Absent
}

pub(super) async fn unlink_telegram() -> Failure {
    Failure::Absent
}
