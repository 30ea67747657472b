//! Bell: wakes the requests by which gateways wait for orders, in this process.
//!
//! Promises: whoever listens hears every ring after it began to; so who listens first and
//! looks into the store then misses nothing. The number of listeners is bounded. It lacks
//! the orders themselves, and those that another node took: for them the waiting look into
//! the store now and then.

use std::sync::Arc;

use common::id::GatewayId;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};

/// Requests that wait at once; each holds a connection and some kilobytes, and looks into
/// the store every few seconds.
const LISTENERS_MAX: usize = 4_096;
/// Rings that a listener may be behind before it counts the lot as one for itself.
const RINGS_KEPT: usize = 64;

/// The bell of this process. Clones ring the same.
#[derive(Debug, Clone)]
pub struct Bell {
    rings: broadcast::Sender<Ring>,
    places: Arc<Semaphore>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ring {
    Order(GatewayId),
    Closing,
}

/// Why a listener woke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// There may be an order for it.
    Order,
    /// The server stops.
    Closing,
}

impl Default for Bell {
    fn default() -> Self {
        Self {
            rings: broadcast::Sender::new(RINGS_KEPT),
            places: Arc::new(Semaphore::new(LISTENERS_MAX)),
        }
    }
}

impl Bell {
    /// Says that there is an order for a gateway, after its commit.
    pub fn ring(&self, gateway: GatewayId) {
        // Nobody need be listening.
        let _ = self.rings.send(Ring::Order(gateway));
    }

    /// Sends everybody home: the server stops.
    pub fn close(&self) {
        let _ = self.rings.send(Ring::Closing);
    }

    /// Begins to listen; nothing when too many do already.
    #[must_use]
    pub fn listen(&self) -> Option<Listener> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Listener {
            rings: self.rings.subscribe(),
            _place: place,
        })
    }
}

/// Somebody who waits for an order.
#[derive(Debug)]
pub struct Listener {
    rings: broadcast::Receiver<Ring>,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// Returns when there may be an order for `gateway`, or the server stops.
    pub async fn heard(&mut self, gateway: GatewayId) -> Woken {
        loop {
            match self.rings.recv().await {
                Ok(Ring::Order(rung)) if rung != gateway => {}
                Ok(Ring::Order(_)) | Err(RecvError::Lagged(_)) => return Woken::Order,
                Ok(Ring::Closing) | Err(RecvError::Closed) => return Woken::Closing,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_listens_hears_its_own_rings_and_the_last() {
        let bell = Bell::default();
        bell.ring(GatewayId(1));
        let mut listener = bell.listen().unwrap();
        bell.ring(GatewayId(2));
        bell.ring(GatewayId(1));
        bell.close();
        assert_eq!(listener.heard(GatewayId(1)).await, Woken::Order);
        assert_eq!(listener.heard(GatewayId(1)).await, Woken::Closing);

        for _ in 0..=RINGS_KEPT {
            bell.ring(GatewayId(2));
        }
        let late = listener.heard(GatewayId(1)).await;
        assert_eq!(late, Woken::Order, "it cannot know what it missed");
    }

    #[test]
    fn there_are_so_many_places_and_who_leaves_makes_room() {
        let bell = Bell::default();
        let mut listeners: Vec<_> = (0..LISTENERS_MAX).map(|_| bell.listen().unwrap()).collect();
        assert!(bell.listen().is_none());
        listeners.pop();
        assert!(bell.listen().is_some());
    }
}
