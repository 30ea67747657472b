//! The QR code of an address, as the outline of its dark modules.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// A QR code.
pub(super) struct Code {
    /// How many modules it is wide and high.
    pub(super) modules: usize,
    /// An SVG path that fills its dark modules; a module is one unit.
    pub(super) path: String,
}

impl Code {
    /// The code of an address; nothing where it is too long for one. Of its modules 15 % may be
    /// dirty: a bill is folded, and looked at with a phone.
    pub(super) fn of(address: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(address, EcLevel::M).ok()?;
        let modules = code.width();
        let mut path = String::new();
        for (y, row) in code.to_colors().chunks(modules).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|one, next| one == next) {
                if run.first() == Some(&Color::Dark) {
                    let length = run.len();
                    let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
                }
                x += run.len();
            }
        }
        Some(Self { modules, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_the_three_corners_that_a_phone_looks_for() {
        let code = Code::of("https://enervue.example/verify/uKFJmVr1JmgDw01w6FnMNQ").unwrap();
        let last = code.modules - 7;
        // The upper edge of each is seven modules long and ends there.
        for corner in [
            "M0 0h7".to_owned(),
            format!("M{last} 0h7"),
            format!("M0 {last}h7"),
        ] {
            assert!(code.path.contains(&corner), "{corner} in {}", code.path);
        }
        assert!(Code::of(&"x".repeat(5000)).is_none());
    }
}
