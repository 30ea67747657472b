//! Tables: rows on a wide screen, a card each on a phone. A page of the portal that lists
//! something is a heading and one or more of them.

use askama::Template;
use askama::filters::HtmlSafe;

use super::page::Page;

/// How a state is meant, beside its word: never by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warn,
    Bad,
    Quiet,
}

impl Tone {
    /// The class of its colours.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Quiet => "quiet",
        }
    }

    /// The mark before its word.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Good => "●",
            Self::Warn => "▲",
            Self::Bad => "✖",
            Self::Quiet => "○",
        }
    }
}

/// What stands in a cell.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    /// What the row is about: a link, with a line under it.
    Main {
        href: String,
        label: String,
        small: String,
    },
    /// A text, with a line under it.
    Text { text: String, small: String },
    /// A figure, with a line under it.
    Figure { text: String, small: String },
    /// Something that can be done: a button.
    Post { action: String, label: String },
    /// Where something can be done, each with its words.
    Links(Vec<(String, String)>),
    /// A state.
    State {
        tone: Tone,
        word: String,
        small: String,
    },
}

impl Cell {
    /// What the row is about.
    pub(crate) fn main(href: String, label: impl Into<String>, small: impl Into<String>) -> Self {
        Self::Main {
            href,
            label: label.into(),
            small: small.into(),
        }
    }

    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text {
            text: text.into(),
            small: String::new(),
        }
    }

    /// A text with a line under it.
    pub(crate) fn two(text: impl Into<String>, small: impl Into<String>) -> Self {
        Self::Text {
            text: text.into(),
            small: small.into(),
        }
    }

    /// A figure.
    pub(crate) fn figure(text: impl Into<String>) -> Self {
        Self::figure_of(text, "")
    }

    /// A figure with a line under it.
    pub(crate) fn figure_of(text: impl Into<String>, small: impl Into<String>) -> Self {
        Self::Figure {
            text: text.into(),
            small: small.into(),
        }
    }

    /// A state.
    pub(crate) fn state(tone: Tone, word: impl Into<String>, small: impl Into<String>) -> Self {
        Self::State {
            tone,
            word: word.into(),
            small: small.into(),
        }
    }

    /// Whether it is a figure, which stands right.
    pub(crate) fn is_figure(&self) -> bool {
        matches!(self, Self::Figure { .. })
    }
}

/// Rows of cells under columns.
#[derive(Debug, Clone, Template)]
#[template(path = "portal/table.html")]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// What stands there instead when there are no rows.
    pub(crate) empty: String,
}

// A table escapes its own texts.
impl HtmlSafe for Table {}

impl Table {
    /// Whether the column holds figures.
    fn figures_in(&self, column: &usize) -> bool {
        let first = self.rows.first().and_then(|row| row.get(*column));
        first.is_some_and(Cell::is_figure)
    }

    fn column(&self, index: &usize) -> &str {
        self.columns.get(*index).map_or("", String::as_str)
    }
}

/// What can be done from a page.
#[derive(Debug)]
pub(crate) struct Button {
    pub(crate) href: String,
    pub(crate) label: String,
    pub(crate) main: bool,
}

impl Button {
    /// What one comes for.
    pub(crate) fn main(href: impl Into<String>, label: String) -> Self {
        Self {
            href: href.into(),
            label,
            main: true,
        }
    }

    /// What one may want besides.
    pub(crate) fn plain(href: impl Into<String>, label: String) -> Self {
        Self {
            href: href.into(),
            label,
            main: false,
        }
    }
}

/// A page that lists.
#[derive(Debug, Template)]
#[template(path = "portal/listing.html")]
pub(crate) struct Listing {
    pub(crate) page: Page,
    pub(crate) above: Option<(String, String)>,
    pub(crate) lead: String,
    pub(crate) buttons: Vec<Button>,
    pub(crate) tables: Vec<Table>,
}
