//! The way to a line: a serial port, or a connection over TCP that stands for one.
//!
//! Whatever it is, the master above speaks RTU frames and nothing else: a serial server passes
//! them on as they are, and for Modbus TCP they are put into its frames and taken out again.

mod serial;
mod tcp;
mod timer;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use common::profile::Parity;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_serial::SerialStream;

use self::tcp::ModbusTcp;
use self::timer::Timer;
use super::rtu::{Line, Timing};
use crate::config::{BusConfig, PortAddress};

/// Where a line is, and its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Where it is.
    pub address: PortAddress,
    /// Bits a second.
    pub baud: u32,
    /// The parity bit.
    pub parity: Parity,
    /// One or two stop bits.
    pub stop_bits: u8,
}

impl From<&BusConfig> for Port {
    fn from(bus: &BusConfig) -> Self {
        Self {
            address: bus.port.clone(),
            baud: bus.baud,
            parity: bus.parity,
            stop_bits: bus.stop_bits,
        }
    }
}

impl Port {
    /// How long bytes take on this line.
    ///
    /// A serial server is a wire with a delay: most pass bytes on as they come, so the silence
    /// is kept here. A Modbus TCP server keeps its own.
    #[must_use]
    pub fn timing(&self) -> Timing {
        if let PortAddress::ModbusTcp(_) = self.address {
            return Timing::UNPACED;
        }
        Timing::new(self.baud, self.character_bits())
    }

    /// How many bits a character has on this line: 10 for 8N1.
    #[must_use]
    pub fn character_bits(&self) -> u32 {
        /// A start bit and eight data bits.
        const BITS: u32 = 9;
        BITS + u32::from(self.parity != Parity::None) + u32::from(self.stop_bits)
    }

    /// Opens the port, a serial one for this program alone.
    ///
    /// # Errors
    /// In words: not there, in use, not allowed, not reached.
    pub async fn open(&self) -> io::Result<OpenPort> {
        let wire = match &self.address {
            PortAddress::Serial(path) => Wire::Serial(serial::open(path, self)?),
            PortAddress::RtuOverTcp(endpoint) => Wire::Tcp(tcp::connect(endpoint).await?),
            PortAddress::ModbusTcp(endpoint) => {
                Wire::ModbusTcp(ModbusTcp::new(tcp::connect(endpoint).await?))
            }
        };
        let timer = Timer::new()?;
        Ok(OpenPort { wire, timer })
    }
}

/// `/dev/ttyUSB0 9600 8N1`, `rtu+tcp 10.0.0.5:4001 9600 8N1`, `tcp 10.0.0.5:502`
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, baud, .. } = self;
        if let PortAddress::ModbusTcp(_) = address {
            return write!(f, "{address}");
        }
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Even => 'E',
            Parity::Odd => 'O',
        };
        write!(f, "{address} {baud} 8{parity}{}", self.stop_bits)
    }
}

/// A port of ours.
#[derive(Debug)]
pub struct OpenPort {
    wire: Wire,
    timer: Timer,
}

#[derive(Debug)]
enum Wire {
    Serial(SerialStream),
    Tcp(TcpStream),
    ModbusTcp(ModbusTcp),
}

impl Line for OpenPort {
    fn take_waiting(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.wire {
            Wire::Serial(port) => take_all(into, |chunk| io::Read::read(port, chunk)),
            Wire::Tcp(stream) => take_all(into, |chunk| Ok(rustix::io::read(&stream, chunk)?)),
            Wire::ModbusTcp(connection) => connection.take_waiting(into),
        }
    }

    async fn read_by(&mut self, until: Instant, chunk: &mut [u8]) -> io::Result<Option<usize>> {
        tokio::select! {
            biased;
            read = self.wire.read(chunk) => read.map(Some),
            waited = self.timer.wait(until) => waited.map(|()| None),
        }
    }
}

/// Takes what waits; `read` asks the kernel itself, not tokio's memory of what was readable.
fn take_all(
    into: &mut Vec<u8>,
    mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
) -> io::Result<()> {
    let mut chunk = [0; 256];
    loop {
        match read(&mut chunk) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => into.extend(chunk.iter().take(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Serial(port) => Pin::new(port).poll_read(context, space),
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, space),
            Self::ModbusTcp(connection) => connection.poll_read(context, space),
        }
    }
}

impl AsyncRead for OpenPort {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_read(context, space)
    }
}

impl AsyncWrite for OpenPort {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.wire {
            Wire::Serial(port) => Pin::new(port).poll_write(context, bytes),
            Wire::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Wire::ModbusTcp(connection) => connection.poll_write(context, bytes),
        }
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
            address: PortAddress::try_from(path.to_owned()).unwrap(),
            baud: 9600,
            parity,
            stop_bits,
        }
    }

    #[test]
    fn a_line_is_named_as_installers_name_it() {
        let named = port("/dev/ttyUSB0", Parity::Even, 1).to_string();
        assert_eq!(named, "/dev/ttyUSB0 9600 8E1");
        let named = port("rtu+tcp://10.0.0.5:4001", Parity::None, 2).to_string();
        assert_eq!(named, "rtu+tcp 10.0.0.5:4001 9600 8N2");
        let named = port("tcp://10.0.0.5:502", Parity::None, 1).to_string();
        assert_eq!(named, "tcp 10.0.0.5:502");
    }

    #[test]
    fn the_silence_follows_the_bits_of_a_character() {
        let table = [
            (Parity::None, 1, Timing::new(9600, 10)),
            (Parity::Even, 1, Timing::new(9600, 11)),
            (Parity::None, 2, Timing::new(9600, 11)),
        ];
        for (parity, stop_bits, timing) in table {
            assert_eq!(port("/dev/x", parity, stop_bits).timing(), timing);
        }
    }

    #[tokio::test]
    async fn a_pseudo_terminal_opens_at_any_parity_and_for_one_program_only() {
        let (controller, terminal) = SerialStream::pair().unwrap();
        let path = tokio_serial::SerialPort::name(&terminal).unwrap();
        drop(terminal);
        for parity in [Parity::None, Parity::Even, Parity::Odd, Parity::None] {
            let port = port(&path, parity, 1);
            let mut open = port.open().await.unwrap();
            let error = port.open().await.unwrap_err().to_string();
            assert!(error.contains("in use"), "{error}");
            let mut waiting = Vec::new();
            open.take_waiting(&mut waiting).unwrap();
            assert!(waiting.is_empty());
        }
        let last = port(&path, Parity::None, 1);
        let mut open = last.open().await.unwrap();
        drop(controller);
        assert!(open.take_waiting(&mut Vec::new()).is_err());
        let error = port("/dev/serial/by-id/none", Parity::None, 1).open().await;
        assert!(error.unwrap_err().to_string().contains("not there"));
    }
}
