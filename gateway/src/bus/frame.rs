//! Modbus RTU frames as bytes: how a request is written, and what the bytes after it are.
//!
//! Frames are told apart by the length they state and their checksum, never by the pauses
//! that the operating system shows between bytes. Pure. Knows only the two functions that
//! read registers: nothing here can write to a meter.

pub(super) mod mbap;

use common::profile::Request;
use modbus_core::rtu::{crc16, response_pdu_len};

use super::fault::Fault;

/// Bytes of a request: unit, function, address, count, checksum.
pub(super) const REQUEST_BYTES: usize = 8;
/// Bytes of a reply around its registers: unit, function, byte count, checksum.
const REPLY_OVERHEAD: usize = 5;
/// Unit and checksum, which stand around what the protocol calls the PDU.
const PDU_OVERHEAD: usize = 3;
const CRC_BYTES: usize = 2;
const EXCEPTION_BIT: u8 = 0x80;

/// What the bytes received so far are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The beginning of something: wait for more.
    More,
    /// One byte that begins no frame: see [`is_stray`].
    Stray,
    /// Our own request, heard back.
    Echo,
    /// A whole frame of another unit, so many bytes long.
    Stranger { unit: u8, bytes: usize },
    /// The registers asked for, in a frame so many bytes long.
    Answer { words: Vec<u16>, bytes: usize },
    /// Nothing that can be used.
    Fault(Fault),
}

/// The bytes of `request` to `unit`.
pub(super) fn encode(unit: u8, request: &Request) -> [u8; REQUEST_BYTES] {
    let [address_high, address_low] = request.address.to_be_bytes();
    let [count_high, count_low] = request.count.to_be_bytes();
    let function = request.table.function();
    let body = [
        unit,
        function,
        address_high,
        address_low,
        count_high,
        count_low,
    ];
    let [crc_first, crc_second] = crc16(&body).to_be_bytes();
    let [a, b, c, d, e, f] = body;
    [a, b, c, d, e, f, crc_first, crc_second]
}

/// How many bytes the reply to `request` has.
pub(super) fn reply_bytes(request: &Request) -> usize {
    REPLY_OVERHEAD + 2 * usize::from(request.count)
}

/// What `received` is, after `request` was sent to `unit`.
pub(super) fn next(received: &[u8], unit: u8, request: &Request) -> Step {
    let begins_stray = received.first().is_some_and(|byte| is_stray(*byte, unit));
    // Over Modbus TCP some answer as unit 0 or 255, whoever is asked; that is a stranger.
    if begins_stray && whole_reply(received).is_none() {
        return Step::Stray;
    }
    let sent = encode(unit, request);
    if received.starts_with(&sent) {
        return Step::Echo;
    }
    if sent.starts_with(received) {
        return Step::More;
    }
    let bytes = match response_pdu_len(received) {
        Ok(Some(pdu)) => pdu + PDU_OVERHEAD,
        Ok(None) => return Step::More,
        Err(_) => return Step::Fault(Fault::Garbled),
    };
    let Some(frame) = received.get(..bytes) else {
        return Step::More;
    };
    match frame.split_last_chunk::<CRC_BYTES>() {
        Some((body, crc)) if u16::from_be_bytes(*crc) == crc16(body) => {
            classify(body, bytes, unit, request)
        }
        _ => Step::Fault(Fault::Garbled),
    }
}

/// Whether `byte` can begin no frame while `unit` is asked.
///
/// A line that a driver lets go without bias reads as 00 or FF, before a frame or behind it.
/// No device has either for its unit id (0 is for all, 248 and above are reserved), so such
/// a byte is neither the answer nor the reply of another.
pub(super) fn is_stray(byte: u8, unit: u8) -> bool {
    matches!(byte, 0x00 | 0xFF) && byte != unit
}

/// How many bytes stand before the answer in a burst that begins with something else. Only to
/// name the fault: an answer that has to be searched for is not believed.
pub(super) fn noise_before(burst: &[u8], unit: u8, request: &Request) -> Option<usize> {
    (1..burst.len()).find(|at| {
        let rest = burst.get(*at..).unwrap_or_default();
        matches!(next(rest, unit, request), Step::Answer { .. })
    })
}

/// What a frame with a right checksum is; `body` lacks the checksum.
fn classify(body: &[u8], bytes: usize, unit: u8, request: &Request) -> Step {
    let asked = request.table.function();
    match body {
        [from, ..] if *from != unit => Step::Stranger { unit: *from, bytes },
        [_, function, code, ..] if *function == asked | EXCEPTION_BIT => {
            Step::Fault(Fault::Exception(*code))
        }
        [_, function, _, data @ ..] if *function == asked => words(data, bytes, request),
        [_, function, ..] => Step::Fault(Fault::WrongFunction {
            asked,
            got: *function,
        }),
        _ => Step::Fault(Fault::Garbled),
    }
}

