//! How each kind of fault changes a reply.

use std::time::Duration;

use rand::Rng as _;

use super::{Burst, Exchange, FaultKind, Faults};
use crate::simulate::slave::with_crc;

/// Bytes of a reply before its registers: unit, function, byte count.
const HEAD_BYTES: usize = 3;
const CRC_BYTES: usize = 2;
/// The most data bytes of a reply.
const DATA_MAX: usize = 250;
/// The longest noise, in bytes.
const NOISE_MAX: usize = 8;
const EXCEPTION: u8 = 0x80;
const BUSY: u8 = 6;
/// The other exceptions that the protocol knows.
const EXCEPTIONS: [u8; 8] = [1, 2, 3, 4, 5, 8, 10, 11];
/// The shortest pause that is one.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const UNITS: u8 = 247;

impl Burst {
    fn at(after: Duration, bytes: Vec<u8>) -> Self {
        Self { after, bytes }
    }
}

impl Faults {
    /// What comes of the exchange under a fault of this kind.
    pub(super) fn disturb(&mut self, kind: FaultKind, exchange: &Exchange<'_>) -> Vec<Burst> {
        let reply = (exchange.reply)(kind.lie());
        let (thinking, time_out) = (exchange.thinking, exchange.time_out);
        let after = match kind {
            FaultKind::Late => self.between(time_out, time_out * 2),
            FaultKind::VeryLate => self.between(time_out * 2, time_out * 4),
            _ => thinking,
        };
        let bytes = match kind {
            FaultKind::Silence => return Vec::new(),
            FaultKind::WrongUnit => return self.wrong_unit(reply, exchange),
            FaultKind::Echo => return self.echo(reply, exchange),
            FaultKind::NoiseBefore => return self.noise_before(reply, exchange),
            FaultKind::NoiseAfter => return self.noise_after(reply, exchange),
            FaultKind::Split => return self.split(&reply, exchange),
            FaultKind::SecondMaster => return self.second_master(reply, exchange),
            FaultKind::Short => self.short(reply),
            FaultKind::Long => self.long(reply),
            FaultKind::WrongFunction => other_function(reply),
            FaultKind::Crc => self.flip(reply),
            FaultKind::NoiseWithin => self.noise_within(reply),
            FaultKind::Glued => self.glued(&reply),
            FaultKind::Exception => self.exception(exchange),
            FaultKind::Stray => self.stray(reply),
            FaultKind::NullBytes => vec![0; reply.len()],
            // Late, held back by the caller, or wrong in their registers only.
            FaultKind::Late
            | FaultKind::VeryLate
            | FaultKind::Overtaken
            | FaultKind::Behind
            | FaultKind::Stall
            | FaultKind::AllZero
            | FaultKind::Spike
            | FaultKind::CounterZero
            | FaultKind::DecimalShift => reply,
        };
        vec![Burst::at(after, bytes)]
    }

    /// With fewer registers and a right checksum, or cut off.
    fn short(&mut self, mut reply: Vec<u8>) -> Vec<u8> {
        let registers = data(&reply).len() / 2;
        if registers > 1 && self.random.random() {
            let fewer = 2 * self.random.random_range(1..registers);
            return with_data(&reply, data(&reply).get(..fewer).unwrap_or_default());
        }
        reply.truncate(self.random.random_range(1..reply.len().max(2)));
        reply
    }

    /// With more registers and a right checksum, or with bytes behind it.
    fn long(&mut self, reply: Vec<u8>) -> Vec<u8> {
        let mut longer = data(&reply).to_vec();
        let more = 2 * self.random.random_range(1..4);
        if self.random.random() && longer.len() + more <= DATA_MAX {
            longer.extend((0..more).map(|_| self.random.random::<u8>()));
            return with_data(&reply, &longer);
        }
        [reply, self.noise()].concat()
    }

    /// Another unit's name on it; now and then the right one follows.
    fn wrong_unit(&mut self, reply: Vec<u8>, exchange: &Exchange<'_>) -> Vec<Burst> {
        let other = self.of_another_unit(&reply);
        let mut bursts = vec![Burst::at(exchange.thinking, other)];
        if self.random.random() {
            let after = exchange.thinking + exchange.time_out / 4;
            bursts.push(Burst::at(after, reply));
        }
        bursts
    }

    fn echo(&mut self, reply: Vec<u8>, exchange: &Exchange<'_>) -> Vec<Burst> {
        let time_out = exchange.time_out;
        let mut bursts = vec![Burst::at(Duration::ZERO, exchange.request.to_vec())];
        match self.random.random_range(0..3) {
            0 => {}
            1 => bursts.push(Burst::at(exchange.thinking, reply)),
            _ => bursts.push(Burst::at(self.between(time_out, time_out * 2), reply)),
        }
        bursts
    }

    fn flip(&mut self, mut reply: Vec<u8>) -> Vec<u8> {
        let index = self.random.random_range(0..reply.len().max(1));
        let bit = 1 << self.random.random_range(0..8);
        if let Some(byte) = reply.get_mut(index) {
            *byte ^= bit;
        }
        reply
    }

    fn noise(&mut self) -> Vec<u8> {
        let count = self.random.random_range(1..=NOISE_MAX);
        (0..count).map(|_| self.random.random()).collect()
    }

    fn noise_before(&mut self, reply: Vec<u8>, exchange: &Exchange<'_>) -> Vec<Burst> {
        let noise = self.noise();
        let after = exchange.thinking;
        if self.random.random() {
            return vec![Burst::at(after, [noise, reply].concat())];
        }
        vec![Burst::at(after / 4, noise), Burst::at(after, reply)]
    }

