//! How wide text is, so that a long name is wrapped or cut and never runs over its neighbour.
//!
//! A text is as wide as its letters one by one; pairs that stand closer make it a little
//! narrower than said here, never wider. Widths are in thousandths of the size of the letters.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use resvg::usvg;

use super::OPTIONS;
use crate::chart::escape;

/// What a letter counts that cannot be measured: as wide as it is high.
const UNKNOWN: u32 = 1000;

/// How heavy letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// For text.
    Regular,
    /// For headings and totals.
    Bold,
}

static ADVANCES: LazyLock<Mutex<BTreeMap<(Weight, char), u32>>> = LazyLock::new(Mutex::default);

/// A place for text: its weight, the size of its letters, and how wide it is, in points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    weight: Weight,
    letters: u32,
    width: u32,
}

/// The place of that width for letters of that weight and size.
pub(super) fn place(weight: Weight, letters: u16, width: u16) -> Place {
    Place {
        weight,
        letters: u32::from(letters),
        width: u32::from(width),
    }
}

impl Place {
    /// The text, cut with an ellipsis where it is too long.
    pub(super) fn fit(self, text: &str) -> String {
        let text = clean(text);
        let room = self.room(self.letters);
        if self.width_of(&text) <= room {
            return text;
        }
        let mut used = self.width_of("…");
        let kept = text.chars().take_while(|letter| {
            used = used.saturating_add(advance(*letter, self.weight));
            used <= room
        });
        let kept: String = kept.collect();
        format!("{}…", kept.trim_end())
    }

    /// The text in at most `lines_max` lines, broken between words where that is possible, the
    /// last one cut.
    pub(super) fn wrap(self, text: &str, lines_max: usize) -> Vec<String> {
        let room = self.room(self.letters);
        let mut lines: Vec<String> = Vec::new();
        let text = clean(text);
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        let mut line = String::new();
        while let Some(word) = words.next() {
            let longer = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if self.width_of(&longer) <= room || line.is_empty() {
                line = longer;
            } else if lines.len() + 1 < lines_max {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            } else {
                line = words.fold(longer, |rest, next| format!("{rest} {next}"));
                break;
            }
        }
        lines.push(line);
        lines.iter().map(|line| self.fit(line)).collect()
    }

    /// The greatest size of letters, from `letters` down to `least`, at which the text fits.
    pub(super) fn shrink(self, text: &str, least: u32) -> u32 {
        let width = self.width_of(&clean(text));
        let fits = |letters: &u32| width <= self.room(*letters);
        (least..=self.letters).rev().find(fits).unwrap_or(least)
    }

    /// How long the text is, in points.
    pub(super) fn length(self, text: &str) -> u16 {
        let length = self
            .width_of(text)
            .saturating_mul(self.letters)
            .div_ceil(1000);
        u16::try_from(length).unwrap_or(u16::MAX)
    }

    fn room(self, letters: u32) -> u32 {
        (self.width * 1000).checked_div(letters).unwrap_or(0)
    }

    fn width_of(self, text: &str) -> u32 {
        let widths = text.chars().map(|letter| advance(letter, self.weight));
        widths.fold(0, u32::saturating_add)
    }
}

/// The text on one line, without what a font cannot show.
fn clean(text: &str) -> String {
    let spaced = text.chars().map(|letter| {
        if letter.is_control() || letter.is_whitespace() {
            ' '
        } else {
            letter
        }
    });
    spaced.collect::<String>().trim().to_owned()
}

fn advance(letter: char, weight: Weight) -> u32 {
    let mut known = ADVANCES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(advance) = known.get(&(weight, letter)) {
        return *advance;
    }
    // Between two others, because a space at the edge is dropped.
    let between = drawn_width(&format!("n{letter}n"), weight);
    let without = drawn_width("nn", weight);
    let advance = between
        .zip(without)
        .map_or(UNKNOWN, |(all, rest)| all.saturating_sub(rest));
    // Beyond the font's letters lie half a million others; those need no place here.
    if u32::from(letter) < 0x2400 {
        known.insert((weight, letter), advance);
    }
    advance
}

/// How wide the text is drawn.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a layout's width"
)]
fn drawn_width(text: &str, weight: Weight) -> Option<u32> {
    let weight = match weight {
        Weight::Regular => "normal",
        Weight::Bold => "bold",
    };
    let svg = format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="9000" height="2000">"#,
            r#"<text id="t" y="1000" font-size="1000" font-weight="{}">{}</text></svg>"#,
        ),
        weight,
        escape(text),
    );
    let tree = usvg::Tree::from_str(&svg, &OPTIONS).ok()?;
    Some(tree.node_by_id("t")?.bounding_box().width().round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(width: u16) -> Place {
        super::place(Weight::Regular, 10, width)
    }

    #[test]
    fn letters_have_the_widths_of_the_font() {
        // From the font's own table: digit 572, i 258, space 260, bold digit 572.
        for (letter, weight, width) in [
            ('0', Weight::Regular, 572),
            ('i', Weight::Regular, 258),
            (' ', Weight::Regular, 260),
            ('7', Weight::Bold, 572),
        ] {
            let measured = advance(letter, weight);
            assert!(measured.abs_diff(width) <= 12, "'{letter}' is {measured}");
        }
    }

    #[test]
    fn a_text_is_cut_only_where_it_is_too_long() {
        assert_eq!(place(100).fit("Local 204"), "Local 204");
        assert_eq!(place(40).fit("Local comercial 204"), "Local c…");
        assert_eq!(place(100).fit(" a\u{1}\n b "), "a   b");
        assert_eq!(place(1).fit("Local"), "…");
    }

    #[test]
    fn a_text_is_broken_between_words_and_cut_in_the_last_line() {
        let text = "Local comercial de la esquina norte";
        assert_eq!(
            place(80).wrap(text, 9),
            ["Local comercial", "de la esquina", "norte"]
        );
        assert_eq!(
            place(80).wrap(text, 2),
            ["Local comercial", "de la esquina n…"]
        );
        assert_eq!(place(80).wrap("", 2), [""]);
        let long = "x".repeat(500);
        let lines = place(80).wrap(&long, 2);
        assert!(lines.len() == 1 && lines[0].ends_with('…'));
    }

    #[test]
    fn letters_shrink_until_the_text_fits() {
        assert_eq!(place(100).shrink("1234", 5), 10);
        assert_eq!(place(40).shrink("1234567890", 5), 6);
        assert_eq!(place(1).shrink("1234567890", 5), 5);
    }
}
