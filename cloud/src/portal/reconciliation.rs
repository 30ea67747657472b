//! A site's main meter against its sub-meters: what the last periods leave over, what is done
//! with it, and the bills of the utility.

pub(super) mod bills;
pub(super) mod policy;
pub(super) mod release;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use axum::response::Response;
use common::id::{MeterId, SiteId};
use common::unit::Medium;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::Portal;
use super::error::Failure;
use super::meters::medium_word;
use super::page::{Page, Place, show as show_page};
use super::session::SignedIn;
use super::table::{Button, Cell, Listing, Table, Tone};
use crate::access::Action;
use crate::billing::charge::rounded;
use crate::billing::hold::Hold;
use crate::billing::invoice::Period;
use crate::billing::reconciliation::{Policy, Reconciliation, Unreconciled, Verdict};
use crate::billing::utility::UtilityBill;
use crate::extras::period_between;
use crate::extras::site::{Compared, Site as Balance};
use crate::format::Format;
use crate::plan::PRICE_DECIMALS_MAX;
use crate::site::{Meter, Site};
use crate::store::{StoreResult, Transaction};
use crate::text::{Arg, Text};

/// How many periods of a medium are compared.
const PERIODS_SHOWN: usize = 6;

/// Where a site's reconciliation is shown.
pub(super) fn path(site: SiteId) -> String {
    format!("/sites/{site}/reconciliation")
}

/// The medium of an address.
fn medium_of(word: &str) -> Result<Medium, Failure> {
    word.parse().map_err(|_| Failure::Absent)
}

/// The page of a form of this folder.
fn page_of(portal: &Portal, me: &SignedIn, title: String) -> Page {
    Page::new(me, Place::Sites, title, portal.app.clock.now())
}

pub(super) async fn show(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut reader = portal.app.store.read().await?;
    let site = me.site(&mut reader, &id, Action::Manage).await?;
    let text = Text::in_language(me.person.language);
    let page = page_of(&portal, &me, text.get("site-reconciliation"));
    let here = path(site.id);
    let mut buttons = Vec::new();
    let mut tables = Vec::new();
    for medium in Medium::ALL {
        let place = (site.account, site.id, medium);
        let balance = Balance::read(&mut reader, &portal.app.profiles, place).await?;
        if balance.main_meter.is_none() && balance.meters.is_empty() {
            continue;
        }
        let word = medium_word(text, medium);
        let args = [("medium", Arg::from(&word))];
        let set = Button::plain(
            format!("{here}/{}", medium.code()),
            text.with("site-policy-of", &args),
        );
        let add = Button::plain(
            format!("{here}/{}/bill", medium.code()),
            text.with("site-bill-of", &args),
        );
        buttons.extend([set, add]);
        let view = View {
            page: &page,
            site: &site,
            medium,
            format: Format::new(site.locale),
        };
        tables.extend(view.tables(&mut reader, &balance).await?);
    }
    let bills = reader.utility_bills(site.account, site.id).await?;
    tables.push(bills::table(&page, &site, &bills));
    show_page(&Listing {
        above: Some((format!("/sites/{}", site.id), site.name.clone())),
        lead: text.get("site-reconciliation-lead"),
        buttons,
        tables,
        page,
    })
}

/// The tables of one medium.
struct View<'a> {
    page: &'a Page,
    site: &'a Site,
    medium: Medium,
    format: Format,
}

