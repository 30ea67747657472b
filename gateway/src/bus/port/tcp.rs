//! Connections over TCP: to a serial server, and to whoever speaks Modbus TCP.
//!
//! Promises: connecting ends within [`CONNECT_MAX`]; a peer that is gone is found within
//! [`PEER_GONE`] of a request, and within two minutes when nobody asks.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::take_all;
use crate::bus::frame::mbap::Mbap;
use crate::config::Endpoint;

/// How long connecting may take; requests wait for it.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// How long sent bytes may stay unacknowledged before the connection counts as lost.
const PEER_GONE: Duration = Duration::from_secs(10);
/// After so long without a byte the peer is asked whether it is there, so often.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_COUNT: u32 = 3;
/// The longest frame of Modbus TCP.
const CHUNK_BYTES: usize = 260;

/// Connects to `endpoint`.
pub(super) async fn connect(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let name = endpoint.as_str();
    let stream = match timeout(CONNECT_MAX, TcpStream::connect(name)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            return Err(io::Error::other(format!(
                "{name} refuses the connection: check the port number and that it is set to be a \
                 TCP server; many serve one client at a time, so stop the other"
            )));
        }
        Ok(Err(error)) => {
            return Err(io::Error::other(format!(
                "{name} cannot be reached ({error}): check its address and the network"
            )));
        }
        Err(_) => {
            return Err(io::Error::other(format!(
                "{name} does not answer within {} s: check its power, its address and the network",
                CONNECT_MAX.as_secs()
            )));
        }
    };
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(&stream, true)?;
    sockopt::set_tcp_keepidle(&stream, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(&stream, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(&stream, KEEPALIVE_COUNT)?;
    let peer_gone_ms = u32::try_from(PEER_GONE.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(&stream, peer_gone_ms)?;
    Ok(stream)
}

/// A connection by Modbus TCP, which takes and gives RTU frames.
#[derive(Debug)]
pub(super) struct ModbusTcp {
    stream: TcpStream,
    framing: Mbap,
    /// What is left of the frame that is being sent.
    outgoing: Vec<u8>,
    /// Received, as RTU frames, and not yet taken.
    incoming: Vec<u8>,
}

impl ModbusTcp {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            framing: Mbap::default(),
            outgoing: Vec::new(),
            incoming: Vec::new(),
        }
    }

    pub(super) fn take_waiting(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let mut waiting = Vec::new();
        take_all(&mut waiting, |chunk| {
            Ok(rustix::io::read(&self.stream, chunk)?)
        })?;
        self.framing.unwrap(&waiting, &mut self.incoming)?;
        into.append(&mut self.incoming);
        Ok(())
    }

    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.incoming.is_empty() {
            let mut chunk = [0; CHUNK_BYTES];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.framing.unwrap(chunk.filled(), &mut self.incoming)?;
        }
        let count = self.incoming.len().min(space.remaining());
        for byte in self.incoming.drain(..count) {
            space.put_slice(&[byte]);
        }
        Poll::Ready(Ok(()))
    }

    /// Sends `frame`, which is a whole request.
    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        frame: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.outgoing.is_empty() {
            self.outgoing = self.framing.wrap(frame);
        }
        while !self.outgoing.is_empty() {
            let stream = Pin::new(&mut self.stream);
            let sent = ready!(stream.poll_write(context, &self.outgoing))?;
            self.outgoing.drain(..sent);
        }
        Poll::Ready(Ok(frame.len()))
    }
}

#[cfg(test)]
mod tests {
    use common::profile::{Parity, Request, Table};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use crate::bus::port::OpenPort;
    use crate::bus::rtu::Master;
    use crate::bus::{Ask, Fault, Pace, Port};
    use crate::config::PortAddress;

    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(100);

    type Asked = [u8; 12];

