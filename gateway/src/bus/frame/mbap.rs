//! Modbus TCP's frames around RTU's: the header goes on, the checksum comes off, and back.
//!
//! A header has a transaction number, and a reply repeats that of its request: a reply to an
//! earlier request is dropped here, whoever was late. Everything else about a reply (unit,
//! function, lengths) is checked where those of a line are; a converter behind the
//! connection is one more that may mix replies up. Pure.

use std::io;

use modbus_core::rtu::crc16;

use super::CRC_BYTES;

/// Transaction, protocol, length.
const HEADER_BYTES: usize = 6;
/// Unit, function and one byte more, to the most that the protocol allows.
const LENGTHS: std::ops::RangeInclusive<u16> = 3..=254;

/// The bytes are no frames of Modbus TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "what answers does not speak Modbus TCP: if it is a serial server that passes RTU frames on, \
     write rtu+tcp:// instead of tcp://"
)]
pub(in crate::bus) struct NotModbusTcp;

impl From<NotModbusTcp> for io::Error {
    fn from(error: NotModbusTcp) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Both directions of one connection.
#[derive(Debug, Default)]
pub(in crate::bus) struct Mbap {
    /// The number of the request sent last.
    transaction: u16,
    received: Vec<u8>,
}

impl Mbap {
    /// The frame of the next transaction, from an RTU frame.
    pub(in crate::bus) fn wrap(&mut self, frame: &[u8]) -> Vec<u8> {
        self.transaction = self.transaction.wrapping_add(1);
        let body = frame.split_last_chunk::<CRC_BYTES>();
        let body = body.map_or(frame, |(body, _)| body);
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
        let mut wrapped = self.transaction.to_be_bytes().to_vec();
        wrapped.extend([0, 0]);
        wrapped.extend(length.to_be_bytes());
        wrapped.extend(body);
        wrapped
    }

    /// Appends the frames in `bytes`, which follow those given before, as RTU frames; only
    /// those that belong to the request sent last.
    pub(in crate::bus) fn unwrap(
        &mut self,
        bytes: &[u8],
        into: &mut Vec<u8>,
    ) -> Result<(), NotModbusTcp> {
        self.received.extend(bytes);
        while let Some((header, rest)) = self.received.split_first_chunk::<HEADER_BYTES>() {
            let [a, b, protocol @ .., c, d] = *header;
            let (transaction, length) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            if protocol != [0, 0] || !LENGTHS.contains(&length) {
                return Err(NotModbusTcp);
            }
            let Some(body) = rest.get(..usize::from(length)) else {
                break;
            };
            if transaction == self.transaction {
                into.extend(body);
                into.extend(crc16(body).to_be_bytes());
            }
            self.received.drain(..HEADER_BYTES + usize::from(length));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: [u8; 8] = [0x01, 0x04, 0x00, 0x00, 0x00, 0x02, 0x71, 0xCB];
    const REPLIED: [u8; 9] = [0x01, 0x04, 0x04, 0x43, 0x66, 0x33, 0x34, 0x1B, 0x38];

    /// The reply as a server sends it.
    fn reply(transaction: u8) -> Vec<u8> {
        let header = [0, transaction, 0, 0, 0, 7];
        [&header[..], &REPLIED[..7]].concat()
    }

    #[test]
    fn a_request_gets_a_header_and_its_reply_a_checksum_however_it_is_cut() {
        for cut in 0..reply(2).len() {
            let mut framing = Mbap::default();
            framing.wrap(&ASKED);
            let wrapped = framing.wrap(&ASKED);
            assert_eq!(wrapped, [0, 2, 0, 0, 0, 6, 1, 4, 0, 0, 0, 2]);
            let mut frames = Vec::new();
            let bytes = reply(2);
            framing.unwrap(&bytes[..cut], &mut frames).unwrap();
            assert!(frames.is_empty(), "{cut}");
            framing.unwrap(&bytes[cut..], &mut frames).unwrap();
            assert_eq!(frames, REPLIED, "{cut}");
        }
    }

    #[test]
    fn the_late_reply_to_another_request_is_dropped_alone_or_in_front() {
        let mut framing = Mbap::default();
        for _ in 0..3 {
            framing.wrap(&ASKED);
        }
        let mut frames = Vec::new();
        framing.unwrap(&reply(2), &mut frames).unwrap();
        assert!(frames.is_empty());
        let glued = [reply(1), reply(3), reply(4)].concat();
        framing.unwrap(&glued, &mut frames).unwrap();
        assert_eq!(frames, REPLIED);
    }

    #[test]
    fn what_is_no_modbus_tcp_is_refused_and_never_waited_for() {
        for (what, bytes) in [
            ("an RTU frame", REPLIED.to_vec()),
            ("another protocol", vec![0, 1, 0, 1, 0, 3]),
            ("too short", vec![0, 1, 0, 0, 0, 2]),
            ("too long", vec![0, 1, 0, 0, 0, 255]),
            ("text", b"login: ".to_vec()),
        ] {
            let mut framing = Mbap::default();
            framing.wrap(&ASKED);
            let refused = framing.unwrap(&bytes, &mut Vec::new());
            assert_eq!(refused, Err(NotModbusTcp), "{what}");
        }
    }
}
