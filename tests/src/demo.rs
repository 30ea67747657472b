//! The demo: a building with six meters, its gateway, the cloud and five people, with
//! invoices of the past months, all made as it would be in life, only faster.
//!
//! Whoever starts it gets a world that runs until it is dropped.

mod building;

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::browser::Browser;
use crate::cloud::{Cloud, CloudSettings};
use crate::gateway::{Bus, Gateway, Line};
use crate::mailbox::Mailbox;
use crate::mailbox_page;
use crate::portal::{self, PASSWORD};
use crate::process::wait_for;
use crate::telegram::Telegram;
use crate::test_clock::real_now;

pub use self::building::{ACCOUNT, ADMINISTRATOR, ANA, BEN, INTEGRATOR, METERS, SITE, ZONE};
use self::building::{ANA_CHAT, BUS, DemoMeter};

/// How many periods lie behind the demo: more than the four that the portal shows.
pub const PERIODS: i32 = 5;
/// How many invoices of each meter must be there before the demo is ready.
const INVOICES_MIN: usize = 4;
const INVOICES_PATIENCE: Duration = Duration::from_secs(120);

/// Where the demo serves; a free port where none is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ports {
    /// The portal.
    pub portal: Option<u16>,
    /// The mailbox page; without one there is no page.
    pub mailbox: Option<u16>,
}

/// The demo as it runs. Dropping it stops everything.
#[derive(Debug)]
pub struct Demo {
    /// The gateway.
    pub gateway: Gateway,
    /// The line with its six meters.
    pub line: Line,
    /// The cloud.
    pub cloud: Cloud,
    /// The mails that went out.
    pub mailbox: Mailbox,
    /// The Telegram messages that went out.
    pub telegram: Telegram,
    /// The integrator's browser, signed in.
    pub integrator: Browser,
    /// The path of each meter's page, in the order of [`METERS`].
    pub meters: Vec<String>,
}

impl Demo {
    /// Starts everything below `folder` and waits until the invoices are there; `say` is
    /// told what happens.
    ///
    /// # Errors
    /// When a part does not start, or a page refuses what it should take.
    pub async fn start(folder: &Path, ports: Ports, say: impl Fn(&str)) -> anyhow::Result<Self> {
        let mailbox = Mailbox::start().await?;
        let telegram = Telegram::start().await?;
        if let Some(port) = ports.mailbox {
            mailbox_page::serve(port, &mailbox, &telegram).await?;
        }
        say("starting six simulated meters on a pseudo-terminal, and the cloud");
        let settings = CloudSettings {
            port: ports.portal,
            telegram: Some(&telegram),
            ..CloudSettings::default()
        };
        let mut cloud = Cloud::new(&folder.join("cloud"), &settings.mail_to(&mailbox))?;
        let line = Line::start(&folder.join("line"), BUS, &line_file(), None).await?;
        cloud.start().await?;

        say("making people, a site, a gateway and its meters by the portal's forms");
        let integrator = integrator(&cloud).await?;
        let people = [(&ANA, Some(ANA_CHAT)), (&BEN, None)];
        for (person, chat) in people {
            let link = portal::add_monitor(&integrator, person).await?;
            let browser = Browser::new(cloud.url())?;
            portal::set_password(&browser, &link, PASSWORD).await?;
            if let Some(chat) = chat {
                portal::link_telegram(&browser, &telegram, chat, person.name).await?;
            }
        }
        let site = portal::add_site(&integrator, SITE, ZONE, "es-MX").await?;
        let added = portal::add_gateway(&integrator, &site, "Cuarto eléctrico", "gateway").await?;
        let mut meters = Vec::new();
        for meter in &METERS {
            let from = first_day(meter).to_string();
            let new = meter.as_registered(&from);
            meters.push(portal::add_meter(&integrator, &added.path, &new).await?);
        }

        say("enrolling the gateway and giving it the months that lie behind");
        let bus = Bus {
            name: BUS,
            port: line.port().to_owned(),
            more: "",
        };
        let mut gateway = Gateway::new(&folder.join("gateway"), "", &[bus], None)?;
        gateway.enrol(cloud.url(), &added.code).await?;
        let from = METERS.iter().map(first_day).min().unwrap_or_default();
        let now = real_now().to_string();
        line.history(&gateway, &from.to_string(), &now).await?;
        gateway.start()?;

        say("waiting for the invoices");
        let mut demo = Self {
            gateway,
            line,
            cloud,
            mailbox,
            telegram,
            integrator,
            meters,
        };
        demo.wait_for_invoices().await?;
        Ok(demo)
    }

    async fn wait_for_invoices(&mut self) -> anyhow::Result<()> {
        for path in self.meters.clone() {
            let (integrator, gateway, cloud) =
                (&self.integrator, &mut self.gateway, &mut self.cloud);
            let are_there = async || {
                let programs = [gateway.running(), cloud.running()];
                for program in programs.into_iter().flatten() {
                    program.still_runs()?;
                }
                let page = integrator.open(&path).await?;
                let mut invoices = page.links_with("/invoices/");
                invoices.retain(|link| !link.contains('.'));
                invoices.sort();
                invoices.dedup();
                Ok(invoices.len() >= INVOICES_MIN)
            };
            let what = format!("the last four invoices on {path}");
            wait_for(&what, INVOICES_PATIENCE, are_there).await?;
        }
        Ok(())
    }
}

async fn integrator(cloud: &Cloud) -> anyhow::Result<Browser> {
    let administrator = portal::administrator(cloud, ADMINISTRATOR).await?;
    let (name, email) = INTEGRATOR;
    let link = portal::add_account(&administrator, ACCOUNT, name, email, "es").await?;
    let browser = Browser::new(cloud.url())?;
    portal::set_password(&browser, &link, PASSWORD)
        .await
        .context("the integrator sets a password")?;
    Ok(browser)
}

fn line_file() -> String {
    let meters = METERS.iter();
    meters
        .map(|meter| meter.as_simulated(first_day(meter)))
        .collect()
}

/// The first day of the period that began [`PERIODS`] whole periods ago.
fn first_day(meter: &DemoMeter) -> Date {
    let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
    let today = zone.to_datetime(real_now()).date();
    let month = today.first_of_month();
    let this = cutoff_in(month, meter.cutoff_day);
    // A period that ended yesterday is billed today at the send hour, perhaps later: it is
    // none of those that must be there.
    let back = if this < today { PERIODS } else { PERIODS + 1 };
    let month = month.saturating_sub(back.months());
    cutoff_in(month, meter.cutoff_day).saturating_add(1.day())
}

fn cutoff_in(month: Date, cutoff_day: u8) -> Date {
    let day = i8::try_from(cutoff_day).unwrap_or(31);
    let day = day.min(month.days_in_month());
    month.with().day(day).build().unwrap_or(month)
}
