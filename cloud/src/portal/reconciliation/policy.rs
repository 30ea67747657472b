//! What a site does with the difference between its main meter and the others, for one medium.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use common::id::MeterId;
use common::unit::Medium;
use rust_decimal::Decimal;

use super::super::Portal;
use super::super::error::Failure;
use super::super::field::{Choice, Field};
use super::super::form::{Check, Errors, FormPage, Input, Section, written};
use super::super::meters::medium_word;
use super::super::page::go;
use super::super::session::SignedIn;
use super::{medium_of, page_of, path, policy_word};
use crate::access::Action;
use crate::billing::reconciliation::{Limits, Policy};
use crate::format::Format;
use crate::site::{Meter, Site};
use crate::store::Transaction;
use crate::store::reconciliations::SitePolicy;
use crate::text::{Arg, Text};

/// Beyond it somebody mistyped.
const PERCENT_MAX: i64 = 1_000;
const WEIGHT_MAX: i64 = 1_000_000_000;

/// What the form is about.
struct Subject {
    site: Site,
    medium: Medium,
    /// The meters of the medium, by label.
    meters: Vec<Meter>,
    set: SitePolicy,
}

impl Subject {
    async fn find(
        transaction: &mut Transaction,
        me: &SignedIn,
        (id, medium): (&str, &str),
    ) -> Result<Self, Failure> {
        let site = me.site(transaction, id, Action::Manage).await?;
        let medium = medium_of(medium)?;
        let mut meters = transaction.meters_of_site(site.account, site.id).await?;
        meters.retain(|meter| meter.medium == medium);
        let set = transaction.site_policy(site.account, site.id, medium);
        let set = set.await?.unwrap_or_default();
        Ok(Self {
            site,
            medium,
            meters,
            set,
        })
    }

    /// What the form starts with.
    fn input(&self) -> Input {
        let format = Format::new(self.site.locale);
        let main = self.set.main_meter.map(|main| main.to_string());
        let (warn, block) = (
            written(self.set.limits.warn_percent, format),
            written(self.set.limits.block_percent, format),
        );
        let mut input = Input::of(&[
            ("main_meter", main.as_deref().unwrap_or_default()),
            ("policy", code(&self.set.policy)),
            ("warn_percent", &warn),
            ("block_percent", &block),
        ]);
        if let Policy::ByShare { shares } = &self.set.policy {
            for (meter, weight) in shares {
                input = input.with(&weight_name(*meter), &written(*weight, format));
            }
        }
        input
    }

    fn form(&self, portal: &Portal, me: &SignedIn, input: &Input) -> FormPage {
        let text = Text::in_language(me.person.language);
        let word = medium_word(text, self.medium);
        let title = text.with("site-policy-of", &[("medium", Arg::from(&word))]);
        let here = path(self.site.id);
        let sections = vec![
            Section::new(text.get("site-main-meter"), self.main_fields(text, input)),
            Section::new(text.get("site-limits"), limit_fields(text, input))
                .help(text.get("site-limits-help")),
            Section::new(text.get("site-weights"), self.weight_fields(input))
                .help(text.get("site-weights-help")),
        ];
        let action = format!("{here}/{}", self.medium.code());
        let page = page_of(portal, me, title);
        let mut form = FormPage::new(page, action, sections, text.get("portal-save"));
        form.lead = text.get("site-policy-lead");
        form.above = Some((here.clone(), text.get("site-reconciliation")));
        form.cancel = Some(here);
        form
    }

    fn main_fields(&self, text: Text, input: &Input) -> Vec<Field> {
        let current = input.get("main_meter");
        let none = Choice::new("", text.get("site-main-meter-none"), current);
        let meters = self.meters.iter();
        let meters = meters.map(|one| Choice::new(one.id.to_string(), &one.label, current));
        let current = input.get("policy");
        let policies = POLICIES.map(|policy| {
            let word = policy_word(text, &policy);
            Choice::new(code(&policy), word, current)
        });
        vec![
            Field::select(
                "main_meter",
                text.get("site-main-meter"),
                std::iter::once(none).chain(meters).collect(),
            )
            .help(text.get("site-main-meter-help")),
            Field::select("policy", text.get("site-policy"), policies.into())
                .help(text.get("site-policy-help")),
        ]
    }

