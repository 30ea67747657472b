//! Names that people type: of accounts, sites, gateways, meters and themselves. They end up
//! in mail headers, messages and sheets, so what could break a line is refused here.

/// The most characters of a name; it has to fit into the subject of a mail.
pub const NAME_CHARACTERS_MAX: usize = 120;

/// Why a text cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was typed.
    #[error("the name is empty: type one")]
    Empty,
    /// More than [`NAME_CHARACTERS_MAX`] characters.
    #[error("the name has {0} characters: use at most {NAME_CHARACTERS_MAX}")]
    TooLong(usize),
    /// A line break, a tab or another invisible character that steers.
    #[error("the name has a line break or another control character: remove it")]
    Control,
}

/// Whether a character steers instead of showing: controls, and the marks that turn the
/// direction of a text.
fn steers(character: char) -> bool {
    let turns = [
        '\u{200e}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2066}'..='\u{2069}',
    ];
    character.is_control() || turns.iter().any(|range| range.contains(&character))
}

/// The name in `text`, without the spaces around it.
///
/// # Errors
/// When it is empty, too long or has control characters.
pub fn checked(text: &str) -> Result<String, NameError> {
    let name = text.trim();
    let length = name.chars().count();
    if length == 0 {
        return Err(NameError::Empty);
    }
    if length > NAME_CHARACTERS_MAX {
        return Err(NameError::TooLong(length));
    }
    if name.chars().any(steers) {
        return Err(NameError::Control);
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_visible_line() {
        assert_eq!(checked("  Local 204 ").unwrap(), "Local 204");
        assert_eq!(checked("Ñandú & Søn ☀").unwrap(), "Ñandú & Søn ☀");
        assert_eq!(checked(" \n "), Err(NameError::Empty));
        for wrong in ["Evil\r\nBcc: all", "a\0b", "a\u{202e}b", "a\u{2028}b"] {
            assert_eq!(checked(wrong), Err(NameError::Control), "{wrong:?}");
        }
        assert_eq!(checked(&"x".repeat(121)), Err(NameError::TooLong(121)));
    }
}
