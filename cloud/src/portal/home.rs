//! Home: for an integrator what runs and what needs attention, for a monitor user their
//! meters, for an administrator the accounts.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use common::profile::Library;
use jiff::Timestamp;

use super::Portal;
use super::error::Failure;
use super::gateways::is_online;
use super::meters::page::{RunningCard, running_card};
use super::meters::{has_recorded, is_fresh, medium_word};
use super::notices::{NOTICES_SHOWN, is_undelivered, kind_word};
use super::page::{Page, Place, go, show as show_page};
use super::running;
use super::session::SignedIn;
use super::table::Tone;
use crate::account::Role;
use crate::billing::hold::Hold;
use crate::format::Format;
use crate::site::{Gateway, Meter};
use crate::store::{StoreResult, Transaction};
use crate::text::{Arg, Text};

/// Lines of the list of what needs attention; more are counted.
const ATTENTION_SHOWN: usize = 20;
/// Meters a monitor user sees on their home page; the others are in the list.
const METERS_SHOWN: usize = 24;

pub(super) async fn show(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    if me.actor.held_accounts().next().is_some() {
        return integrator(&portal, &me).await;
    }
    let monitor = me
        .actor
        .memberships
        .iter()
        .any(|one| one.role == Role::Monitor);
    if me.actor.administrator && !monitor {
        return Ok(go("/accounts"));
    }
    monitor_home(&portal, &me).await
}

/// A figure at the top.
#[derive(Debug)]
struct Tile {
    href: &'static str,
    label: String,
    figure: String,
    small: String,
    tone: Tone,
}

/// Something that needs somebody.
#[derive(Debug)]
struct Attention {
    tone: Tone,
    what: String,
    why: String,
    href: String,
}

/// A step of the first day.
#[derive(Debug)]
struct Step {
    done: bool,
    label: String,
    help: String,
    href: String,
}

#[derive(Template)]
#[template(path = "portal/home.html")]
struct HomePage {
    page: Page,
    tiles: Vec<Tile>,
    attention: Vec<Attention>,
    more: Option<String>,
    steps: Vec<Step>,
}

/// What the page counts.
struct Counted {
    gateways: Vec<Gateway>,
    meters: Vec<Meter>,
    sites: usize,
    people: usize,
    undelivered: usize,
    next_run: Option<(Timestamp, String)>,
    attention: Vec<Attention>,
}

async fn integrator(portal: &Portal, me: &SignedIn) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let title = Text::in_language(me.person.language).get("portal-nav-home");
    let page = Page::new(me, Place::Home, title, now);
    let mut transaction = portal.app.store.read().await?;
    let counted = count(&mut transaction, me, &page).await?;
    drop(transaction);
    let tiles = tiles(&page, &counted);
    let steps = steps(&page, &counted);
    let mut attention = counted.attention;
    let hidden = attention.len().saturating_sub(ATTENTION_SHOWN);
    attention.truncate(ATTENTION_SHOWN);
    let more = i64::try_from(hidden).ok().filter(|n| *n > 0);
    show_page(&HomePage {
        tiles,
        attention,
        more: more.map(|n| {
            page.text
                .with("portal-attention-more", &[("n", Arg::Count(n))])
        }),
        steps,
        page,
    })
}

async fn count(transaction: &mut Transaction, me: &SignedIn, page: &Page) -> StoreResult<Counted> {
    let mut counted = Counted {
        gateways: Vec::new(),
        meters: Vec::new(),
        sites: 0,
        people: 0,
        undelivered: 0,
        next_run: None,
        attention: Vec::new(),
    };
    for account in me.actor.held_accounts() {
        counted
            .gateways
            .extend(transaction.gateways(account).await?);
        counted.meters.extend(transaction.meters(account).await?);
        counted.sites += transaction.sites(account).await?.len();
        let members = transaction.members(account).await?;
        counted.people += members
            .iter()
            .filter(|(_, one)| one.role == Role::Monitor)
            .count();
        for notice in transaction.notices(account, NOTICES_SHOWN).await? {
            if !is_undelivered(&notice) {
                continue;
            }
            counted.undelivered += 1;
            let to = members
                .iter()
                .find(|(person, _)| person.id == notice.new.person);
            counted.attention.push(Attention {
                tone: Tone::Warn,
                what: format!(
                    "{} → {}",
                    kind_word(page.text, notice.new.kind),
                    to.map_or("", |(person, _)| person.name.as_str())
                ),
                why: notice.last_error.clone().unwrap_or_default(),
                href: "/notices".to_owned(),
            });
        }
    }
    let gateways = counted
        .gateways
        .iter()
        .filter_map(|one| gateway_trouble(page, one));
    let meters = counted
        .meters
        .iter()
        .filter_map(|meter| meter_trouble(page, meter));
    let first: Vec<Attention> = gateways.chain(meters).collect();
    counted.attention.splice(0..0, first);
    held_and_next(transaction, page, &mut counted).await?;
    Ok(counted)
}

