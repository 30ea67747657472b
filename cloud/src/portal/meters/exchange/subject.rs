//! The meter whose mounting is to end, and the form that asks how.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::super::super::Portal;
use super::super::super::error::Failure;
use super::super::super::field::{Choice, Field};
use super::super::super::form::{FormPage, Input, Section, name_field, written};
use super::super::super::page::{Page, Place};
use super::super::super::session::SignedIn;
use super::super::devices::billed_until;
use super::super::register::{buses, counters};
use super::super::unit_word;
use crate::access::Action;
use crate::format::Format;
use crate::site::{Device, Gateway, Meter, Mounting};
use crate::store::Transaction;
use crate::text::{Arg, Text};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Exchange,
    Multiplier,
}

/// A meter with the device that serves it.
pub(super) struct Subject {
    pub(super) meter: Meter,
    pub(super) kind: Kind,
    pub(super) mounting: Mounting,
    pub(super) device: Device,
    pub(super) gateway: Gateway,
    /// Devices of the building with a counter that serves nothing: the point that would.
    pub(super) free: Vec<(Device, String)>,
    pub(super) billed: Option<Timestamp>,
}

impl Subject {
    pub(super) async fn of(
        transaction: &mut Transaction,
        portal: &Portal,
        me: &SignedIn,
        id: &str,
        kind: Kind,
    ) -> Result<Self, Failure> {
        let meter = me.meter(transaction, id, Action::Manage).await?;
        let account = meter.account;
        let mountings = transaction.mountings(account, meter.id).await?;
        let mounting = mountings.last().cloned().ok_or(Failure::Absent)?;
        let device = transaction.device(account, mounting.device).await?;
        let device = device.ok_or(Failure::Absent)?;
        let gateway = transaction.gateway(account, device.gateway).await?;
        let mut free = Vec::new();
        for one in transaction.devices_of_site(account, meter.site).await? {
            let serves: BTreeSet<String> = transaction
                .points_in_service(account, one.id)
                .await?
                .into_iter()
                .collect();
            let profile = portal.app.profiles.get(&one.profile);
            let points = profile
                .into_iter()
                .flat_map(|profile| profile.billing_points());
            let mut open = points
                .filter(|point| point.units().contains(&meter.unit) && !serves.contains(&point.id));
            if let Some(point) = open.next() {
                free.push((one.clone(), point.id.clone()));
            }
        }
        Ok(Self {
            billed: billed_until(transaction, &meter).await?,
            gateway: gateway.ok_or(Failure::Absent)?,
            meter,
            kind,
            mounting,
            device,
            free,
        })
    }

    fn path(&self) -> String {
        match self.kind {
            Kind::Exchange => format!("/meters/{}/exchange", self.meter.id),
            Kind::Multiplier => format!("/meters/{}/multiplier", self.meter.id),
        }
    }

    fn title(&self, text: Text) -> String {
        match self.kind {
            Kind::Exchange => text.get("terms-exchange"),
            Kind::Multiplier => text.get("terms-multiplier-change"),
        }
    }

    pub(super) fn form(&self, portal: &Portal, me: &SignedIn, input: &Input) -> FormPage {
        let text = Text::in_language(me.person.language);
        let page = Page::new(me, Place::Meters, self.title(text), portal.app.clock.now());
        let sections = match self.kind {
            Kind::Exchange => vec![
                Section::new(text.get("terms-exchange-when"), self.when(text, input)),
                Section::new(
                    text.get("terms-exchange-registers"),
                    self.registers(text, input),
                )
                .help(text.get("terms-exchange-registers-help")),
                Section::new(
                    text.get("terms-exchange-device"),
                    self.devices(text, input, portal),
                )
                .help(text.get("terms-exchange-device-help")),
            ],
            Kind::Multiplier => {
                let mut fields = self.when(text, input);
                fields.push(self.multiplier(text, input));
                vec![Section::new(String::new(), fields)]
            }
        };
        let submit = text.get("terms-exchange-check");
        let mut form = FormPage::new(page, self.path(), sections, submit);
        let devices = format!("/meters/{}/devices", self.meter.id);
        form.lead = match self.kind {
            Kind::Exchange => text.get("terms-exchange-lead"),
            Kind::Multiplier => text.get("terms-multiplier-lead"),
        };
        form.above = Some((devices.clone(), self.meter.label.clone()));
        form.cancel = Some(devices);
        form
    }

