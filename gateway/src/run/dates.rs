//! Tells the clock what the rest of the program knows about the time, and the buffer what the
//! clock learns.

use common::sync::DeviceList;
use tokio::sync::watch;

use crate::clock::Clock;

/// Lets the clock know from now on whether there is a cloud to be asked for the time. Must be
/// called within a runtime.
pub(super) fn start(clock: &Clock, cloud: watch::Receiver<Option<DeviceList>>) {
    clock.set_enrolled(cloud.borrow().is_some());
    tokio::spawn(follow_enrolment(clock.clone(), cloud));
}

async fn follow_enrolment(clock: Clock, mut cloud: watch::Receiver<Option<DeviceList>>) {
    while cloud.changed().await.is_ok() {
        clock.set_enrolled(cloud.borrow_and_update().is_some());
    }
}
