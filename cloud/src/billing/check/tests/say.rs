//! Findings in sentences.

use common::locale::{Language, Locale};

use super::*;
use crate::billing::finding::Average;
use crate::format::Format;
use crate::text::Text;

/// One finding of each kind that speaks of use.
fn one_of_each() -> Vec<Finding> {
    let (from, until) = (FROM, UNTIL);
    let at = start_of(FROM);
    let average = |quantity: &str| Average {
        from,
        until,
        quantity: number(quantity),
        days: 31,
    };
    let (usual, now) = (average("310"), average("930"));
    let (low, unit, ten) = (average("31"), UNIT, number("10"));
    vec![
        Finding::SetApart {
            from: at,
            until: at,
            readings: 2,
        },
        Finding::Missing {
            from,
            until: from,
            days: 1,
        },
        Finding::Duplicate {
            at,
            instants: 1,
            differ: false,
        },
        Finding::Duplicate {
            at,
            instants: 2,
            differ: true,
        },
        Finding::Negative {
            from,
            until,
            quantity: number("-1.5"),
            unit,
        },
        Finding::Spike {
            from: at,
            until: at,
            highest: number("31"),
            third: ten,
            unit,
        },
        Finding::High {
            usual: usual.clone(),
            now,
        },
        Finding::Low { usual, now: low },
    ]
}

/// One finding of each of the other kinds.
fn one_of_each_change() -> Vec<Finding> {
    let (from, until) = (FROM, UNTIL);
    let (unit, ten) = (UNIT, number("10"));
    vec![
        Finding::Zero {
            from,
            until,
            days: 31,
        },
        Finding::Stuck {
            from,
            until,
            days: 31,
            register: register(ten),
        },
        Finding::SumDiffers {
            parts: ten,
            registers: number("11"),
            unit,
        },
        Finding::UnitChanged {
            date: from,
            before: UNIT,
            after: Unit::MegaWh,
        },
        Finding::MultiplierChanged {
            date: from,
            before: ten,
            after: Decimal::ONE,
        },
        Finding::LongEstimated {
            since: from,
            periods: 2,
        },
    ]
}

#[test]
fn each_finding_says_its_dates_and_figures_in_both_languages() {
    let english = [
        "2 readings between Oct 1, 2026, 00:00 and",
        "October 1, 2026 has no closing reading.",
        "more than one reading of Oct 1, 2026, 00:00; they agree",
        "2 instants have more than one reading",
        "in Oct 1–31, 2026: −1.5 kWh",
        "31 kWh went through between",
        "Use per day is 300.0% of that of Oct 1–31, 2026 (310 kWh in 31 days)",
        "Use per day is 10.0% of that",
        "Nothing was used on 31 days, from October 1, 2026 to October 31, 2026",
        "The register stands at 10 kWh since October 1, 2026, for 31 days",
        "come to 10 kWh together, its registers to 11 kWh",
        "changed from kWh to MWh on October 1, 2026",
        "changed from 10 to 1 on October 1, 2026",
        "2 periods in a row end with an estimate, since October 1, 2026",
    ];
    let mut findings = one_of_each();
    findings.extend(one_of_each_change());
    assert_eq!(findings.len(), english.len());
    for (finding, part) in findings.iter().zip(english) {
        let say = |language: Language, locale: &str| {
            let locale: Locale = locale.parse().unwrap();
            let text = Text::in_language(language);
            finding.sentence(text, Format::new(locale), UNIT, &zone())
        };
        let said = say(Language::En, "en-US");
        assert!(said.contains(part), "{said}");
        let spanish = say(Language::Es, "es-MX");
        assert!(
            spanish.ends_with(['.', '?']) && spanish != said,
            "{spanish}"
        );
        let kept = serde_json::to_string(finding).unwrap();
        assert_eq!(serde_json::from_str::<Finding>(&kept).unwrap(), *finding);
    }
}
