//! Numbers as people type them: `3.50` and `3,50` both mean three and a half, wherever the
//! one who types lives. What could be read in two ways is refused instead of guessed: a
//! price a thousand times too high is worse than a question.

use rust_decimal::Decimal;

/// The most characters of a typed number; the largest allowed value is far shorter.
const NUMBER_CHARACTERS_MAX: usize = 30;
/// Digits between two grouping marks.
const GROUP: usize = 3;

/// Why a text is no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NumberError {
    /// Nothing was typed.
    Empty,
    /// Something else was typed.
    NotANumber,
    /// `1,234` is a thousand and something here, one and something there.
    TwoReadings {
        /// The value without grouping.
        whole: String,
        /// The value with decimals, and one zero to tell it apart.
        broken: String,
    },
}

/// The decimal in `text`. `grouping` is the mark that the region puts between thousands.
///
/// # Errors
/// When there is none, or when there are two.
pub(crate) fn decimal(text: &str, grouping: char) -> Result<Decimal, NumberError> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let compact = compact.replace('\u{2212}', "-");
    if compact.is_empty() {
        return Err(NumberError::Empty);
    }
    if compact.len() > NUMBER_CHARACTERS_MAX {
        return Err(NumberError::NotANumber);
    }
    let plain = without_grouping(&compact, grouping)?;
    let digits = plain.strip_prefix('-').unwrap_or(&plain);
    let digit_first_and_last = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit());
    if !digit_first_and_last || digits.contains(|c: char| !c.is_ascii_digit() && c != '.') {
        return Err(NumberError::NotANumber);
    }
    Decimal::from_str_exact(&plain).map_err(|_| NumberError::NotANumber)
}

/// The same number with a point for its decimals and no other mark.
fn without_grouping(text: &str, grouping: char) -> Result<String, NumberError> {
    let (points, commas) = (text.matches('.').count(), text.matches(',').count());
    match (points, commas) {
        (0, 0) => Ok(text.to_owned()),
        // Both marks: the last one is for the decimals.
        (_, 1) if points > 0 && text.rfind(',') > text.rfind('.') => {
            let (whole, fraction) = text.split_once(',').unwrap_or((text, ""));
            Ok(format!("{}.{fraction}", grouped(whole, '.')?))
        }
        (1, _) if commas > 0 => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            Ok(format!("{}.{fraction}", grouped(whole, ',')?))
        }
        (1, 0) => single(text, '.', grouping),
        (0, 1) => single(text, ',', grouping),
        (_, 0) => grouped(text, '.'),
        (0, _) => grouped(text, ','),
        _ => Err(NumberError::NotANumber),
    }
}

/// One mark: decimals, unless it stands where the region puts a thousand.
fn single(text: &str, mark: char, grouping: char) -> Result<String, NumberError> {
    let (whole, fraction) = text.split_once(mark).unwrap_or((text, ""));
    let first = whole.trim_start_matches('-');
    let could_group = fraction.len() == GROUP && (1..=GROUP).contains(&first.len()) && first != "0";
    if mark == grouping && could_group {
        return Err(NumberError::TwoReadings {
            whole: format!("{whole}{fraction}"),
            broken: format!("{whole}.{fraction}0"),
        });
    }
    Ok(format!("{whole}.{fraction}"))
}

/// A whole number whose thousands are apart by `mark`.
fn grouped(text: &str, mark: char) -> Result<String, NumberError> {
    let mut parts = text.trim_start_matches('-').split(mark);
    let first = parts.next().unwrap_or_default();
    if (1..=GROUP).contains(&first.len()) && parts.all(|part| part.len() == GROUP) {
        Ok(text.replace(mark, ""))
    } else {
        Err(NumberError::NotANumber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_they_are_meant() {
        let table = [
            ("3.50", ',', "3.50"),
            ("3,50", ',', "3.50"),
            (" 3,50 ", '.', "3.50"),
            ("1 234,5", '.', "1234.5"),
            ("1,234.50", ',', "1234.50"),
            ("1.234,50", ',', "1234.50"),
            ("1,234,567", ',', "1234567"),
            ("1.234.567,8", '.', "1234567.8"),
            // The mark is not the one for thousands, so it is the one for decimals.
            ("1.234", ',', "1.234"),
            ("1,234", '.', "1.234"),
            ("0,125", ',', "0.125"),
            ("1234,567", ',', "1234.567"),
            ("-1", ',', "-1"),
            ("−0.5", ',', "-0.5"),
            ("0", ',', "0"),
        ];
        for (text, grouping, expected) in table {
            let read = decimal(text, grouping).unwrap();
            assert_eq!(read.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert_eq!(decimal("  ", ','), Err(NumberError::Empty));
        let wrong = [
            "abc",
            "$3",
            "1e5",
            ".5",
            "5.",
            "1,23,456",
            "1.2.3",
            "--1",
            "1-",
            "0x10",
            "NaN",
            "3..5",
            "1.234,5,6",
            "99999999999999999999999999999999999999",
        ];
        for text in wrong {
            assert_eq!(decimal(text, ','), Err(NumberError::NotANumber), "{text}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_asked_back() {
        for (text, grouping) in [("1,234", ','), ("1.234", '.')] {
            let expected = NumberError::TwoReadings {
                whole: "1234".to_owned(),
                broken: "1.2340".to_owned(),
            };
            assert_eq!(decimal(text, grouping), Err(expected), "{text}");
        }
    }
}