    fn weight_fields(&self, input: &Input) -> Vec<Field> {
        let fields = self.meters.iter().map(|meter| {
            let name = weight_name(meter.id);
            let value = input.get(&name).to_owned();
            Field::line(name, meter.label.clone(), &value)
                .decimal("")
                .optional()
        });
        fields.collect()
    }

    /// What the form says, if nothing is wrong with it.
    fn checked(&self, check: &mut Check<'_>) -> Option<SitePolicy> {
        let format = Format::new(self.site.locale);
        let main_meter = check.choice("main_meter", |word| match word {
            "" => Some(None),
            word => {
                let id: MeterId = word.parse().ok()?;
                let known = self.meters.iter().any(|meter| meter.id == id);
                known.then_some(Some(id))
            }
        });
        let mut policy = check.choice("policy", |word| {
            POLICIES.into_iter().find(|policy| code(policy) == word)
        });
        if let Some(Policy::ByShare { shares }) = &mut policy {
            *shares = self.weights(check, format);
            let main = main_meter.flatten();
            if !shares.keys().any(|meter| Some(*meter) != main) {
                let sentence = check.text.get("site-error-no-weight");
                check.wrong("policy", sentence);
            }
        }
        let limits = Limits {
            warn_percent: percent(check, "warn_percent", format)?,
            block_percent: percent(check, "block_percent", format)?,
        };
        let is_right = check.errors.is_empty();
        let (main_meter, policy) = (main_meter?, policy?);
        is_right.then_some(SitePolicy {
            main_meter,
            policy,
            limits,
        })
    }

    /// The weights that were typed; one that is not weighs nothing.
    fn weights(&self, check: &mut Check<'_>, format: Format) -> BTreeMap<MeterId, Decimal> {
        let mut weights = BTreeMap::new();
        for meter in &self.meters {
            let name = weight_name(meter.id);
            if check.input.get(&name).trim().is_empty() {
                continue;
            }
            let weight = check.decimal_that(&name, format, "site-error-weight", |weight| {
                weight >= Decimal::ZERO && weight <= Decimal::from(WEIGHT_MAX)
            });
            if let Some(weight) = weight.filter(|weight| !weight.is_zero()) {
                weights.insert(meter.id, weight);
            }
        }
        weights
    }
}

/// Every policy, without weights.
const POLICIES: [Policy; 4] = [
    Policy::Show,
    Policy::CommonArea,
    Policy::Proportional,
    Policy::ByShare {
        shares: BTreeMap::new(),
    },
];

/// How a form names it.
fn code(policy: &Policy) -> &'static str {
    match policy {
        Policy::Show => "show",
        Policy::CommonArea => "common-area",
        Policy::Proportional => "proportional",
        Policy::ByShare { .. } => "by-share",
    }
}

fn weight_name(meter: MeterId) -> String {
    format!("weight-{meter}")
}

fn limit_fields(text: Text, input: &Input) -> Vec<Field> {
    let field = |name: &str, label: String| Field::line(name, label, input.get(name)).decimal("%");
    vec![
        field("warn_percent", text.get("site-warn-percent")),
        field("block_percent", text.get("site-block-percent")),
    ]
}

fn percent(check: &mut Check<'_>, field: &str, format: Format) -> Option<Decimal> {
    check.decimal_that(field, format, "site-error-percent", |percent| {
        percent >= Decimal::ZERO && percent <= Decimal::from(PERCENT_MAX)
    })
}

pub(in super::super) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((site, medium)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let subject = Subject::find(&mut transaction, &me, (&site, &medium)).await?;
    let input = subject.input();
    subject.form(&portal, &me, &input).show(&Errors::new())
}

pub(in super::super) async fn change(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((site, medium)): Path<(String, String)>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let subject = Subject::find(&mut transaction, &me, (&site, &medium)).await?;
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let Some(set) = subject.checked(&mut check) else {
        return subject.form(&portal, &me, &input).show(&check.errors);
    };
    let (account, place) = (subject.site.account, (subject.site.id, subject.medium));
    let (by, now) = (me.person.id, portal.app.clock.now());
    transaction
        .set_site_policy(account, place, &set, by, now)
        .await?;
    transaction.commit().await?;
    tracing::info!(site = %subject.site.id, %by, "changed what is done with what is left over");
    Ok(go(&format!("{}?done=saved", path(subject.site.id))))
}
