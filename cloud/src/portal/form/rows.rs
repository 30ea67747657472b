//! Rows: fields that a form repeats, named by a list and a place in it, `tier-0-price`.
//!
//! Whatever is sent, a list is as long as its rows follow each other from the first on, and
//! never longer than the one who asks allows.

use super::Input;

impl Input {
    /// The same with the fields that `other` has, of which the ones here are replaced.
    pub(crate) fn over(mut self, other: Self) -> Self {
        self.0
            .retain(|(field, _)| other.0.iter().all(|(name, _)| name != field));
        self.0.extend(other.0);
        self
    }

    /// How many rows a list has, `most` at most.
    pub(crate) fn rows(&self, list: &str, most: usize) -> usize {
        let is_there = |place: usize| {
            let row = format!("{list}-{place}-");
            self.0.iter().any(|(field, _)| field.starts_with(&row))
        };
        (0..most).take_while(|place| is_there(*place)).count()
    }

    /// The same without a row of a list; the rows after it move up.
    pub(crate) fn without_row(self, list: &str, place: usize) -> Self {
        let start = format!("{list}-");
        let keep = |(field, value): (String, String)| {
            let rest = field.strip_prefix(&start);
            let parts = rest.and_then(|rest| rest.split_once('-'));
            let row = parts.and_then(|(row, name)| Some((row.parse::<usize>().ok()?, name)));
            match row {
                Some((row, _)) if row == place => None,
                Some((row, name)) if row > place => {
                    let moved = format!("{list}-{}-{name}", row.saturating_sub(1));
                    Some((moved, value))
                }
                _ => Some((field, value)),
            }
        };
        Self(self.0.into_iter().filter_map(keep).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_from_the_first_on_and_move_up() {
        let input = Input::of(&[
            ("tier-0-price", "1"),
            ("tier-1-price", "2"),
            ("tier-1-up_to", "50"),
            ("tier-2-price", "3"),
            ("tier-9-price", "lost"),
            ("tier-x-price", "hostile"),
        ]);
        assert_eq!(input.rows("tier", 20), 3);
        assert_eq!(input.rows("tier", 2), 2);
        let input = input.without_row("tier", 1);
        assert_eq!(input.rows("tier", 20), 2);
        assert_eq!(input.get("tier-1-price"), "3");
        assert_eq!(input.get("tier-1-up_to"), "");
    }
}