    async fn port_of(listener: &TcpListener) -> Port {
        let address = listener.local_addr().unwrap();
        Port {
            address: PortAddress::try_from(format!("tcp://{address}")).unwrap(),
            baud: 9600,
            parity: Parity::None,
            stop_bits: 1,
        }
    }

    fn ask(address: u16) -> Ask {
        Ask {
            unit: 7,
            request: Request {
                table: Table::Holding,
                address,
                count: 1,
            },
            pace: Pace {
                gap: Duration::ZERO,
                unit_change_gap: Duration::ZERO,
                timeout: TIMEOUT,
            },
        }
    }

    /// A reply of one register, which is the address that was asked for.
    fn reply(asked: &Asked, transaction: u16) -> Vec<u8> {
        let mut reply = transaction.to_be_bytes().to_vec();
        reply.extend([0, 0, 0, 5, asked[6], 3, 2, asked[8], asked[9]]);
        reply
    }

    /// A server of one client, which answers the n-th request by `answer` and hangs up at an
    /// empty one.
    fn serve(listener: TcpListener, mut answer: impl FnMut(Asked) -> Vec<u8> + Send + 'static) {
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut asked = [0; 12];
            while client.read_exact(&mut asked).await.is_ok() {
                let reply = answer(asked);
                if reply.is_empty() {
                    return;
                }
                client.write_all(&reply).await.unwrap();
            }
        });
    }

    async fn master(
        answer: impl FnMut(Asked) -> Vec<u8> + Send + 'static,
    ) -> (Master<OpenPort>, Port) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = port_of(&listener).await;
        serve(listener, answer);
        let line = port.open().await.unwrap();
        (Master::new(line, port.timing()), port)
    }

    #[tokio::test]
    async fn late_replies_are_dropped_and_a_server_that_hangs_up_is_told_from_a_silent_one() {
        let (mut master, port) = master(|asked| {
            let [a, b, ..] = asked;
            let transaction = u16::from_be_bytes([a, b]);
            match transaction {
                // An earlier one's in front, of the same unit, function and length.
                1..=3 => {
                    let mut late = reply(&[9; 12], transaction.wrapping_sub(1));
                    late[6] = 7;
                    [late, reply(&asked, transaction)].concat()
                }
                4 => reply(&asked, 3),
                _ => vec![],
            }
        })
        .await;
        for address in [100, 200, 300] {
            assert_eq!(master.read(&ask(address)).await, Ok(vec![address]));
        }
        let silence = Fault::Silence { waited: TIMEOUT };
        assert_eq!(master.read(&ask(400)).await, Err(silence));
        let gone = master.read(&ask(500)).await.unwrap_err();
        assert!(matches!(gone, Fault::Port(_)), "{gone:?}");
        let refused = port.open().await.unwrap_err().to_string();
        assert!(refused.contains("refuses the connection"), "{refused}");
    }

    #[tokio::test]
    async fn another_unit_a_wrong_length_and_another_protocol_are_no_answers() {
        let (mut master, _) = master(|asked| {
            let [a, b, ..] = asked;
            let transaction = u16::from_be_bytes([a, b]);
            let mut reply = reply(&asked, transaction);
            match u16::from_be_bytes([asked[8], asked[9]]) {
                100 => reply[6] = 255,
                200 => {
                    reply[5] = 7;
                    reply[8] = 4;
                    reply.extend([0, 0]);
                }
                300 => reply = b"login: ".to_vec(),
                _ => {}
            }
            reply
        })
        .await;
        let got = master.read(&ask(100)).await;
        assert_eq!(got, Err(Fault::WrongUnit { got: 255 }));
        let length = Fault::WrongLength { asked: 2, got: 4 };
        let mut other = ask(200);
        other.unit = 8;
        assert_eq!(master.read(&other).await, Err(length));
        other.unit = 9;
        other.request.address = 300;
        let Err(Fault::Port(why)) = master.read(&other).await else {
            panic!("text was taken for Modbus TCP");
        };
        assert!(why.contains("rtu+tcp://"), "{why}");
    }
}
