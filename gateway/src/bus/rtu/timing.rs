//! How long bytes take on a line, and the silence between its frames. Pure.

use std::time::Duration;

/// How long bytes take on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    character: Duration,
    silence: Duration,
}

impl Timing {
    /// The timing of what is no line, or whose other end keeps the silence.
    pub const UNPACED: Self = Self {
        character: Duration::ZERO,
        silence: Duration::ZERO,
    };

    /// The timing of a line of `baud` with so many bits to a character: 10 for 8N1, 11 with
    /// a parity bit or a second stop bit.
    #[must_use]
    pub fn new(baud: u32, bits: u32) -> Self {
        /// Above 19200 baud the pause stays fixed (Modbus over serial line, 2.5.1.1).
        const SILENCE_FAST: Duration = Duration::from_micros(1750);
        let character = Duration::from_secs(1) * bits / baud.max(1);
        let silence = if baud > 19_200 {
            SILENCE_FAST
        } else {
            character * 7 / 2
        };
        Self { character, silence }
    }

    /// The silence that ends a frame: 3.5 characters.
    #[must_use]
    pub fn silence(self) -> Duration {
        self.silence
    }

    /// How long so many bytes take.
    #[must_use]
    pub fn of(self, bytes: usize) -> Duration {
        self.character * u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}
