//! The serial port: the one door to tokio-serial.
//!
//! It is opened by its stable name and locked (TIOCEXCL and flock), so that two programs
//! never speak on one line at once. A pseudo-terminal ignores speed and parity, so the same
//! code serves the simulated line.

mod timer;

use std::fmt;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use common::profile::Parity;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_serial::{DataBits, ErrorKind, SerialStream, StopBits};

use self::timer::Timer;
use super::rtu::{Line, Timing};

/// A port and the settings of its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its path, best one of `/dev/serial/by-id/`: numbers change when an adapter returns.
    pub path: String,
    /// Bits a second.
    pub baud: u32,
    /// The parity bit.
    pub parity: Parity,
    /// One or two stop bits.
    pub stop_bits: u8,
}

impl Port {
    /// How long bytes take on this line.
    #[must_use]
    pub fn timing(&self) -> Timing {
        /// A start bit and eight data bits.
        const BITS: u32 = 9;
        let parity = u32::from(self.parity != Parity::None);
        Timing::new(self.baud, BITS + parity + u32::from(self.stop_bits))
    }

    /// Opens the port for this program alone.
    ///
    /// # Errors
    /// In words: not there, in use, not allowed.
    pub fn open(&self) -> io::Result<OpenPort> {
        let parity = match self.parity {
            Parity::None => tokio_serial::Parity::None,
            Parity::Even => tokio_serial::Parity::Even,
            Parity::Odd => tokio_serial::Parity::Odd,
        };
        let stop_bits = match self.stop_bits {
            2 => StopBits::Two,
            _ => StopBits::One,
        };
        let builder = tokio_serial::new(&self.path, self.baud)
            .data_bits(DataBits::Eight)
            .parity(parity)
            .stop_bits(stop_bits)
            .exclusive(true);
        let opened = SerialStream::open(&builder);
        let stream = opened.map_err(|error| io::Error::other(self.explain(&error)))?;
        let timer = Timer::new()?;
        Ok(OpenPort { stream, timer })
    }

    fn explain(&self, error: &tokio_serial::Error) -> String {
        let path = &self.path;
        match error.kind() {
            ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
                format!("{path} may not be opened: this user must be in the group dialout")
            }
            ErrorKind::NoDevice if std::path::Path::new(path).exists() => format!(
                "{path} is in use by another program: one program may speak on a line; stop the \
                 other, or ask the running daemon"
            ),
            ErrorKind::NoDevice | ErrorKind::Io(io::ErrorKind::NotFound) => format!(
                "{path} is not there: check that the adapter is plugged in and take its name \
                 from /dev/serial/by-id"
            ),
            _ => format!("{path} cannot be opened: {error}"),
        }
    }
}

/// `/dev/ttyUSB0 9600 8N1`
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Even => 'E',
            Parity::Odd => 'O',
        };
        write!(f, "{} {} 8{parity}{}", self.path, self.baud, self.stop_bits)
    }
}

/// A port of ours.
#[derive(Debug)]
pub struct OpenPort {
    stream: SerialStream,
    timer: Timer,
}

impl Line for OpenPort {
    fn take_waiting(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let mut chunk = [0; 256];
        loop {
            // Asks the kernel itself, not tokio's memory of what was readable.
            match Read::read(&mut self.stream, &mut chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => into.extend(chunk.iter().take(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    async fn read_by(&mut self, until: Instant, chunk: &mut [u8]) -> io::Result<Option<usize>> {
        tokio::select! {
            biased;
            read = AsyncReadExt::read(&mut self.stream, chunk) => read.map(Some),
            waited = self.timer.wait(until) => waited.map(|()| None),
        }
    }
}

impl AsyncRead for OpenPort {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, space)
    }
}

impl AsyncWrite for OpenPort {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // tokio-serial's flush blocks the thread until the line has taken every bit.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(path: &str, parity: Parity, stop_bits: u8) -> Port {
        Port {
            path: path.to_owned(),
            baud: 9600,
            parity,
            stop_bits,
        }
    }

    #[test]
    fn a_line_is_named_as_installers_name_it() {
        let named = port("/dev/ttyUSB0", Parity::Even, 1).to_string();
        assert_eq!(named, "/dev/ttyUSB0 9600 8E1");
    }

    #[test]
    fn the_silence_follows_the_bits_of_a_character() {
        let table = [
            (Parity::None, 1, Timing::new(9600, 10)),
            (Parity::Even, 1, Timing::new(9600, 11)),
            (Parity::None, 2, Timing::new(9600, 11)),
        ];
        for (parity, stop_bits, timing) in table {
            assert_eq!(port("", parity, stop_bits).timing(), timing);
        }
    }

    #[tokio::test]
    async fn a_pseudo_terminal_opens_at_any_parity_and_for_one_program_only() {
        let (controller, terminal) = SerialStream::pair().unwrap();
        let path = tokio_serial::SerialPort::name(&terminal).unwrap();
        drop(terminal);
        for parity in [Parity::None, Parity::Even, Parity::Odd, Parity::None] {
            let port = port(&path, parity, 1);
            let mut open = port.open().unwrap();
            let error = port.open().unwrap_err().to_string();
            assert!(error.contains("in use"), "{error}");
            let mut waiting = Vec::new();
            open.take_waiting(&mut waiting).unwrap();
            assert!(waiting.is_empty());
        }
        let last = port(&path, Parity::None, 1);
        let mut open = last.open().unwrap();
        drop(controller);
        assert!(open.take_waiting(&mut Vec::new()).is_err());
        let error = port("/dev/serial/by-id/none", Parity::None, 1).open();
        assert!(error.unwrap_err().to_string().contains("not there"));
    }
}