    /// In place of as many bytes, or between two of them.
    fn noise_within(&mut self, mut reply: Vec<u8>) -> Vec<u8> {
        let noise = self.noise();
        let from = self.random.random_range(0..reply.len().max(1));
        let replaced = if self.random.random() { noise.len() } else { 0 };
        let until = (from + replaced).min(reply.len());
        reply.splice(from.min(until)..until, noise);
        reply
    }

    fn noise_after(&mut self, reply: Vec<u8>, exchange: &Exchange<'_>) -> Vec<Burst> {
        let noise = self.noise();
        let after = exchange.thinking;
        if self.random.random() {
            return vec![Burst::at(after, [reply, noise].concat())];
        }
        let pause = self.between(PAUSE_MIN, exchange.time_out / 2);
        vec![Burst::at(after, reply), Burst::at(after + pause, noise)]
    }

    /// In two to four pieces, as a rule all within the time-out.
    fn split(&mut self, reply: &[u8], exchange: &Exchange<'_>) -> Vec<Burst> {
        let pieces: usize = self.random.random_range(2..=4);
        let longest = match self.random.random_range(0..4) {
            0 => exchange.time_out * 2,
            _ => exchange.time_out / 6,
        };
        let mut after = exchange.thinking;
        let mut bursts = Vec::new();
        for piece in reply.chunks(reply.len().div_ceil(pieces).max(1)) {
            bursts.push(Burst::at(after, piece.to_vec()));
            after += self.between(PAUSE_MIN, longest);
        }
        bursts
    }

    fn glued(&mut self, reply: &[u8]) -> Vec<u8> {
        let other = self.of_another_unit(reply);
        match self.random.random_range(0..3) {
            0 => [reply, reply].concat(),
            1 => [other.as_slice(), reply].concat(),
            _ => [reply, other.as_slice()].concat(),
        }
    }

    /// Busy, three times in four.
    fn exception(&mut self, exchange: &Exchange<'_>) -> Vec<u8> {
        let [unit, function, ..] = exchange.request;
        let index = self.random.random_range(0..4 * EXCEPTIONS.len());
        let code = EXCEPTIONS.get(index).copied().unwrap_or(BUSY);
        with_crc(vec![unit, function | EXCEPTION, code])
    }

    fn stray(&mut self, mut reply: Vec<u8>) -> Vec<u8> {
        reply.push(if self.random.random() { 0x00 } else { 0xff });
        reply
    }

    /// Another master's request and the reply to it, before ours or instead of ours.
    fn second_master(&mut self, reply: Vec<u8>, exchange: &Exchange<'_>) -> Vec<Burst> {
        let [unit, function, _, _, count_high, count_low, ..] = exchange.request;
        let asked = match self.random.random() {
            true => unit,
            false => self.another_unit(unit),
        };
        let [high, low]: [u8; 2] = self.random.random();
        let request = with_crc(vec![asked, function, high, low, count_high, count_low]);
        let words: Vec<u8> = data(&reply).iter().map(|byte| byte ^ 0x5a).collect();
        let answer = with_unit(&with_data(&reply, &words), asked);
        let (thinking, time_out) = (exchange.thinking, exchange.time_out);
        match self.random.random_range(0..3) {
            // The requests met on the wire, and only theirs was understood.
            0 => vec![
                Burst::at(Duration::ZERO, request),
                Burst::at(thinking * 2, answer),
            ],
            // Theirs is answered first.
            1 => vec![
                Burst::at(Duration::ZERO, request),
                Burst::at(thinking * 2, answer),
                Burst::at(thinking * 4, reply),
            ],
            // They ask after we were answered.
            _ => {
                let later = thinking + time_out / 8;
                vec![
                    Burst::at(thinking, reply),
                    Burst::at(later, request),
                    Burst::at(later + thinking * 2, answer),
                ]
            }
        }
    }

    fn of_another_unit(&mut self, reply: &[u8]) -> Vec<u8> {
        let unit = reply.first().copied().unwrap_or(1);
        with_unit(reply, self.another_unit(unit))
    }

    fn another_unit(&mut self, unit: u8) -> u8 {
        let step = self.random.random_range(0..6);
        unit.wrapping_add(step) % UNITS + 1
    }
}

/// The data bytes of a reply.
fn data(reply: &[u8]) -> &[u8] {
    let end = reply.len().saturating_sub(CRC_BYTES);
    reply.get(HEAD_BYTES..end).unwrap_or_default()
}

/// The reply with other registers, and the checksum that belongs to it.
fn with_data(reply: &[u8], data: &[u8]) -> Vec<u8> {
    let head = reply.iter().take(HEAD_BYTES - 1).copied();
    let count = u8::try_from(data.len()).unwrap_or(u8::MAX);
    with_crc(head.chain([count]).chain(data.iter().copied()).collect())
}

fn with_unit(reply: &[u8], unit: u8) -> Vec<u8> {
    let end = reply.len().saturating_sub(CRC_BYTES);
    let rest = reply.get(1..end).unwrap_or_default();
    with_crc([&[unit], rest].concat())
}

/// Holding registers instead of input registers, and the other way round.
fn other_function(mut reply: Vec<u8>) -> Vec<u8> {
    reply.truncate(reply.len().saturating_sub(CRC_BYTES));
    if let Some(function) = reply.get_mut(1) {
        *function ^= 0x07;
    }
    with_crc(reply)
}