impl View<'_> {
    async fn tables(
        &self,
        reader: &mut Transaction,
        balance: &Balance<'_>,
    ) -> StoreResult<Vec<Table>> {
        let ended = Ended::read(reader, balance).await?;
        let has_whole = balance.main_meter.is_some() || !balance.bills.is_empty();
        let empty = match ended.periods.is_empty() {
            true => self.page.t("site-no-period"),
            false => self.page.t("site-no-whole"),
        };
        let mut rows = Vec::new();
        let mut newest = None;
        for period in ended.periods.into_iter().filter(|_| has_whole) {
            let compared = balance.compare(reader, &period).await?;
            let days = (period.from, period.until);
            let place = (self.site.id, self.medium);
            let given = reader.residual_release(self.site.account, place, days);
            let release = match given.await? {
                Some(why) => Release::Given(why),
                None if ended.held.contains(&days) => Release::Wanted,
                None => Release::NotNeeded,
            };
            rows.push(self.row(&period, &compared, &release, balance));
            newest = newest.or(compared.found.is_ok().then_some((period, compared)));
        }
        let t = |id| self.page.t(id);
        let mut tables = vec![Table {
            caption: self.caption(balance),
            columns: vec![
                t("site-period"),
                t("site-whole"),
                t("site-parts"),
                t("site-residual"),
                t("site-state"),
                t("site-to-do"),
            ],
            rows,
            empty,
        }];
        if let Some((period, compared)) = newest {
            tables.extend(self.shares(&period, &compared, balance));
        }
        Ok(tables)
    }

    fn caption(&self, balance: &Balance<'_>) -> String {
        let mut parts = vec![medium_word(self.page.text, self.medium)];
        parts.push(match &balance.main_meter {
            Some(main) => {
                let args = [("meter", Arg::from(&main.label))];
                self.page.text.with("site-by-main-meter", &args)
            }
            None => self.page.t("site-by-utility-bill"),
        });
        let policy = balance.set.as_ref().map(|set| &set.policy);
        parts.push(policy_word(self.page.text, policy.unwrap_or(&Policy::Show)));
        parts.join(" · ")
    }

    fn row(
        &self,
        period: &Period,
        compared: &Compared,
        release: &Release,
        balance: &Balance<'_>,
    ) -> Vec<Cell> {
        let dates = self.page.format.dates(period.from, period.until);
        let quantity = |value| self.format.quantity(value, compared.unit);
        match &compared.found {
            Ok(found) => {
                let percent = found
                    .percent
                    .map(|percent| self.page.format.percent(percent));
                vec![
                    Cell::text(dates),
                    Cell::figure(quantity(found.whole)),
                    Cell::figure(quantity(found.parts)),
                    Cell::figure_of(quantity(found.residual), percent.unwrap_or_default()),
                    self.state(found, release),
                    self.to_do(period, release),
                ]
            }
            Err(error) => vec![
                Cell::text(dates),
                Cell::figure("—"),
                Cell::figure("—"),
                Cell::figure("—"),
                Cell::state(
                    Tone::Quiet,
                    self.page.t("site-not-compared"),
                    self.why_not(error, balance),
                ),
                Cell::text(""),
            ],
        }
    }

    fn state(&self, found: &Reconciliation, release: &Release) -> Cell {
        let t = |id| self.page.t(id);
        match (found.verdict, release) {
            (_, Release::Wanted) => Cell::state(Tone::Bad, t("site-blocked"), ""),
            (Verdict::Within, _) => Cell::state(Tone::Good, t("site-within"), ""),
            (Verdict::Warn, _) => Cell::state(Tone::Warn, t("site-warned"), ""),
            (Verdict::Block, Release::Given(why)) => {
                Cell::state(Tone::Warn, t("site-released"), why)
            }
            (Verdict::Block, Release::NotNeeded) => Cell::state(Tone::Bad, t("site-beyond"), ""),
        }
    }

    fn to_do(&self, period: &Period, release: &Release) -> Cell {
        if !matches!(release, Release::Wanted) {
            return Cell::text("");
        }
        let (from, until) = (period.from, period.until);
        let (here, medium) = (path(self.site.id), self.medium.code());
        let href = format!("{here}/{medium}/{from}/{until}/release");
        Cell::Links(vec![(href, self.page.t("site-release"))])
    }

    /// Why a period was not compared, with the meters by name.
    fn why_not(&self, error: &Unreconciled, balance: &Balance<'_>) -> String {
        let (id, meters) = match error {
            Unreconciled::NoWhole if balance.main_meter.is_some() => ("site-why-no-register", None),
            Unreconciled::NoWhole => ("site-why-no-bill", None),
            Unreconciled::NoParts => ("site-why-no-parts", None),
            Unreconciled::Missing(meters) => ("site-why-missing", Some(meters)),
            Unreconciled::OtherInstants(meters) => ("site-why-other-days", Some(meters)),
            Unreconciled::NoShares => ("site-why-no-shares", None),
            Unreconciled::TooManyDigits => ("site-why-digits", None),
        };
        let labels = meters.map_or_else(String::new, |meters| labels(balance, meters));
        self.page.text.with(id, &[("meters", Arg::from(&labels))])
    }

    /// What each meter counted in a period, and its share of what was left over.
    fn shares(&self, period: &Period, compared: &Compared, balance: &Balance<'_>) -> Option<Table> {
        let found = compared.found.as_ref().ok()?;
        let quantity = |value: Decimal| self.format.quantity(value, compared.unit);
        let rows = compared.parts.iter().map(|part| {
            let meter = balance.meters.iter().find(|one| one.id == part.meter);
            let label = meter.map_or(String::new(), |one| one.label.clone());
            let counted = part.counted.as_ref().map(|one| quantity(one.quantity));
            let share = found.shares.get(&part.meter);
            let share = share.map(|share| quantity(share.normalize()));
            let none = || "—".to_owned();
            vec![
                Cell::main(format!("/meters/{}", part.meter), label, ""),
                Cell::figure(counted.unwrap_or_else(none)),
                Cell::figure(share.unwrap_or_else(none)),
            ]
        });
        let dates = self.page.format.dates(period.from, period.until);
        let args = [("dates", Arg::from(&dates))];
        Some(Table {
            caption: self.page.text.with("site-shares-of", &args),
            columns: vec![
                self.page.t("portal-meter"),
                self.page.t("site-counted"),
                self.page.t("site-share"),
            ],
            rows: rows.collect(),
            empty: String::new(),
        })
    }
}

