//! Where a line is: a serial port, or a socket that stands for one. What is no address is
//! refused where the settings are read, so nobody meets one later.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

const RTU_OVER_TCP: &str = "rtu+tcp";
const MODBUS_TCP: &str = "tcp";

/// Where a line is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum PortAddress {
    /// `/dev/…`: a serial port, best by its stable name.
    Serial(PathBuf),
    /// `rtu+tcp://host:port`: a serial server, which passes the bytes of the line on.
    RtuOverTcp(Endpoint),
    /// `tcp://host:port`: a device or a converter that speaks Modbus TCP.
    ModbusTcp(Endpoint),
}

/// A host and its port, `host:port`; an IPv6 address stands in brackets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint(String);

impl Endpoint {
    /// As it is resolved.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why something is no address of a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Neither a path nor an address.
    #[error(
        "port '{0}' is no serial port: a port is the path of a device file and starts with /; see \
         `ls /dev/serial/by-id/`, or write rtu+tcp://HOST:PORT or tcp://HOST:PORT"
    )]
    NotAPath(String),
    /// An address of something else.
    #[error(
        "port '{0}' is no line: write rtu+tcp://HOST:PORT for a serial server that passes RTU \
         frames on, tcp://HOST:PORT for Modbus TCP"
    )]
    OtherScheme(String),
    /// Host or port are missing, or there is more.
    #[error("port '{0}' names no host and port number (1 to 65535): write e.g. tcp://10.0.0.5:502")]
    NoEndpoint(String),
}

impl TryFrom<String> for PortAddress {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        if text.starts_with('/') {
            return Ok(Self::Serial(PathBuf::from(text)));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(AddressError::NotAPath(text));
        };
        let kind = match scheme {
            RTU_OVER_TCP => Self::RtuOverTcp,
            MODBUS_TCP => Self::ModbusTcp,
            _ => return Err(AddressError::OtherScheme(text)),
        };
        match endpoint(rest) {
            Some(endpoint) => Ok(kind(endpoint)),
            None => Err(AddressError::NoEndpoint(text)),
        }
    }
}

fn endpoint(text: &str) -> Option<Endpoint> {
    let (host, port) = text.rsplit_once(':')?;
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let host_is_good = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(of_a_name),
    };
    let port_is_good = port.parse::<u16>().is_ok_and(|port| port > 0);
    (host_is_good && port_is_good).then(|| Endpoint(text.to_owned()))
}

/// As in a table of lines: `/dev/ttyUSB0`, `rtu+tcp 10.0.0.5:4001`, `tcp 10.0.0.5:502`.
impl fmt::Display for PortAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(path) => write!(f, "{}", path.display()),
            Self::RtuOverTcp(Endpoint(endpoint)) => write!(f, "{RTU_OVER_TCP} {endpoint}"),
            Self::ModbusTcp(Endpoint(endpoint)) => write!(f, "{MODBUS_TCP} {endpoint}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_it_is_spoken_of() {
        for (written, shown) in [
            ("/dev/serial/by-id/usb-x", "/dev/serial/by-id/usb-x"),
            ("rtu+tcp://10.0.0.5:4001", "rtu+tcp 10.0.0.5:4001"),
            ("tcp://meter-7.local:502", "tcp meter-7.local:502"),
            ("tcp://[fe80::1]:502", "tcp [fe80::1]:502"),
        ] {
            let address = PortAddress::try_from(written.to_owned()).unwrap();
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_to_write() {
        for (written, advice) in [
            ("", "/dev/serial/by-id/"),
            ("ttyUSB0", "/dev/serial/by-id/"),
            ("10.0.0.5:502", "tcp://HOST:PORT"),
            ("udp://10.0.0.5:502", "for Modbus TCP"),
            ("TCP://10.0.0.5:502", "for Modbus TCP"),
            ("tcp://10.0.0.5", "tcp://10.0.0.5:502"),
            ("tcp://:502", "tcp://10.0.0.5:502"),
            ("tcp://10.0.0.5:0", "tcp://10.0.0.5:502"),
            ("tcp://10.0.0.5:70000", "tcp://10.0.0.5:502"),
            ("tcp://10.0.0.5:502/1", "tcp://10.0.0.5:502"),
            ("tcp://a b:502", "tcp://10.0.0.5:502"),
            ("tcp://fe80::1:502", "tcp://10.0.0.5:502"),
        ] {
            let error = PortAddress::try_from(written.to_owned()).unwrap_err();
            assert!(error.to_string().contains(advice), "{written}: {error}");
        }
    }
}
