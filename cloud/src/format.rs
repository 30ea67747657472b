//! Format: numbers, money and dates as people of a locale write them.
//!
//! The one source of these characters: page, PDF, mail and Telegram all show what is made
//! here. Digits, grouping and month names are ICU's for the region (CLDR; a region that it
//! does not know gets its language's); a value keeps the decimals it came with, nothing is
//! rounded but a percentage. Times are written in 24 hours everywhere, because "12:00 AM" on a
//! bill is read as noon. Spaces are plain ones. The calendar is the Gregorian one.
//!
//! Money is the amount in the locale's digits, and around it:
//!
//! | where | how | examples |
//! | --- | --- | --- |
//! | Spanish outside the Americas | after | `1034,40 €`, `1034,40 MXN` |
//! | everywhere else | before | `€1,034.40`, `$1,034.40 MXN` |
//!
//! Where several currencies share the symbol, the code stands too: instead of it when after,
//! behind the amount when before.
//!
//! A symbol that ends in a letter or a stroke stands apart: `S/ 12.00`, `Bs 12.00`. The
//! minus sign stands before everything: `−$5.00 MXN`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use common::locale::{Language, Locale};
use common::unit::Unit;
use icu::datetime::fieldsets::{M, YMD};
use icu::datetime::{DateTimeFormatterPreferences, FixedCalendarDateTimeFormatter};
use icu::decimal::{DecimalFormatter, DecimalFormatterPreferences};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::currency::Currency;
use crate::site::Zone;

#[cfg(test)]
mod tests;

/// Regions of the Americas that write Spanish: there the symbol goes before the amount.
const AMERICAS: [&str; 22] = [
    "AR", "BO", "BZ", "CA", "CL", "CO", "CR", "CU", "DO", "EC", "GT", "HN", "MX", "NI", "PA", "PE",
    "PR", "PY", "SV", "US", "UY", "VE",
];

/// What of a name goes into a file's name (characters): two names and dates stay below the
/// 255 bytes that file systems allow.
const FILE_NAME_PART_MAX: usize = 60;

type Gregorian = icu::calendar::cal::Gregorian;
type GregorianDate = icu::calendar::Date<Gregorian>;
type DateFormatter<F> = FixedCalendarDateTimeFormatter<Gregorian, F>;

/// What ICU holds ready for one locale.
struct Forms {
    decimal: Option<DecimalFormatter>,
    long_date: Option<DateFormatter<YMD>>,
    month: Option<DateFormatter<M>>,
    day_first: bool,
}

thread_local! {
    // ICU's formatters cannot change threads; a locale costs a few hundred bytes a thread,
    // because the data itself is compiled in.
    static FORMS: RefCell<BTreeMap<Locale, Rc<Forms>>> = const { RefCell::new(BTreeMap::new()) };
}

impl Forms {
    fn of(locale: Locale) -> Rc<Self> {
        FORMS.with_borrow_mut(|all| {
            let forms = all
                .entry(locale)
                .or_insert_with(|| Rc::new(Self::new(locale)));
            Rc::clone(forms)
        })
    }

    fn new(locale: Locale) -> Self {
        let language = locale.language().code();
        let icu_locale = icu::locale::Locale::try_from_str(&locale.to_string())
            .or_else(|_| icu::locale::Locale::try_from_str(language))
            .unwrap_or(icu::locale::Locale::UNKNOWN);
        let dates = DateTimeFormatterPreferences::from(&icu_locale);
        let decimals = DecimalFormatterPreferences::from(&icu_locale);
        let mut forms = Self {
            decimal: DecimalFormatter::try_new(decimals, Default::default()).ok(),
            long_date: DateFormatter::try_new(dates, YMD::long()).ok(),
            month: DateFormatter::try_new(dates, M::medium()).ok(),
            day_first: true,
        };
        forms.day_first = forms
            .long_date(jiff::civil::date(2026, 10, 31))
            .starts_with(|first: char| first.is_ascii_digit());
        forms
    }

    fn long_date(&self, date: Date) -> String {
        match (&self.long_date, gregorian(date)) {
            (Some(formatter), Some(day)) => formatter.format(&day).to_string(),
            _ => date.to_string(),
        }
    }

    fn month(&self, date: Date) -> String {
        match (&self.month, gregorian(date)) {
            (Some(formatter), Some(day)) => formatter.format(&day).to_string(),
            _ => date.month().to_string(),
        }
    }
}

fn gregorian(date: Date) -> Option<GregorianDate> {
    let month = u8::try_from(date.month()).ok()?;
    let day = u8::try_from(date.day()).ok()?;
    GregorianDate::try_new_gregorian(i32::from(date.year()), month, day).ok()
}

/// Writes values as people of one locale do. Cheap to make and to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    locale: Locale,
}

impl Format {
    /// The forms of the locale.
    #[must_use]
    pub fn new(locale: Locale) -> Self {
        Self { locale }
    }

    /// The locale.
    #[must_use]
    pub fn locale(self) -> Locale {
        self.locale
    }

    /// A number with the decimals it has: `1,234.50`.
    #[must_use]
    pub fn decimal(self, value: Decimal) -> String {
        let digits = value.abs().to_string();
        let number = match (&Forms::of(self.locale).decimal, digits.parse()) {
            (Some(formatter), Ok(number)) => formatter.format(&number).to_string(),
            _ => digits,
        };
        format!("{}{number}", minus(value))
    }

    /// A number with its unit: `344.8 kWh`.
    #[must_use]
    pub fn quantity(self, value: Decimal, unit: Unit) -> String {
        let number = self.decimal(value);
        match unit.symbol() {
            "" => number,
            symbol => format!("{number} {symbol}"),
        }
    }

