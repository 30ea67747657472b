//! Who and what is in the demo. Names and prices are invented; they are as one would find
//! them in a small shopping centre in Tijuana.

use jiff::civil::Date;

use crate::portal::{NewMeter, NewMonitor};

/// The integrator's account.
pub const ACCOUNT: &str = "Instalaciones del Norte";
/// The administrator's address.
pub const ADMINISTRATOR: &str = "admin@enervue.example";
/// The integrator's name and address.
pub const INTEGRATOR: (&str, &str) = ("Inés Robles", "ines@instalaciones.example");
/// The building.
pub const SITE: &str = "Plaza Norte";
/// Where it stands.
pub const ZONE: &str = "America/Tijuana";
/// The gateway's line.
pub const BUS: &str = "main";
/// Ana's chat with the bot.
pub const ANA_CHAT: i64 = 700_100;

/// She may change settings, and has Telegram.
pub const ANA: NewMonitor<'_> = NewMonitor {
    name: "Ana Torres",
    email: "ana@cafe.example",
    language: "es",
    may_change_settings: true,
};

/// He may look only, and reads mail.
pub const BEN: NewMonitor<'_> = NewMonitor {
    name: "Ben Carter",
    email: "ben@studio.example",
    language: "en",
    may_change_settings: false,
};

/// A meter of the building: what it is, what it counts, and how it is billed.
#[derive(Debug, Clone, Copy)]
pub struct DemoMeter {
    /// What people call it.
    pub label: &'static str,
    /// Profile, point and unit.
    pub counter: (&'static str, &'static str, &'static str),
    /// Its Modbus unit id.
    pub unit_id: u8,
    /// The last day of its periods.
    pub cutoff_day: u8,
    locale: &'static str,
    price: (&'static str, &'static str),
    minimum: &'static str,
    recipients: &'static [(&'static str, &'static str)],
    opening: &'static str,
    per_day: &'static str,
    shape: &'static str,
    weekend: &'static str,
}

/// Two electric, two water, two thermal; in two languages, currencies and sets of units.
pub const METERS: [DemoMeter; 6] = [
    DemoMeter {
        label: "Local 101",
        counter: ("eastron-sdm120", "energy_import", "kWh"),
        unit_id: 1,
        cutoff_day: 31,
        locale: "es-MX",
        price: ("3.85", "MXN"),
        minimum: "50",
        recipients: &[("Ana Torres", "both")],
        opening: "12345.6",
        per_day: "27.4",
        shape: "shop",
        weekend: "1.2",
    },
    DemoMeter {
        label: "Local 102",
        counter: ("eastron-sdm630", "energy_import", "kWh"),
        unit_id: 2,
        cutoff_day: 15,
        locale: "es-MX",
        price: ("3.85", "MXN"),
        minimum: "100",
        recipients: &[("Ana Torres", "telegram")],
        opening: "58210.4",
        per_day: "96.1",
        shape: "shop",
        weekend: "1.1",
    },
    DemoMeter {
        label: "Agua Local 101",
        counter: ("tuf-2000m", "volume", "m3"),
        unit_id: 3,
        cutoff_day: 31,
        locale: "es-MX",
        price: ("48.50", "MXN"),
        minimum: "5",
        recipients: &[("Ana Torres", "email")],
        opening: "103.275",
        per_day: "0.84",
        shape: "shop",
        weekend: "1.3",
    },
    DemoMeter {
        label: "Water, Suite 300",
        counter: ("tuf-2000m", "volume", "gal_us"),
        unit_id: 4,
        cutoff_day: 20,
        locale: "en-US",
        price: ("0.0145", "USD"),
        minimum: "2000",
        recipients: &[("Ben Carter", "email")],
        opening: "20418.5",
        per_day: "118",
        shape: "office",
        weekend: "0.2",
    },
    DemoMeter {
        label: "Chilled water, Suite 300",
        counter: ("onicon-system-10", "energy_btu", "BTU"),
        unit_id: 5,
        cutoff_day: 20,
        locale: "en-US",
        price: ("0.000023", "USD"),
        minimum: "0",
        recipients: &[("Ben Carter", "email")],
        opening: "10400000",
        per_day: "402000",
        shape: "office",
        weekend: "0.3",
    },
    DemoMeter {
        label: "Clima Local 102",
        counter: ("onicon-system-10", "energy_kwh", "kWh"),
        unit_id: 6,
        cutoff_day: 15,
        locale: "es-MX",
        price: ("1.95", "MXN"),
        minimum: "0",
        recipients: &[("Ana Torres", "email")],
        opening: "4310.5",
        per_day: "61.5",
        shape: "shop",
        weekend: "1.1",
    },
];

impl DemoMeter {
    /// How the integrator registers it, billed from `from` on.
    pub(super) fn as_registered<'a>(&self, from: &'a str) -> NewMeter<'a> {
        let (profile, point, unit) = self.counter;
        NewMeter {
            label: self.label,
            counter: format!("{profile}/{point}/{unit}"),
            unit_id: self.unit_id,
            bus: BUS,
            locale: self.locale,
            zone: ZONE,
            from,
            cutoff_day: self.cutoff_day,
            price: self.price.0,
            currency: self.price.1,
            minimum: self.minimum,
            send_hour: 7,
            recipients: self.recipients,
        }
    }

    /// How the line simulates it, counting from a week before `from`.
    pub(super) fn as_simulated(&self, from: Date) -> String {
        let (profile, _, unit) = self.counter;
        let since = from.saturating_sub(jiff::ToSpan::weeks(1));
        format!(
            "[[line.meter]]\nprofile = '{profile}'\nunit_id = {}\nlabel = '{}'\n\
             since = '{since}T00:00:00Z'\nopening = '{}'\nper_day = '{}'\nunit = '{unit}'\n\
             shape = '{}'\nweekend = '{}'\nzone = '{ZONE}'\n",
            self.unit_id, self.label, self.opening, self.per_day, self.shape, self.weekend,
        )
    }
}
