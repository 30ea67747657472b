//! The cards' part for prices by the hour: bands, and for each season the switches of its days
//! with a picture of its week.

use super::super::super::form::Check;
use super::super::read::Reader;
use super::super::say;
use super::super::week;
use super::super::write::DAYS;
use super::{Drawer, Item};
use crate::plan::tariff::{BANDS_MAX, Rate, SEASONS_MAX, SWITCHES_MAX};

impl Drawer<'_> {
    pub(super) fn hours(&self) -> Vec<Item> {
        let mut items = vec![Item::Heading(self.t("terms-bands"))];
        for place in 0..self.input.rows("band", BANDS_MAX) {
            let name = format!("band-{place}-name");
            let price = format!("band-{place}-price");
            let row = vec![
                self.line(&name, self.t("terms-band-name")),
                self.number(&price, self.t("terms-price"), &self.unit()),
            ];
            items.push(Item::Row(row, self.cut("band", place)));
        }
        items.extend(self.add("band", self.t("terms-band-add"), BANDS_MAX));
        let pictures = self.pictures();
        for place in 0..self.input.rows("season", SEASONS_MAX) {
            items.extend(self.season(place));
            items.extend(pictures.get(place).cloned().map(Item::Picture));
        }
        items.extend(self.add("season", self.t("terms-season-add"), SEASONS_MAX));
        let holidays = self.line("holidays", self.t("terms-holidays"));
        let holidays = holidays.optional().help(self.t("terms-holidays-help"));
        items.push(Item::Field(holidays));
        items
    }

    fn season(&self, place: usize) -> Vec<Item> {
        let (month, day) = (
            format!("season-{place}-month"),
            format!("season-{place}-day"),
        );
        let mut items = vec![
            Item::Heading(self.t("terms-season")),
            Item::Row(
                vec![
                    self.whole(&day, self.t("terms-season-day")),
                    self.select(&month, self.t("terms-season-month"), self.months()),
                ],
                self.cut("season", place),
            ),
        ];
        for kind in DAYS {
            let heading = match kind {
                "workday" => self.t("terms-workday"),
                "saturday" => self.t("terms-saturdays"),
                _ => self.t("terms-sundays"),
            };
            items.push(Item::Heading(heading));
            let list = format!("season-{place}-{kind}");
            for row in 0..self.input.rows(&list, SWITCHES_MAX) {
                let (at, band) = (format!("{list}-{row}-at"), format!("{list}-{row}-band"));
                let mut at = self.line(&at, self.t("terms-switch-at")).kind("time");
                if row == 0 {
                    at = at.locked(Some(self.t("terms-midnight")));
                }
                let band = self.select(&band, self.t("terms-switch-band"), self.bands());
                let cut = (row > 0).then(|| self.cut(&list, row)).flatten();
                items.push(Item::Row(vec![at, band], cut));
            }
            items.extend(self.add(&list, self.t("terms-switch-add"), SWITCHES_MAX));
        }
        items
    }

    /// The bands that a switch can choose, by the rows where they stand.
    fn bands(&self) -> Vec<(String, String)> {
        let rows = 0..self.input.rows("band", BANDS_MAX);
        let name = |place: usize| {
            let typed = self.input.get(&format!("band-{place}-name")).trim();
            match typed.is_empty() {
                true => format!("{} {}", self.t("terms-band"), place + 1),
                false => typed.to_owned(),
            }
        };
        rows.map(|place| (place.to_string(), name(place))).collect()
    }

    /// The week of each season, once all of it is good.
    fn pictures(&self) -> Vec<String> {
        let mut check = Check::new(self.input, self.text);
        let mut reader = Reader {
            check: &mut check,
            format: self.format,
            plans: &[],
        };
        let rate = reader.hours();
        match rate {
            Some(Rate::TimeOfUse { bands, calendar }) if check.errors.is_empty() => calendar
                .seasons
                .iter()
                .map(|season| {
                    let month = say::month(self.text, season.month);
                    let title = format!("{} {month}", season.day);
                    let legend: Vec<String> = (0..)
                        .zip(&bands)
                        .map(|(place, band)| week::key(place, &band.name))
                        .collect();
                    format!(
                        "{}<p class=\"keys\">{}</p>",
                        week::picture(self.text, season, &title),
                        legend.concat()
                    )
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}