    fn when(&self, text: Text, input: &Input) -> Vec<Field> {
        let zone = self.meter.zone.name();
        let date = Field::line("date", text.get("terms-date"), input.get("date")).kind("date");
        let time = Field::line("time", text.get("terms-time"), input.get("time")).kind("time");
        let help = text.with("terms-time-help", &[("zone", Arg::from(zone))]);
        vec![date, time.help(help)]
    }

    fn multiplier(&self, text: Text, input: &Input) -> Field {
        let value = input.get("multiplier");
        Field::line("multiplier", text.get("terms-multiplier"), value)
            .decimal("")
            .help(text.get("terms-multiplier-help"))
    }

    fn registers(&self, text: Text, input: &Input) -> Vec<Field> {
        let unit = unit_word(self.meter.unit);
        let line = |name: &str, label: String| {
            Field::line(name, label, input.get(name))
                .decimal(unit)
                .optional()
        };
        vec![
            line("closing", text.get("terms-closing")),
            line("opening", text.get("terms-opening")),
        ]
    }

    fn devices(&self, text: Text, input: &Input, portal: &Portal) -> Vec<Field> {
        let chosen = input.get("device");
        let mut choices = vec![
            Choice::new("new", text.get("terms-device-new"), chosen),
            Choice::new("same", text.get("terms-device-same"), chosen),
        ];
        choices.extend(self.free.iter().map(|(device, _)| {
            let place = format!("{} · {}", device.bus, device.unit_id);
            let label = format!("{} {} · {place}", device.profile, device.serial_number);
            Choice::new(device.id.to_string(), label, chosen)
        }));
        let models = counters(&portal.app.profiles)
            .filter(|counter| counter.unit == self.meter.unit)
            .map(|counter| Choice::new(counter.value(), counter.label(), input.get("counter")));
        let unit = Field::line("unit_id", text.get("portal-unit-id"), input.get("unit_id"));
        vec![
            Field::select("device", text.get("terms-device"), choices),
            Field::select("counter", text.get("portal-counter"), models.collect())
                .help(text.get("terms-device-new-help")),
            name_field("serial", text.get("portal-serial"), input).optional(),
            name_field("bus", text.get("portal-bus"), input).suggest(buses(&self.gateway)),
            unit.kind("number"),
            self.multiplier(text, input),
        ]
    }

    pub(super) fn defaults(&self, query: &Input, now: Timestamp) -> Input {
        let asked = query.get("at").parse::<Timestamp>().unwrap_or(now);
        let local = self.meter.zone.rules().to_datetime(asked);
        let time = format!("{:02}:{:02}", local.hour(), local.minute());
        let mounting = &self.mounting;
        let counter = format!(
            "{}/{}/{}",
            self.device.profile, mounting.point, self.meter.unit
        );
        let format = Format::new(self.meter.locale);
        let multiplier = written(mounting.multiplier, format);
        let device = match query.get("device") {
            "same" => "same",
            _ => "new",
        };
        let number = |name: &str| {
            let typed: Option<Decimal> = query.get(name).parse().ok();
            typed.map_or_else(String::new, |one| written(one, format))
        };
        Input::of(&[
            ("date", &local.date().to_string()),
            ("time", &time),
            ("closing", &number("closing")),
            ("opening", &number("opening")),
            ("device", device),
            ("counter", &counter),
            ("bus", &self.device.bus),
            ("unit_id", &self.device.unit_id.to_string()),
            ("multiplier", &multiplier),
        ])
    }
}