fn gateway_trouble(page: &Page, gateway: &Gateway) -> Option<Attention> {
    let seen = gateway.seen_at.filter(|_| !is_online(gateway, page.now))?;
    let ago = page.ago(seen);
    Some(Attention {
        tone: Tone::Bad,
        what: gateway.name.clone(),
        why: page
            .text
            .with("portal-gateway-away-why", &[("ago", Arg::from(&ago))]),
        href: format!("/gateways/{}", gateway.id),
    })
}

fn meter_trouble(page: &Page, meter: &Meter) -> Option<Attention> {
    if is_fresh(meter, page.now) {
        return None;
    }
    let ago = page.ago(meter.last_good_at);
    let why = if has_recorded(meter) {
        page.text
            .with("portal-meter-silent-why", &[("ago", Arg::from(&ago))])
    } else {
        page.t("portal-meter-never-why")
    };
    Some(Attention {
        tone: Tone::Bad,
        what: meter.label.clone(),
        why,
        href: format!("/meters/{}", meter.id),
    })
}

async fn held_and_next(
    transaction: &mut Transaction,
    page: &Page,
    counted: &mut Counted,
) -> StoreResult<()> {
    for meter in &counted.meters {
        let next = transaction.next_close(meter.account, meter.id).await?;
        let next = next.filter(|at| *at > page.now);
        if let Some(at) = next.filter(|at| counted.next_run.as_ref().is_none_or(|run| *at < run.0))
        {
            counted.next_run = Some((at, page.format.date_time(at, &meter.zone)));
        }
        let format = Format::new(meter.locale);
        for held in transaction.held_of_meter(meter.account, meter.id).await? {
            let reason = Hold::from_json(&held.reason);
            let reason = reason.map(|hold| hold.sentence(page.text, format, &meter.zone));
            let dates = format.dates(held.from, held.until);
            let args = [
                ("meter", Arg::from(&meter.label)),
                ("dates", Arg::from(&dates)),
            ];
            counted.attention.push(Attention {
                tone: Tone::Warn,
                what: page.text.with("portal-held", &args),
                why: reason.unwrap_or_default(),
                href: format!("/meters/{}", meter.id),
            });
        }
    }
    Ok(())
}

fn tiles(page: &Page, counted: &Counted) -> Vec<Tile> {
    let online = counted
        .gateways
        .iter()
        .filter(|one| is_online(one, page.now))
        .count();
    let fresh = |meter: &&Meter| has_recorded(meter) && is_fresh(meter, page.now);
    let fresh = counted.meters.iter().filter(fresh).count();
    let all_of = |part: usize, all: usize| match (part, all) {
        (_, 0) => Tone::Quiet,
        (part, all) if part == all => Tone::Good,
        _ => Tone::Bad,
    };
    let next = counted.next_run.as_ref();
    vec![
        Tile {
            href: "/gateways",
            label: page.t("portal-nav-gateways"),
            figure: format!("{online} / {}", counted.gateways.len()),
            small: page.t("portal-tile-online"),
            tone: all_of(online, counted.gateways.len()),
        },
        Tile {
            href: "/meters",
            label: page.t("portal-nav-meters"),
            figure: format!("{fresh} / {}", counted.meters.len()),
            small: page.t("portal-tile-fresh"),
            tone: all_of(fresh, counted.meters.len()),
        },
        Tile {
            href: "/invoices",
            label: page.t("portal-tile-next"),
            figure: next.map_or_else(|| "–".to_owned(), |(_, when)| when.clone()),
            small: page.t("portal-tile-next-help"),
            tone: Tone::Quiet,
        },
        Tile {
            href: "/notices",
            label: page.t("portal-tile-undelivered"),
            figure: counted.undelivered.to_string(),
            small: page.t("portal-tile-undelivered-help"),
            tone: if counted.undelivered == 0 {
                Tone::Good
            } else {
                Tone::Warn
            },
        },
    ]
}

