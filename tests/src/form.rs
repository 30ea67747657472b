//! Just enough HTML to find links and forms on our own pages, as a person's browser would.
//!
//! It reads well-formed pages: quoted attributes, no scripts that write markup.

use std::collections::BTreeMap;

/// One tag with its attributes and the text up to the next tag.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
    text: String,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.attributes.contains_key(name)
    }
}

/// A form as it stands on a page, with the values it would send if nobody touched it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form {
    /// Where it goes; empty for the page itself.
    pub action: String,
    /// Whether it is posted.
    pub is_post: bool,
    /// What it sends, in the order of the page.
    pub values: Vec<(String, String)>,
    /// The names of all its fields, also of those that send nothing untouched.
    pub names: Vec<String>,
    /// What each select offers.
    pub options: BTreeMap<String, Vec<String>>,
    /// The values of its checkboxes and radio buttons.
    pub boxes: Vec<(String, String)>,
    /// What its submit buttons say.
    pub buttons: Vec<String>,
    /// What stands beside a field, with the field's name.
    pub labels: Vec<(String, String)>,
}

impl Form {
    /// Puts `value` into the field `name`; a select must offer it.
    ///
    /// # Panics
    /// When the form has no such field or option: then the page changed.
    #[must_use]
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        assert!(self.has(name), "no field '{name}' among {:?}", self.names);
        if let Some(offered) = self.options.get(name) {
            let known = offered.iter().any(|option| option == value);
            assert!(known, "'{name}' does not offer '{value}' but {offered:?}");
        }
        self.values.retain(|(key, _)| key != name);
        self.values.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts `value` in whatever the field offers: a person who tampers with the page.
    #[must_use]
    pub fn force(mut self, name: &str, value: &str) -> Self {
        self.values.retain(|(key, _)| key != name);
        self.values.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Ticks the box `name` that stands for `value`, besides those already ticked.
    ///
    /// # Panics
    /// When the form has no such box.
    #[must_use]
    pub fn tick(mut self, name: &str, value: &str) -> Self {
        let ticked = (name.to_owned(), value.to_owned());
        assert!(
            self.boxes.contains(&ticked),
            "no box {ticked:?} among {:?}",
            self.boxes
        );
        if !self.values.contains(&ticked) {
            self.values.push(ticked);
        }
        self
    }

    /// Clears every box of `name`.
    #[must_use]
    pub fn clear(mut self, name: &str) -> Self {
        self.values.retain(|(key, _)| key != name);
        self
    }

    /// The name of the field beside which `label` stands.
    ///
    /// # Panics
    /// When no field is labelled so.
    #[must_use]
    pub fn labelled(&self, label: &str) -> String {
        let found = self.labels.iter().find(|(text, _)| text == label);
        let found = found.unwrap_or_else(|| panic!("no '{label}' among {:?}", self.labels));
        found.1.clone()
    }

    /// Whether it has a field of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// What the field would send.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.values.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    fn field(&mut self, tag: &Tag) {
        let Some(name) = tag.attribute("name").map(str::to_owned) else {
            return;
        };
        if tag.has("disabled") {
            return;
        }
        self.names.push(name.clone());
        let value = tag.attribute("value").unwrap_or_default().to_owned();
        match (tag.name.as_str(), tag.attribute("type").unwrap_or("text")) {
            ("input", "checkbox" | "radio") => {
                let value = tag.attribute("value").unwrap_or("on").to_owned();
                self.boxes.push((name.clone(), value.clone()));
                if tag.has("checked") {
                    self.values.push((name, value));
                }
            }
            ("input", _) => self.values.push((name, value)),
            ("textarea", _) => self.values.push((name, tag.text.trim().to_owned())),
            _ => {}
        }
    }

    fn option(&mut self, select: &str, tag: &Tag) {
        let value = tag.attribute("value").unwrap_or(tag.text.trim()).to_owned();
        let offered = self.options.entry(select.to_owned()).or_default();
        let is_first = offered.is_empty();
        offered.push(value.clone());
        if is_first || tag.has("selected") {
            self.values.retain(|(key, _)| key != select);
            self.values.push((select.to_owned(), value));
        }
    }
}

