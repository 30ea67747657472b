//! Charts: what the page, the PDF and later the messages show of a meter's use.
//!
//! Promises: a day without a closing reading is never drawn as a zero.

use crate::billing::invoice::DailyUse;
use crate::text::Text;

/// What stands under a daily chart that has gaps; `None` where it has none.
#[must_use]
pub fn gaps(daily: &[DailyUse], text: Text) -> Option<String> {
    let days = daily.iter().filter(|day| day.quantity.is_none()).count();
    let days = i64::try_from(days).unwrap_or(i64::MAX);
    (days > 0).then(|| text.with("document-gaps", &[("days", days.into())]))
}
