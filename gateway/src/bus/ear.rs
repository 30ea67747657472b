//! A line that is heard and never spoken on: whoever holds an [`Ear`] has no way to write,
//! because there is no way back to the line in it.

use std::io;

use tokio::io::AsyncReadExt;

use super::rtu::Line;

/// The hearing half of a line.
#[derive(Debug)]
pub(super) struct Ear<L>(L);

impl<L: Line> Ear<L> {
    /// Makes the line one that is only heard.
    pub(super) fn of(line: L) -> Self {
        Self(line)
    }

    /// Waits for bytes and takes as many as there are. May be dropped.
    pub(super) async fn hear(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        match self.0.read(chunk).await {
            Ok(0) => Err(io::Error::other("it was closed, or unplugged")),
            other => other,
        }
    }
}
