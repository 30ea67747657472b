//! The notices that went out, or did not, and why.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;

use super::Portal;
use super::error::Failure;
use super::page::{Page, Place, show};
use super::session::SignedIn;
use super::table::{Cell, Listing, Table, Tone};
use crate::notice::{Channel, Notice, NoticeKind, NoticeState};
use crate::site::Zone;
use crate::text::Text;

/// Notices on the page.
pub(super) const NOTICES_SHOWN: i64 = 200;

/// What a kind of notice is called.
pub(super) fn kind_word(text: Text, kind: NoticeKind) -> String {
    match kind {
        NoticeKind::Invoice => text.get("portal-notice-invoice"),
        NoticeKind::Silent => text.get("portal-notice-silent"),
        NoticeKind::Recovered => text.get("portal-notice-recovered"),
        NoticeKind::Invitation => text.get("portal-notice-invitation"),
    }
}

fn state(page: &Page, notice: &Notice) -> Cell {
    let error = notice.last_error.clone().unwrap_or_default();
    match &notice.state {
        NoticeState::Sent { at } => {
            Cell::state(Tone::Good, page.t("portal-notice-sent"), page.ago(*at))
        }
        NoticeState::Failed => Cell::state(Tone::Bad, page.t("portal-notice-failed"), error),
        NoticeState::Due if error.is_empty() => {
            Cell::state(Tone::Quiet, page.t("portal-notice-due"), "")
        }
        NoticeState::Due => Cell::state(Tone::Warn, page.t("portal-notice-retrying"), error),
    }
}

/// Whether a notice has not arrived although it was tried.
pub(super) fn is_undelivered(notice: &Notice) -> bool {
    match notice.state {
        NoticeState::Failed => true,
        NoticeState::Due => notice.last_error.is_some(),
        NoticeState::Sent { .. } => false,
    }
}

pub(super) async fn list(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    me.held_account("")?;
    let text = Text::in_language(me.person.language);
    let title = text.get("portal-nav-notices");
    let page = Page::new(&me, Place::Notices, title, portal.app.clock.now());
    let mut transaction = portal.app.store.read().await?;
    let utc = Zone::new("UTC").map_err(|error| Failure::Fault(error.into()))?;
    let mut rows = Vec::new();
    for account in me.actor.held_accounts() {
        let people: BTreeMap<_, _> = transaction
            .members(account)
            .await?
            .into_iter()
            .map(|(person, _)| (person.id, person))
            .collect();
        let meters = transaction.meters(account).await?;
        for notice in transaction.notices(account, NOTICES_SHOWN).await? {
            let meter = meters
                .iter()
                .find(|meter| Some(meter.id) == notice.new.meter);
            let zone = meter.map_or(&utc, |meter| &meter.zone);
            let about = meter.map_or(String::new(), |meter| meter.label.clone());
            let person = people.get(&notice.new.person);
            let (name, email) = person.map_or((String::new(), String::new()), |person| {
                (person.name.clone(), person.email.clone())
            });
            let channel = match notice.new.channel {
                Channel::Email => text.get("portal-delivery-email"),
                Channel::Telegram => text.get("portal-delivery-telegram"),
            };
            rows.push(vec![
                Cell::two(kind_word(text, notice.new.kind), about),
                Cell::two(name, email),
                Cell::two(channel, page.format.date_time(notice.created_at, zone)),
                state(&page, &notice),
            ]);
        }
    }
    show(&Listing {
        above: None,
        lead: page.t("portal-notices-lead"),
        buttons: Vec::new(),
        tables: vec![Table {
            caption: String::new(),
            columns: vec![
                page.t("portal-notice"),
                page.t("portal-notice-to"),
                page.t("portal-notice-by"),
                page.t("portal-state"),
            ],
            rows,
            empty: page.t("portal-notices-empty"),
        }],
        page,
    })
}
