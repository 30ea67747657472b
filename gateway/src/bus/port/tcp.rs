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
