//! The bounds of a tariff, and of what is due besides.

use jiff::civil::{Date, Time};
use rust_decimal::Decimal;

use super::{
    BANDS_MAX, Band, Calendar, Demand, FEES_MAX, Fee, HOLIDAYS_MAX, INTERVALS_MINUTES, NAME_MAX,
    PERCENT_MAX, Rate, SEASONS_MAX, SWITCHES_MAX, Season, Switch, TAXES_MAX, TIERS_MAX, Tariff,
    Tax, Tier,
};
use crate::plan::{PRICE_DECIMALS_MAX, PlanError, TERM_MAX};

impl Tariff {
    /// Whether all prices are within their bounds, the tiers in order, and the calendar whole.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn check(&self) -> Result<(), PlanError> {
        if self.per <= Decimal::ZERO || self.per > Decimal::from(TERM_MAX) {
            return wrong("a price is for more than no units, and for 1,000,000,000 at most");
        }
        if has_too_many_decimals(self.per) {
            return wrong("the number of units that a price is for has more than 6 decimals");
        }
        if let Some(demand) = &self.demand {
            check_demand(demand)?;
        }
        match &self.rate {
            Rate::Flat { price } => check_price(*price),
            Rate::Tiers { tiers, .. } => check_tiers(tiers),
            Rate::TimeOfUse { bands, calendar } => check_calendar(bands, calendar),
            Rate::PassThrough => Ok(()),
        }
    }
}

fn wrong(what: impl Into<String>) -> Result<(), PlanError> {
    Err(PlanError::Tariff(what.into()))
}

fn has_too_many_decimals(number: Decimal) -> bool {
    number.normalize().scale() > PRICE_DECIMALS_MAX
}

fn check_price(price: Decimal) -> Result<(), PlanError> {
    if price < Decimal::ZERO || price > Decimal::from(TERM_MAX) {
        return Err(PlanError::Price(price));
    }
    if has_too_many_decimals(price) {
        return Err(PlanError::PriceDecimals(price));
    }
    Ok(())
}

/// What is wrong with a name, if anything is.
fn fault_of_name(name: &str) -> Option<String> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > NAME_MAX || name.chars().any(char::is_control) {
        return Some(format!(
            "the name '{}' must have 1 to {NAME_MAX} characters, none of them a line break",
            name.chars().take(NAME_MAX).collect::<String>()
        ));
    }
    None
}

fn check_demand(demand: &Demand) -> Result<(), PlanError> {
    let minutes = demand.interval_minutes;
    if !INTERVALS_MINUTES.contains(&minutes) {
        return wrong(format!(
            "its power is the mean of {minutes} minutes: choose 5, 10, 15, 20, 30 or 60"
        ));
    }
    check_price(demand.price)
}

fn check_tiers(tiers: &[Tier]) -> Result<(), PlanError> {
    let Some((last, before)) = tiers.split_last() else {
        return wrong("it has no tiers");
    };
    if tiers.len() > TIERS_MAX {
        return wrong(format!("it has more than {TIERS_MAX} tiers"));
    }
    if last.up_to.is_some() {
        return wrong("its last tier must not end");
    }
    let mut from = Decimal::ZERO;
    for tier in before {
        match tier.up_to {
            Some(up_to) if up_to > from => from = up_to,
            _ => return wrong("each tier ends above the one before it"),
        }
    }
    if from > Decimal::from(TERM_MAX) {
        return wrong("a tier ends beyond 1,000,000,000 units");
    }
    if before
        .iter()
        .filter_map(|tier| tier.up_to)
        .any(has_too_many_decimals)
    {
        return wrong("the end of a tier has more than 6 decimals");
    }
    tiers.iter().try_for_each(|tier| check_price(tier.price))
}

fn check_calendar(bands: &[Band], calendar: &Calendar) -> Result<(), PlanError> {
    if bands.is_empty() || calendar.seasons.is_empty() {
        return wrong("it has no bands or no season");
    }
    if bands.len() > BANDS_MAX {
        return wrong(format!("it has more than {BANDS_MAX} bands"));
    }
    if calendar.seasons.len() > SEASONS_MAX {
        return wrong(format!("it has more than {SEASONS_MAX} seasons"));
    }
    if calendar.holidays.len() > HOLIDAYS_MAX {
        return wrong(format!("it has more than {HOLIDAYS_MAX} holidays"));
    }
    for band in bands {
        if let Some(fault) = fault_of_name(&band.name) {
            return wrong(fault);
        }
        check_price(band.price)?;
    }
    let mut begins = None;
    for season in &calendar.seasons {
        let begin = (season.month, season.day);
        // 2023 is no leap year.
        if Date::new(2023, season.month, season.day).is_err() {
            return wrong("a season begins at a date that not every year has");
        }
        if begins.replace(begin).is_some_and(|before| before >= begin) {
            return wrong("its seasons are not in the order of their dates");
        }
        check_season(season, bands)?;
    }
    Ok(())
}

fn check_season(season: &Season, bands: &[Band]) -> Result<(), PlanError> {
    for day in [&season.workday, &season.saturday, &season.sunday] {
        let day: &[Switch] = day;
        if day.first().map(|switch| switch.at) != Some(Time::midnight()) {
            return wrong("a day's first band begins at midnight");
        }
        if day.len() > SWITCHES_MAX {
            return wrong(format!("a day has more than {SWITCHES_MAX} switches"));
        }
        let rising = day.is_sorted_by(|a, b| a.at < b.at);
        if !rising || day.iter().any(|switch| switch.band >= bands.len()) {
            return wrong("a day's switches are not in order, or name no band");
        }
        // The gateway reads within a minute of an instant, not of a part of one.
        if day
            .iter()
            .any(|switch| switch.at.second() != 0 || switch.at.subsec_nanosecond() != 0)
        {
            return wrong("a day switches at a whole minute");
        }
    }
    Ok(())
}

/// Whether fees are within their bounds.
pub(in crate::plan) fn check_fees(fees: &[Fee]) -> Result<(), PlanError> {
    if fees.len() > FEES_MAX {
        return wrong(format!("there are more than {FEES_MAX} fees"));
    }
    for (number, fee) in fees.iter().enumerate() {
        if let Some(fault) = fault_of_name(&fee.name) {
            return wrong(fault);
        }
        if fees
            .iter()
            .take(number)
            .any(|before| before.name == fee.name)
        {
            return wrong(format!("two fees are called '{}'", fee.name));
        }
        check_price(fee.amount)?;
    }
    Ok(())
}

/// Whether taxes are within their bounds, and exempt no fee that there is not.
pub(in crate::plan) fn check_taxes(taxes: &[Tax], fees: &[Fee]) -> Result<(), PlanError> {
    if taxes.len() > TAXES_MAX {
        return wrong(format!("there are more than {TAXES_MAX} taxes"));
    }
    for tax in taxes {
        if let Some(fault) = fault_of_name(&tax.name) {
            return wrong(fault);
        }
        let percent = tax.percent;
        let most = Decimal::from(PERCENT_MAX);
        if percent < Decimal::from(-100) || percent > most || has_too_many_decimals(percent) {
            return wrong(format!(
                "the tax '{}' is {percent} %: choose -100 to 1,000, with 6 decimals at most",
                tax.name
            ));
        }
        let is_no_fee = |name: &&String| fees.iter().all(|fee| fee.name != **name);
        if let Some(name) = tax.exempt.iter().find(is_no_fee) {
            return wrong(format!(
                "the tax '{}' is not taken of '{name}', which is no fee of this plan",
                tax.name
            ));
        }
    }
    Ok(())
}
