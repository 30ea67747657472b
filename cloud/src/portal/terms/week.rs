//! A picture of the week: which price holds when, seven rows of a day each.

use std::fmt::Write as _;

use super::say::weekday;
use super::write::{WEEKDAYS, switches};
use crate::plan::cycle::Weekday;
use crate::plan::tariff::{Season, Switch};
use crate::text::Text;

/// The minutes of a day.
const DAY: i32 = 24 * 60;
/// How many minutes a step of the drawing is wide.
const STEP: i32 = 4;
/// The room for the names of the days.
const LEFT: i32 = 46;
const ROW: i32 = 22;
const TOP: i32 = 18;

/// The week of a season, drawn.
pub(super) fn picture(text: Text, season: &Season, title: &str) -> String {
    let (width, height) = (LEFT + DAY / STEP, TOP + 7 * ROW);
    let title = escaped(title);
    let mut svg = format!(
        "<svg class=\"week\" role=\"img\" aria-label=\"{title}\" \
         viewBox=\"0 0 {width} {height}\">"
    );
    for hour in (0..=24).step_by(6) {
        let x = LEFT + hour * 60 / STEP;
        let anchor = match hour {
            0 => "start",
            24 => "end",
            _ => "middle",
        };
        // A text needs no more than this: writing to a String cannot fail.
        let _ = write!(
            svg,
            "<text x=\"{x}\" y=\"12\" text-anchor=\"{anchor}\">{hour}</text>"
        );
    }
    for (row, (_, day)) in (0..).zip(WEEKDAYS) {
        let y = TOP + row * ROW;
        let name: String = weekday(text, day).chars().take(3).collect();
        let _ = write!(svg, "<text x=\"0\" y=\"{}\">{name}</text>", y + 15);
        let kind = match day {
            Weekday::Saturday => "saturday",
            Weekday::Sunday => "sunday",
            _ => "workday",
        };
        bars(&mut svg, switches(season, kind), y);
    }
    svg.push_str("</svg>");
    svg
}

/// The colour of a band with its name.
pub(super) fn key(place: usize, name: &str) -> String {
    let name = escaped(name);
    format!(
        "<span class=\"key\"><svg class=\"week\" viewBox=\"0 0 12 12\" aria-hidden=\"true\">\
         <rect class=\"band-{place}\" width=\"12\" height=\"12\"/></svg> {name}</span> "
    )
}

fn bars(svg: &mut String, switches: &[Switch], y: i32) {
    for (place, switch) in switches.iter().enumerate() {
        let from = minute(switch);
        let until = switches.get(place + 1).map_or(DAY, minute);
        let (x, width) = (LEFT + from / STEP, (until - from).max(0) / STEP);
        let _ = write!(
            svg,
            "<rect class=\"band-{}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\"/>",
            switch.band,
            ROW - 3
        );
    }
}

fn minute(switch: &Switch) -> i32 {
    i32::from(switch.at.hour()) * 60 + i32::from(switch.at.minute())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
