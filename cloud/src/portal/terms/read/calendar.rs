//! The prices by the hour, and the calendar that says when which of them holds.

use jiff::civil::{Date, Time};

use super::super::super::form::echo;
use super::super::write::DAYS;
use super::Reader;
use crate::plan::tariff::{
    BANDS_MAX, Band, Calendar, HOLIDAYS_MAX, Rate, SEASONS_MAX, SWITCHES_MAX, Season, Switch,
};
use crate::text::Arg;

/// The bands with the rows where they stand.
type Bands = Vec<(usize, Band)>;

impl Reader<'_, '_> {
    pub(in super::super) fn hours(&mut self) -> Option<Rate> {
        let bands = self.bands();
        let mut seasons: Vec<Season> = Vec::new();
        for place in 0..self.check.input.rows("season", SEASONS_MAX) {
            let Some(season) = self.season(place, &bands) else {
                continue;
            };
            let begins = |one: &Season| (one.month, one.day);
            if seasons
                .last()
                .is_some_and(|last| begins(last) >= begins(&season))
            {
                self.wrong(&format!("season-{place}-month"), "terms-error-season-order");
            }
            seasons.push(season);
        }
        if bands.is_empty() {
            self.wrong("band-0-name", "portal-error-empty");
        }
        if seasons.is_empty() {
            self.wrong("season-0-month", "portal-error-empty");
        }
        let holidays = self.holidays();
        Some(Rate::TimeOfUse {
            bands: bands.into_iter().map(|(_, band)| band).collect(),
            calendar: Calendar { seasons, holidays },
        })
    }

    fn bands(&mut self) -> Bands {
        let mut bands = Bands::new();
        for place in 0..self.check.input.rows("band", BANDS_MAX) {
            let (name, price) = (format!("band-{place}-name"), format!("band-{place}-price"));
            if self.is_empty(&name) && self.is_empty(&price) {
                continue;
            }
            let (name, price) = (self.line_name(&name), self.price(&price));
            if let (Some(name), Some(price)) = (name, price) {
                bands.push((place, Band { name, price }));
            }
        }
        bands
    }

    fn season(&mut self, place: usize, bands: &Bands) -> Option<Season> {
        let (month, day) = (
            format!("season-{place}-month"),
            format!("season-{place}-day"),
        );
        let begins = (self.whole(&month, 1, 12), self.whole(&day, 1, 31));
        let [workday, saturday, sunday] =
            DAYS.map(|day| self.switches(&format!("season-{place}-{day}"), bands));
        let small = |number: Option<i64>| number.and_then(|number| i8::try_from(number).ok());
        let (begins_in, begins_on) = (small(begins.0)?, small(begins.1)?);
        // 2023 is no leap year.
        if Date::new(2023, begins_in, begins_on).is_err() {
            self.wrong(&day, "terms-error-season-day");
        }
        Some(Season {
            month: begins_in,
            day: begins_on,
            workday,
            saturday,
            sunday,
        })
    }

    /// The switches of a kind of day; the first is at midnight, whatever its field says.
    fn switches(&mut self, list: &str, bands: &Bands) -> Vec<Switch> {
        let mut switches: Vec<Switch> = Vec::new();
        for row in 0..self.check.input.rows(list, SWITCHES_MAX) {
            let (at, band) = (format!("{list}-{row}-at"), format!("{list}-{row}-band"));
            if row > 0 && self.is_empty(&at) {
                continue;
            }
            let time = |typed: &str| {
                let time: Time = typed.parse().ok()?;
                (time.second() == 0 && time.subsec_nanosecond() == 0).then_some(time)
            };
            let begins = match row {
                0 => Some(Time::midnight()),
                _ => self.check.choice(&at, time),
            };
            let chosen = |typed: &str| {
                let typed: usize = typed.parse().ok()?;
                bands.iter().position(|(place, _)| *place == typed)
            };
            let chosen = self.check.choice(&band, chosen);
            let (Some(begins), Some(band)) = (begins, chosen) else {
                continue;
            };
            if switches.last().is_some_and(|last| last.at >= begins) {
                self.wrong(&at, "terms-error-switch-order");
            }
            switches.push(Switch { at: begins, band });
        }
        if switches.is_empty() {
            self.wrong(&format!("{list}-0-band"), "portal-error-empty");
        }
        switches
    }

    fn holidays(&mut self) -> Vec<Date> {
        let typed = self.check.input.get("holidays");
        let apart = |c: char| c.is_whitespace() || c == ',' || c == ';';
        let words: Vec<&str> = typed.split(apart).filter(|word| !word.is_empty()).collect();
        if words.len() > HOLIDAYS_MAX {
            let most = HOLIDAYS_MAX.to_string();
            let args = [("most", Arg::from(&most))];
            let sentence = self.check.text.with("terms-error-holidays", &args);
            self.check.wrong("holidays", sentence);
        }
        let mut dates = Vec::new();
        for word in words {
            match word.parse::<Date>() {
                Ok(date) => dates.push(date),
                Err(_) => {
                    let typed = echo(word);
                    let args = [("typed", Arg::from(&typed))];
                    let sentence = self.check.text.with("portal-error-date", &args);
                    self.check.wrong("holidays", sentence);
                }
            }
        }
        dates
    }
}
