//! The serial port: the one door to tokio-serial.
//!
//! It is opened by its stable name and locked (TIOCEXCL and flock), so that two programs
//! never speak on one line at once. A pseudo-terminal ignores speed and parity, so the same
//! code serves the simulated line.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use common::profile::Parity;
use tokio_serial::{DataBits, ErrorKind, SerialStream, StopBits};

use super::Port;

/// Opens the device file at `path` with the settings of `port`.
pub(super) fn open(path: &Path, port: &Port) -> io::Result<SerialStream> {
    let parity = match port.parity {
        Parity::None => tokio_serial::Parity::None,
        Parity::Even => tokio_serial::Parity::Even,
        Parity::Odd => tokio_serial::Parity::Odd,
    };
    let stop_bits = match port.stop_bits {
        2 => StopBits::Two,
        _ => StopBits::One,
    };
    let builder = tokio_serial::new(path.to_string_lossy(), port.baud)
        .data_bits(DataBits::Eight)
        .parity(parity)
        .stop_bits(stop_bits)
        .exclusive(true);
    let opened = SerialStream::open(&builder);
    opened.map_err(|error| io::Error::other(explain(path, &error)))
}

fn explain(path: &Path, error: &tokio_serial::Error) -> String {
    let exists = path.exists();
    let is_other = path
        .metadata()
        .is_ok_and(|file| !file.file_type().is_char_device());
    let path = path.display();
    match error.kind() {
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
            format!("{path} may not be opened: this user must be in the group dialout")
        }
        ErrorKind::NoDevice if exists => format!(
            "{path} is in use by another program: one program may speak on a line; stop the \
             other, or ask the running daemon"
        ),
        ErrorKind::NoDevice | ErrorKind::Io(io::ErrorKind::NotFound) => format!(
            "{path} is not there: check that the adapter is plugged in and take its name \
             from /dev/serial/by-id"
        ),
        _ if is_other => {
            format!("{path} is no serial port: take the adapter's name from /dev/serial/by-id")
        }
        _ => format!("{path} cannot be opened: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PortAddress;

    #[tokio::test]
    async fn what_is_no_serial_port_is_told_from_one_that_is_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("gateway.toml");
        std::fs::write(&file, "").unwrap();
        let none = directory.path().join("none");
        for (path, why) in [
            (directory.path(), "is no serial port"),
            (&file, "is no serial port"),
            (&none, "is not there"),
        ] {
            let port = Port {
                address: PortAddress::Serial(path.to_owned()),
                baud: 9600,
                parity: Parity::None,
                stop_bits: 1,
            };
            let error = open(path, &port).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
