//! What can go wrong between a request and its reply, in words for whoever holds the
//! screwdriver: what happened, the probable cause, the next step.

use std::fmt;
use std::time::Duration;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Not a byte came.
    Silence {
        /// How long was waited.
        waited: Duration,
    },
    /// A reply began and did not end.
    CutShort {
        /// How many bytes came.
        bytes: usize,
    },
    /// The checksum is wrong, or the bytes are no frame.
    Garbled,
    /// Noise stood right before the reply.
    Noise {
        /// How many bytes of it.
        bytes: usize,
    },
    /// Only another unit spoke.
    WrongUnit {
        /// Which.
        got: u8,
    },
    /// The reply is to another function.
    WrongFunction {
        /// The function asked for.
        asked: u8,
        /// The function replied to.
        got: u8,
    },
    /// The reply holds more or fewer bytes than were asked for.
    WrongLength {
        /// Bytes asked for.
        asked: usize,
        /// Bytes in the reply.
        got: usize,
    },
    /// More bytes followed right behind the reply.
    Trailing,
    /// The device refused, with this Modbus exception code.
    Exception(u8),
    /// We heard our own request and nothing else.
    OnlyEcho,
    /// Replies may belong to earlier requests: the device is slower than its time-out.
    InDoubt,
    /// The line does not fall silent, so nothing was sent.
    NeverSilent,
    /// Another master speaks on the line, so nothing was sent; this says what it asks.
    ForeignMaster(String),
    /// The port itself is away; nothing was sent.
    Port(String),
}

impl Fault {
    /// Whether the request was not sent, for a reason that holds for any other as well.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Port(_) | Self::NeverSilent | Self::ForeignMaster(_)
        )
    }
}

/// A request that has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BusError {
    /// The name of the bus.
    pub bus: String,
    /// The unit that was asked.
    pub unit: u8,
    /// What went wrong.
    pub fault: Fault,
    /// Whether other units on this bus answer.
    pub others_answer: bool,
}

impl BusError {
    /// Whether the port or its line is at fault and not the device.
    #[must_use]
    pub fn is_of_the_port(&self) -> bool {
        matches!(self.fault, Fault::Port(_) | Fault::ForeignMaster(_))
    }
}

impl BusError {
    fn silence(&self, f: &mut fmt::Formatter<'_>, waited: Duration) -> fmt::Result {
        let Self { bus, unit, .. } = self;
        let waited = waited.as_millis();
        write!(
            f,
            "unit {unit} on bus {bus} did not answer within {waited} ms; "
        )?;
        f.write_str(if self.others_answer {
            "others on this bus do: check its power, its A and B wires and its unit id"
        } else {
            "nobody else on this bus has answered yet: check A and B (swap them once), \
             baud rate and parity"
        })
    }
}

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bus, unit, .. } = self;
        match &self.fault {
            Fault::Silence { waited } => self.silence(f, *waited),
            Fault::CutShort { bytes } => write!(
                f,
                "unit {unit} on bus {bus} stopped after {bytes} bytes: a loose wire, a missing \
                 120 ohm terminator, or two devices with this unit id; check them in this order"
            ),
            Fault::Garbled => write!(
                f,
                "the reply of unit {unit} on bus {bus} is garbled: noise, a wrong baud rate or \
                 parity, or two devices with this unit id; check the settings, then the wiring"
            ),
            Fault::Noise { bytes } => write!(
                f,
                "{bytes} bytes of noise stood right before the reply of unit {unit} on bus {bus}, \
                 which was thrown away: missing bias or 120 ohm terminators, or a ground wire \
                 that is not connected; check them in this order"
            ),
            Fault::WrongUnit { got } => write!(
                f,
                "unit {got} answered on bus {bus} when unit {unit} was asked: another master is \
                 on the line, or that device is slow; leave one master, raise its time-out"
            ),
            Fault::WrongFunction { asked, got } => write!(
                f,
                "unit {unit} on bus {bus} answered function {got} when function {asked} was \
                 asked: a late reply or a second master; the answer was thrown away"
            ),
            Fault::WrongLength { asked, got } => write!(
                f,
                "unit {unit} on bus {bus} sent {got} bytes when {asked} were asked: a late reply, \
                 or a profile that does not fit; check that the profile is of this model"
            ),
            Fault::Trailing => write!(
                f,
                "bytes followed right behind the reply of unit {unit} on bus {bus}: missing bias or \
                 terminators, or two devices with this unit id; disconnect one and read again"
            ),
            Fault::Exception(code) => write!(
                f,
                "unit {unit} on bus {bus} refused with exception {code} ({}): {}",
                exception(*code).0,
                exception(*code).1
            ),
            Fault::OnlyEcho => write!(
                f,
                "the adapter of bus {bus} hears its own request and no reply of unit {unit}: the \
                 port works, so check the device's power, its A and B wires and its unit id"
            ),
            Fault::InDoubt => write!(
                f,
                "the replies of unit {unit} on bus {bus} come too late to be told apart and were \
                 thrown away: raise response_timeout_ms in its profile"
            ),
            Fault::NeverSilent => write!(
                f,
                "bus {bus} does not fall silent, so unit {unit} was not asked: another master is \
                 talking or noise is on the line; only one master may be on it"
            ),
            Fault::ForeignMaster(what) => {
                write!(f, "unit {unit} on bus {bus} was not asked: {what}")
            }
            Fault::Port(why) => write!(f, "bus {bus} has no port: {why}"),
        }
    }
}

/// The name of a Modbus exception, and what it tells the installer.
fn exception(code: u8) -> (&'static str, &'static str) {
    match code {
        1 => (
            "illegal function",
            "it has no such table; check the profile",
        ),
        2 => (
            "illegal data address",
            "it has no such register; check that the profile is of this model and version",
        ),
        3 => (
            "illegal data value",
            "it does not give so many registers at once; lower max_registers in the profile",
        ),
        4 => (
            "device failure",
            "it reports a fault of its own; look at its display",
        ),
        5 | 6 => ("busy", "it will be asked again"),
        10 | 11 => (
            "gateway",
            "a converter on the way does not reach it; check the wiring behind the converter",
        ),
        _ => ("unknown", "look the code up in its manual"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_explained_by_whether_others_answer() {
        let mut error = BusError {
            bus: "main".to_owned(),
            unit: 12,
            fault: Fault::Silence {
                waited: Duration::from_secs(1),
            },
            others_answer: true,
        };
        assert_eq!(
            error.to_string(),
            "unit 12 on bus main did not answer within 1000 ms; others on this bus do: check \
             its power, its A and B wires and its unit id"
        );
        error.others_answer = false;
        assert!(error.to_string().contains("swap them once"));
    }
}