/// What is done, in a word or two.
fn policy_word(text: Text, policy: &Policy) -> String {
    match policy {
        Policy::Show => text.get("site-policy-show"),
        Policy::CommonArea => text.get("site-policy-common-area"),
        Policy::Proportional => text.get("site-policy-proportional"),
        Policy::ByShare { .. } => text.get("site-policy-by-share"),
    }
}

fn labels(balance: &Balance<'_>, meters: &[MeterId]) -> String {
    let named = balance.meters.iter().filter(|one| meters.contains(&one.id));
    let labels: Vec<&str> = named.map(|one| one.label.as_str()).collect();
    labels.join(", ")
}

/// Whether bills of a period wait for somebody to let them go though the site does not add up.
enum Release {
    NotNeeded,
    Wanted,
    /// Somebody let them go, and why.
    Given(String),
}

/// The last periods of the meters of a medium, billed or held. Meters that are billed by the
/// same days have the same.
struct Ended {
    /// The newest first.
    periods: Vec<Period>,
    /// Those of which a bill is held because the site does not add up, by their days.
    held: BTreeSet<(Date, Date)>,
}

impl Ended {
    async fn read(reader: &mut Transaction, balance: &Balance<'_>) -> StoreResult<Self> {
        let limit = i64::try_from(PERIODS_SHOWN).unwrap_or(i64::MAX);
        let mut found: BTreeMap<(Reverse<Timestamp>, Timestamp), Period> = BTreeMap::new();
        let mut add = |period: Period| {
            found.insert((Reverse(period.ends_at), period.starts_at), period);
        };
        let mut held = BTreeSet::new();
        for meter in balance.main_meter.iter().chain(&balance.meters) {
            let Meter { account, id, .. } = *meter;
            let billed = reader
                .invoices_before(account, id, Date::MAX, limit)
                .await?;
            billed.iter().for_each(|invoice| add(invoice.period));
            for one in reader.held_of_meter(account, id).await? {
                add(period_between(one.from, one.until, &meter.zone)?);
                let hold = Hold::from_json(&one.reason);
                if matches!(hold, Some(Hold::ResidualTooHigh { .. })) {
                    held.insert((one.from, one.until));
                }
            }
        }
        Ok(Self {
            periods: found.into_values().take(PERIODS_SHOWN).collect(),
            held,
        })
    }
}

/// What a unit costs by a bill, where that can be said.
fn unit_price(bill: &UtilityBill) -> Option<Decimal> {
    let price = rounded(
        bill.amount,
        Decimal::ONE,
        bill.quantity,
        None,
        PRICE_DECIMALS_MAX,
    );
    price.map(|price| price.normalize())
}
