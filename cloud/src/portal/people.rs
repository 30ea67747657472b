//! To come.

use super::error::Failure;

pub(super) async fn list() -> Failure {
    Failure::Absent
}

pub(super) async fn add() -> Failure {
    Failure::Absent
}

pub(super) async fn ask() -> Failure {
    Failure::Absent
}

pub(super) async fn ask_change() -> Failure {
    Failure::Absent
}

pub(super) async fn change() -> Failure {
    Failure::Absent
}

pub(super) async fn new_link() -> Failure {
    Failure::Absent
}

pub(super) async fn ask_remove() -> Failure {
    Failure::Absent
}

pub(super) async fn remove() -> Failure {
    Failure::Absent
}
