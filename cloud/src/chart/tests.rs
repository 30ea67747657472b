//! Charts: what is drawn, and what is left out.

use jiff::civil::date;

use super::*;

fn days(uses: &[Option<&str>]) -> Vec<DailyUse> {
    let first = date(2026, 10, 1);
    let uses = (0..).zip(uses).map(|(index, quantity)| DailyUse {
        date: first.checked_add(jiff::Span::new().days(index)).unwrap(),
        quantity: quantity.map(|text| Decimal::from_str_exact(text).unwrap()),
        is_reckoned: false,
        register: None,
        read_at: None,
    });
    uses.collect()
}

fn draw(uses: &[Option<&str>]) -> String {
    let format = Format::new("es-MX".parse().unwrap());
    daily(&days(uses), Unit::KiloWh, &format, Frame::PAGE)
}

#[test]
fn a_gap_is_hatched_and_a_zero_is_a_line() {
    let svg = draw(&[Some("12.5"), None, Some("0"), Some("3")]);
    assert_eq!(svg.matches("<rect").count(), 3, "a gap has no bar");
    assert_eq!(svg.matches(r#"class="gap""#).count(), 1);
    assert_eq!(svg.matches(r#"class="zero""#).count(), 1);
    assert!(svg.contains("<title>1 oct: 12.5 kWh</title>"), "{svg}");
    assert!(svg.contains("Rayado: 1 día sin lectura de cierre"), "{svg}");
    assert!(!draw(&[Some("1")]).contains(r#"class="gap""#));
}

#[test]
fn a_day_that_was_reckoned_is_hollow_and_said_to_be() {
    let format = Format::new("es-MX".parse().unwrap());
    let mut days = days(&[Some("12.5"), Some("0"), None]);
    for day in &mut days {
        day.is_reckoned = true;
    }
    let svg = daily(&days, Unit::KiloWh, &format, Frame::PAGE);
    assert_eq!(svg.matches(r#"class="reckoned""#).count(), 2, "{svg}");
    assert_eq!(svg.matches("fill-opacity").count(), 2, "a gap stays one");
    let legend = legend(&days, Text::new(format.locale())).unwrap();
    assert!(legend.starts_with("Huecos: 2 días"), "{legend}");
    assert!(
        legend.ends_with("Rayado: 1 día sin lectura de cierre"),
        "{legend}"
    );
}

#[test]
fn nothing_at_all_still_is_a_chart() {
    for uses in [vec![], vec![None; 31], vec![Some("0"); 31]] {
        let svg = draw(&uses);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
    }
}

#[test]
fn a_chart_needs_no_style_that_a_page_forbids_and_parses() {
    let svg = draw(&[Some("98765432.123"), None, Some("0")]);
    assert!(!svg.contains("style") && !svg.contains("id="), "{svg}");
    resvg::usvg::Tree::from_str(&svg, &resvg::usvg::Options::default()).unwrap();
}

#[test]
fn periods_are_rows_with_their_days_and_what_was_measured() {
    let format = Format::new("es-ES".parse().unwrap());
    let period = |month: i8, measured: i64, now| PeriodUse {
        from: date(2026, month, 1),
        until: date(2026, month + 1, 1),
        measured: Decimal::new(measured, 1),
        total: None,
        now,
    };
    let bars = [period(10, 3448, true), period(9, 0, false)];
    let svg = periods(&bars, Unit::KiloWh, &format, Frame::PAGE);
    assert!(
        svg.contains("1–31 oct 2026</text>") && svg.contains("344,8 kWh</text>"),
        "{svg}"
    );
    assert_eq!(svg.matches("<rect").count(), 2);
    resvg::usvg::Tree::from_str(&svg, &resvg::usvg::Options::default()).unwrap();
}

#[test]
fn what_xml_cannot_hold_is_escaped() {
    assert_eq!(escape("a<b>&\"'\u{1}"), "a&lt;b&gt;&amp;&quot;&#39; ");
}