    /// An amount of money or a price, with at least the currency's decimals; a price with
    /// more keeps them: `$1,034.40 MXN`, `$3.1415 MXN`.
    #[must_use]
    pub fn money(self, amount: Decimal, currency: Currency) -> String {
        let mut positive = amount.abs().normalize();
        if positive.scale() < currency.digits() {
            positive.rescale(currency.digits());
        }
        let number = self.decimal(positive);
        let (symbol, code) = (currency.symbol(), currency.code());
        let shared = Currency::all().filter(|one| one.symbol() == symbol).count() > 1;
        let text = if self.writes_symbol_after() {
            format!("{number} {}", if shared { code } else { symbol })
        } else {
            let apart = symbol != "Q" && symbol.ends_with(|c: char| c == '/' || c.is_alphabetic());
            let gap = if apart { " " } else { "" };
            let code = if shared {
                format!(" {code}")
            } else {
                String::new()
            };
            format!("{symbol}{gap}{number}{code}")
        };
        format!("{}{text}", minus(amount))
    }

    /// The price of a unit: `$3.00 MXN/kWh`.
    #[must_use]
    pub fn price(self, price: Decimal, currency: Currency, unit: Unit) -> String {
        format!("{}/{}", self.money(price, currency), unit.symbol())
    }

    /// A share in percent, rounded to one decimal: `17.5%`, in Spanish `17.5 %`.
    #[must_use]
    pub fn percent(self, percent: Decimal) -> String {
        let mut rounded = percent.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
        rounded.rescale(1);
        let gap = match self.locale.language() {
            Language::En => "",
            Language::Es => " ",
        };
        format!("{}{gap}%", self.decimal(rounded))
    }

    /// A date in full: `31 de octubre de 2026`.
    #[must_use]
    pub fn date(self, date: Date) -> String {
        Forms::of(self.locale).long_date(date)
    }

    /// A date for tables and lists: `31 oct 2026`.
    #[must_use]
    pub fn date_short(self, date: Date) -> String {
        let day = self.day(date);
        if Forms::of(self.locale).day_first {
            format!("{day} {}", date.year())
        } else {
            format!("{day}, {}", date.year())
        }
    }

    /// A day where the year is plain from what stands around it: `31 oct`.
    #[must_use]
    pub fn day(self, date: Date) -> String {
        let forms = Forms::of(self.locale);
        let month = forms.month(date);
        if forms.day_first {
            format!("{} {month}", date.day())
        } else {
            format!("{month} {}", date.day())
        }
    }

    /// The days from `from` to the day before `until`, both named: `1–31 oct 2026`,
    /// `16 sep – 15 oct 2026`, `16 dic 2026 – 15 ene 2027`.
    #[must_use]
    pub fn dates(self, from: Date, until: Date) -> String {
        let last = until.yesterday().unwrap_or(until).max(from);
        if from == last {
            return self.date_short(from);
        }
        if from.year() != last.year() {
            return format!("{} – {}", self.date_short(from), self.date_short(last));
        }
        if from.month() != last.month() {
            return format!("{} – {}", self.day(from), self.date_short(last));
        }
        let forms = Forms::of(self.locale);
        let (month, year) = (forms.month(from), from.year());
        if forms.day_first {
            format!("{}–{} {month} {year}", from.day(), last.day())
        } else {
            format!("{month} {}–{}, {year}", from.day(), last.day())
        }
    }

    /// An instant as the clock of the zone shows it: `1 nov 2026, 00:00`.
    #[must_use]
    pub fn date_time(self, instant: Timestamp, zone: &Zone) -> String {
        let local = instant.to_zoned_datetime(zone.rules().clone()).datetime();
        let date = self.date_short(local.date());
        format!("{date}, {:02}:{:02}", local.hour(), local.minute())
    }

    /// The name of a file about these days: what it is about, without spaces, accents and
    /// signs, the first day and the last: `PlazaNorte_Local204_2026-10-01_2026-10-31.pdf`.
    #[must_use]
    pub fn file_name(about: &[&str], from: Date, until: Date, extension: &str) -> String {
        let last = until.yesterday().unwrap_or(until).max(from);
        let mut parts: Vec<String> = about.iter().map(|name| plain(name)).collect();
        parts.retain(|name| !name.is_empty());
        parts.push(from.to_string());
        parts.push(last.to_string());
        format!("{}.{extension}", parts.join("_"))
    }

    fn writes_symbol_after(self) -> bool {
        self.locale.language() == Language::Es && !AMERICAS.contains(&self.locale.region().as_str())
    }
}

/// The name in ASCII letters and digits.
fn plain(name: &str) -> String {
    let letters = name.chars().map(|letter| match letter {
        'á' | 'à' | 'ä' | 'â' | 'ã' => 'a',
        'Á' | 'À' | 'Ä' | 'Â' | 'Ã' => 'A',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'É' | 'È' | 'Ë' | 'Ê' => 'E',
        'í' | 'ï' => 'i',
        'Í' | 'Ï' => 'I',
        'ó' | 'ö' | 'ô' | 'õ' => 'o',
        'Ó' | 'Ö' | 'Ô' | 'Õ' => 'O',
        'ú' | 'ü' => 'u',
        'Ú' | 'Ü' => 'U',
        'ñ' => 'n',
        'Ñ' => 'N',
        'ç' => 'c',
        other => other,
    });
    let plain = letters.filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-');
    plain.take(FILE_NAME_PART_MAX).collect()
}

fn minus(value: Decimal) -> &'static str {
    if value.is_sign_negative() && !value.is_zero() {
        "−"
    } else {
        ""
    }
}