/// Every form of the page.
#[must_use]
pub fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut inside = false;
    let mut select = String::new();
    for tag in tags(html) {
        match (tag.name.as_str(), forms.last_mut()) {
            ("form", _) => {
                inside = true;
                forms.push(Form {
                    action: tag.attribute("action").unwrap_or_default().to_owned(),
                    is_post: tag
                        .attribute("method")
                        .is_some_and(|method| method.eq_ignore_ascii_case("post")),
                    ..Form::default()
                });
            }
            ("/form", _) => inside = false,
            ("input" | "textarea", Some(form)) if inside => form.field(&tag),
            ("select", Some(form)) if inside => {
                select = tag.attribute("name").unwrap_or_default().to_owned();
                form.field(&tag);
            }
            ("/select", _) => select.clear(),
            // Outside a select an option is but a proposal.
            ("option", Some(form)) if inside && !select.is_empty() => form.option(&select, &tag),
            ("label", Some(form)) if inside => {
                let name = tag.attribute("for").unwrap_or_default().to_owned();
                form.labels.push((tag.text.trim().to_owned(), name));
            }
            ("button", Some(form)) if inside => {
                form.buttons.push(tag.text.trim().to_owned());
            }
            _ => {}
        }
    }
    forms
}

/// Where every link of the page leads, with its text.
#[must_use]
pub fn links(html: &str) -> Vec<(String, String)> {
    let mut links: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for tag in tags(html) {
        match (tag.name.as_str(), links.last_mut()) {
            ("a", _) => {
                let target = tag.attribute("href").unwrap_or_default().to_owned();
                links.push((target, tag.text.clone()));
                inside = true;
            }
            ("/a", _) => inside = false,
            (_, Some((_, text))) if inside => text.push_str(&tag.text),
            _ => {}
        }
    }
    for (_, text) in &mut links {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    links
}

/// The words a person reads on the page, single spaces between them.
#[must_use]
pub fn text(html: &str) -> String {
    let mut words = String::new();
    for tag in tags(html) {
        if !matches!(tag.name.as_str(), "style" | "script" | "title") {
            words.push(' ');
            words.push_str(&tag.text);
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn tags(html: &str) -> Vec<Tag> {
    let pieces = html.split('<').skip(1);
    pieces
        .filter_map(|piece| {
            let (inside, text) = piece.split_once('>')?;
            let inside = inside.trim_end_matches('/').trim();
            let end = inside.find(char::is_whitespace).unwrap_or(inside.len());
            let (name, rest) = inside.split_at(end);
            Some(Tag {
                name: name.to_ascii_lowercase(),
                attributes: attributes(rest),
                text: unescape(text),
            })
        })
        .collect()
}

fn attributes(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix('=') {
            Some(quoted) => attribute_value(quoted),
            None => (String::new(), after),
        };
        found.insert(name.to_ascii_lowercase(), value);
        rest = after.trim_start();
    }
    found
}

fn attribute_value(text: &str) -> (String, &str) {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return (unescape(value), after);
    };
    let inner = text.get(1..).unwrap_or_default();
    let (value, after) = inner.split_once(quote).unwrap_or((inner, ""));
    (unescape(value), after)
}

/// The text that the entities of our pages stand for.
#[must_use]
pub fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let known = after
            .split_once(';')
            .and_then(|(entity, after)| Some((character(entity)?, after)));
        match known {
            Some((letter, after)) => {
                plain.push(letter);
                rest = after;
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<p>A &amp; B <a class="x" href="/m/1?a=1&amp;b=2">Local <b>101</b></a></p>
        <form method="post" action="/meters">
        <input type="hidden" name="token" value="t&#x27;1">
        <input name="label" value="Local 101"/>
        <select name="zone"><option value="UTC">UTC<option value="X" selected>X</select>
        <label><input type="checkbox" name="day" value="1" checked> 1</label>
        <input type="checkbox" name="day" value="2">
        <button>Save &lt;it&gt;</button></form>"#;

    #[test]
    fn a_form_sends_what_stands_in_it_and_what_is_filled_in() {
        let form = forms(PAGE).remove(0);
        assert!(form.is_post && form.action == "/meters");
        assert_eq!(form.buttons, ["Save <it>"]);
        let sent = form.fill("label", "B").tick("day", "2");
        let expected = [
            ("token", "t'1"),
            ("zone", "X"),
            ("day", "1"),
            ("label", "B"),
            ("day", "2"),
        ];
        let expected: Vec<(String, String)> = expected
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(sent.values, expected);
    }

    #[test]
    #[should_panic(expected = "does not offer")]
    fn a_select_sends_only_what_it_offers() {
        let _ = forms(PAGE).remove(0).fill("zone", "Mars");
    }

    #[test]
    fn links_and_words_are_read_as_a_person_would() {
        let expected = ("/m/1?a=1&b=2".to_owned(), "Local 101".to_owned());
        assert_eq!(links(PAGE), [expected]);
        assert!(text("<p>A &amp; B</p><style>x{}</style>").ends_with("A & B"));
    }
}