fn words(data: &[u8], bytes: usize, request: &Request) -> Step {
    let (pairs, rest) = data.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != usize::from(request.count) {
        return Step::Fault(Fault::WrongLength {
            asked: 2 * usize::from(request.count),
            got: data.len(),
        });
    }
    let words = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    Step::Answer { words, bytes }
}

/// The unit of the first whole frame in `received`, if it begins with one.
pub(super) fn whole_reply(received: &[u8]) -> Option<(u8, usize)> {
    let bytes = response_pdu_len(received).ok()?? + PDU_OVERHEAD;
    let (body, crc) = received.get(..bytes)?.split_last_chunk::<CRC_BYTES>()?;
    let unit = body.first()?;
    (u16::from_be_bytes(*crc) == crc16(body)).then_some((*unit, bytes))
}

#[cfg(test)]
mod tests {
    use common::profile::Table;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
        let pairs = digits
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).unwrap());
        pairs
            .map(|pair| u8::from_str_radix(pair, 16).unwrap())
            .collect()
    }

    fn input(address: u16, count: u16) -> Request {
        Request {
            table: Table::Input,
            address,
            count,
        }
    }

    #[test]
    fn a_request_is_written_as_in_the_manual() {
        let request = Request {
            table: Table::Holding,
            address: 0,
            count: 10,
        };
        assert_eq!(encode(1, &request).as_slice(), hex("01 03 0000 000A C5CD"));
    }

    #[test]
    fn printed_replies_decode_and_every_cut_of_them_waits_for_more() {
        let table = [
            ("01 04 04 43663334 1B38", vec![0x4366, 0x3334]),
            (
                "01 04 14 08D1 006C0000 00F40000 00260000 01F4 0064 0000 5134",
                vec![0x08D1, 0x006C, 0, 0x00F4, 0, 0x0026, 0, 0x01F4, 0x0064, 0],
            ),
        ];
        for (text, words) in table {
            let reply = hex(text);
            let request = input(0, u16::try_from(words.len()).unwrap());
            let bytes = reply.len();
            assert_eq!(next(&reply, 1, &request), Step::Answer { words, bytes });
            for cut in 0..bytes {
                assert_eq!(next(&reply[..cut], 1, &request), Step::More, "{text} {cut}");
            }
        }
    }

    #[test]
    fn what_is_not_the_answer_is_told_apart() {
        let reply = "01 04 04 43663334 1B38";
        let table = [
            (
                "its last bit wrong",
                "01 04 04 43663334 1B39",
                1,
                input(0, 2),
                Fault::Garbled,
            ),
            (
                "a function nobody has",
                "01 64 04 43663334 1B38",
                1,
                input(0, 2),
                Fault::Garbled,
            ),
            (
                "another length",
                reply,
                1,
                input(0, 1),
                Fault::WrongLength { asked: 2, got: 4 },
            ),
            (
                "another function",
                "01 03 04 42C80000 6FB5",
                1,
                input(0, 2),
                Fault::WrongFunction { asked: 4, got: 3 },
            ),
            (
                "an exception",
                "01 84 02 C2C1",
                1,
                input(0, 2),
                Fault::Exception(2),
            ),
        ];
        for (what, text, unit, request, fault) in table {
            assert_eq!(
                next(&hex(text), unit, &request),
                Step::Fault(fault),
                "{what}"
            );
        }
        let stranger = Step::Stranger { unit: 1, bytes: 9 };
        assert_eq!(next(&hex(reply), 2, &input(0, 2)), stranger);
    }

    #[test]
    fn a_circutor_manual_prints_a_reply_whose_checksum_is_wrong() {
        let request = Request {
            table: Table::Holding,
            address: 0,
            count: 1,
        };
        let printed = hex("01 03 02 0000 091F 359A");
        assert_eq!(next(&printed, 1, &request), Step::Fault(Fault::Garbled));
    }

    #[test]
    fn an_echo_is_known_from_its_first_byte_on() {
        for address in [0, 0x0200, 0x0400, 0xffff] {
            let sent = encode(1, &input(address, 1));
            for cut in 0..sent.len() {
                assert_eq!(next(&sent[..cut], 1, &input(address, 1)), Step::More);
            }
            assert_eq!(next(&sent, 1, &input(address, 1)), Step::Echo);
        }
    }
}