/// The steps of the first day, as long as one is open.
fn steps(page: &Page, counted: &Counted) -> Vec<Step> {
    let enrolled = counted
        .gateways
        .iter()
        .any(|gateway| gateway.enrolled_at.is_some());
    let gateway = counted
        .gateways
        .first()
        .map(|one| format!("/gateways/{}", one.id));
    let steps = vec![
        Step {
            done: counted.sites > 0,
            label: page.t("portal-step-site"),
            help: page.t("portal-step-site-help"),
            href: "/sites/new".to_owned(),
        },
        Step {
            done: enrolled,
            label: page.t("portal-step-gateway"),
            help: page.t("portal-step-gateway-help"),
            href: gateway.clone().unwrap_or_else(|| "/sites".to_owned()),
        },
        Step {
            done: !counted.meters.is_empty(),
            label: page.t("portal-step-meter"),
            help: page.t("portal-step-meter-help"),
            href: gateway.map_or_else(|| "/sites".to_owned(), |path| format!("{path}/meters")),
        },
        Step {
            done: counted.people > 0,
            label: page.t("portal-step-people"),
            help: page.t("portal-step-people-help"),
            href: "/people/new".to_owned(),
        },
    ];
    if steps.iter().all(|step| step.done) {
        Vec::new()
    } else {
        steps
    }
}

/// A meter of a monitor user.
#[derive(Debug)]
struct Card {
    href: String,
    label: String,
    about: String,
    age: String,
    silent: bool,
    running: Option<RunningCard>,
    last: Option<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "portal/my_meters.html")]
struct MyMetersPage {
    page: Page,
    cards: Vec<Card>,
    more: bool,
}

async fn monitor_home(portal: &Portal, me: &SignedIn) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let title = Text::in_language(me.person.language).get("portal-nav-my-meters");
    let page = Page::new(me, Place::Home, title, now);
    let mut transaction = portal.app.store.read().await?;
    let meters = super::meters::visible(&mut transaction, me).await?;
    let mut cards = Vec::new();
    for meter in meters.iter().take(METERS_SHOWN) {
        cards.push(card(&mut transaction, &portal.app.profiles, &page, meter).await?);
    }
    drop(transaction);
    show_page(&MyMetersPage {
        page,
        cards,
        more: meters.len() > METERS_SHOWN,
    })
}

async fn card(
    transaction: &mut Transaction,
    profiles: &Library,
    page: &Page,
    meter: &Meter,
) -> StoreResult<Card> {
    let look = running::look(transaction, profiles, meter, page.now).await?;
    let site = transaction.site(meter.account, meter.site).await?;
    let last = transaction
        .invoices_of_meter(meter.account, meter.id, 1)
        .await?;
    let last = last.first().map(|invoice| {
        let format = Format::new(invoice.locale);
        (
            format!("/invoices/{}", invoice.id),
            format.money(invoice.total, invoice.currency),
            format.dates(invoice.period.from, invoice.period.until),
        )
    });
    let medium = medium_word(page.text, meter.medium);
    let site = site.map_or(String::new(), |site| site.name);
    Ok(Card {
        href: format!("/meters/{}", meter.id),
        label: meter.label.clone(),
        about: format!("{medium} · {site}"),
        age: if has_recorded(meter) {
            page.ago(meter.last_good_at)
        } else {
            String::new()
        },
        silent: !is_fresh(meter, page.now),
        running: look
            .running
            .as_ref()
            .map(|running| running_card(page.text, meter, &look, running)),
        last,
    })
}
