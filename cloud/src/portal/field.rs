//! Fields: the inputs of a form, each with its label, its help, what was typed, and what is
//! wrong with it.

use askama::Template;
use askama::filters::HtmlSafe;

/// One input.
#[derive(Debug, Template)]
#[template(path = "portal/field.html")]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) help: String,
    pub(crate) error: Option<String>,
    /// Who keeps it, when this visitor may not change it.
    pub(crate) locked: Option<String>,
    pub(crate) focus: bool,
    pub(crate) control: Control,
}

// A field escapes its own texts.
impl HtmlSafe for Field {}

/// How a field is filled.
#[derive(Debug)]
pub(crate) enum Control {
    /// A line of text.
    Line(Line),
    /// One of a list.
    Select(Vec<Group>),
    /// Yes or no.
    Switch {
        /// Whether it is yes now.
        on: bool,
    },
}

/// A line of text.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) kind: &'static str,
    pub(crate) value: String,
    pub(crate) autocomplete: &'static str,
    pub(crate) decimal: bool,
    pub(crate) most: usize,
    /// What stands behind the input: a unit.
    pub(crate) unit: String,
    pub(crate) suggestions: Vec<String>,
    pub(crate) optional: bool,
}

/// Choices under one heading; without one they stand by themselves.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) label: String,
    pub(crate) choices: Vec<Choice>,
}

/// One choice of a list.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) chosen: bool,
}

impl Choice {
    /// A choice, chosen when its value is `current`.
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>, current: &str) -> Self {
        let value = value.into();
        Self {
            chosen: value == current,
            value,
            label: label.into(),
        }
    }
}

impl Field {
    fn new(name: impl Into<String>, label: String, control: Control) -> Self {
        Self {
            name: name.into(),
            label,
            help: String::new(),
            error: None,
            locked: None,
            focus: false,
            control,
        }
    }

    /// A line of text that holds `value`.
    pub(crate) fn line(name: impl Into<String>, label: String, value: &str) -> Self {
        let line = Line {
            kind: "text",
            value: value.to_owned(),
            autocomplete: "off",
            ..Line::default()
        };
        Self::new(name, label, Control::Line(line))
    }

    /// A password; what was typed is never sent back.
    pub(crate) fn password(name: &str, label: String, autocomplete: &'static str) -> Self {
        let mut field = Self::line(name, label, "");
        field.shape(|line| {
            line.kind = "password";
            line.autocomplete = autocomplete;
        });
        field
    }

    /// A list of which one is taken.
    pub(crate) fn select(name: impl Into<String>, label: String, choices: Vec<Choice>) -> Self {
        let group = Group {
            label: String::new(),
            choices,
        };
        Self::new(name, label, Control::Select(vec![group]))
    }

    /// A list under headings of which one is taken.
    pub(crate) fn grouped(name: &str, label: String, groups: Vec<Group>) -> Self {
        Self::new(name, label, Control::Select(groups))
    }

    /// A switch.
    pub(crate) fn switch(name: &str, label: String, on: bool) -> Self {
        Self::new(name, label, Control::Switch { on })
    }

    fn shape(&mut self, change: impl FnOnce(&mut Line)) {
        if let Control::Line(line) = &mut self.control {
            change(line);
        }
    }

    /// With a sentence that helps.
    pub(crate) fn help(mut self, help: String) -> Self {
        self.help = help;
        self
    }

    /// With another type of input.
    pub(crate) fn kind(mut self, kind: &'static str) -> Self {
        self.shape(|line| line.kind = kind);
        self
    }

    /// With what the browser may fill in.
    pub(crate) fn autocomplete(mut self, word: &'static str) -> Self {
        self.shape(|line| line.autocomplete = word);
        self
    }

    /// As a number with decimals, of which `unit` stands behind.
    pub(crate) fn decimal(mut self, unit: &str) -> Self {
        self.shape(|line| {
            line.decimal = true;
            unit.clone_into(&mut line.unit);
        });
        self
    }

    /// With at most so many characters.
    pub(crate) fn most(mut self, characters: usize) -> Self {
        self.shape(|line| line.most = characters);
        self
    }

    /// With values to pick from, beside typing.
    pub(crate) fn suggest(mut self, suggestions: Vec<String>) -> Self {
        self.shape(|line| line.suggestions = suggestions);
        self
    }

    /// Which may stay empty.
    pub(crate) fn optional(mut self) -> Self {
        self.shape(|line| line.optional = true);
        self
    }

    /// Shown, but not to be changed by this visitor: `by` says who keeps it.
    pub(crate) fn locked(mut self, by: Option<String>) -> Self {
        self.locked = by;
        self
    }
}
