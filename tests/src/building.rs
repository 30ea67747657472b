//! A building for the fault runs: six electric meters on a simulated line, a gateway that
//! reads them every second, a cloud, and the oracle's view of all three.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;

use crate::disk::Disk;
use crate::gateway::{Bus, Gateway, Line};
use crate::oracle::{self, Content, Difference, Key, Served};
use crate::portal::{self, NewMeter};
use crate::process::PATIENCE;
use crate::world::{BUS, World};

/// The point whose counter the line raises steadily.
pub const BILLING_POINT: &str = "energy_import";
const METERS: u8 = 6;
const SINCE: &str = "2025-10-01T00:00:00Z";
const PER_DAY: f64 = 31.4;
/// Gauges every second: there is always something to commit.
const POLL: &str = "[poll]\ngauge_period_s = 1\n";

/// In what a building differs from the others.
#[derive(Debug, Default)]
pub struct Plan {
    /// More settings of the gateway, from tables on.
    pub settings: String,
    /// The cloud's database: `postgres://…` or a file; one in its folder without.
    pub database: Option<String>,
    /// The dates between which the gateway has read already, and every how many seconds.
    pub history: Option<(&'static str, &'static str, u32)>,
    /// The size of a disk that holds the gateway's data alone, in megabytes.
    pub disk_mib: Option<u64>,
}

/// A building. Its gateway does not run yet.
#[derive(Debug)]
pub struct Building {
    /// The gateway.
    pub gateway: Gateway,
    /// The meters, while they answer.
    pub line: Option<Line>,
    /// The gateway's disk, if it has one of its own.
    pub disk: Option<Disk>,
    /// The cloud and its people.
    pub world: World,
    /// The path of the gateway's page.
    pub page: String,
    database: Option<String>,
}

/// What the oracle saw.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Readings on both sides.
    pub kept: usize,
    /// How gateway and cloud differ.
    pub difference: Difference,
    /// Readings that the cloud has under two numbers.
    pub doubled: usize,
    /// Readings that the line did not serve.
    pub strangers: Vec<Key>,
}

fn meter(unit_id: u8) -> NewMeter<'static> {
    NewMeter {
        label: "Local",
        counter: format!("eastron-sdm630/{BILLING_POINT}/kWh"),
        unit_id,
        bus: BUS,
        locale: "en-US",
        zone: "America/Tijuana",
        from: "2025-11-01",
        cutoff_day: 31,
        price: "0.2",
        currency: "USD",
        minimum: "0",
        send_hour: 7,
        recipients: &[],
    }
}

fn simulated(unit_id: u8) -> String {
    format!(
        "[[line.meter]]\nprofile = 'eastron-sdm630'\nunit_id = {unit_id}\nshape = 'steady'\n\
         since = '{SINCE}'\nopening = '{unit_id}000'\nper_day = '{PER_DAY}'\n"
    )
}

impl Building {
    /// Builds it, and starts all but the gateway.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn new(plan: Plan) -> anyhow::Result<Self> {
        let database = plan.database.clone();
        let world = World::start_with(None, |settings| crate::cloud::CloudSettings {
            database,
            ..settings
        });
        let world = world.await?;
        let added = world.gateway_page("gateway").await?;
        for unit_id in 1..=METERS {
            portal::add_meter(&world.integrator, &added.path, &meter(unit_id)).await?;
        }
        let meters: String = (1..=METERS).map(simulated).collect();
        let line = world.line(&meters).await?;
        let bus = Bus {
            name: BUS,
            port: line.port().to_owned(),
            more: "",
        };
        let folder = world.folder().join("gateway");
        let disk = match plan.disk_mib {
            Some(mib) => {
                let image = world.folder().join("gateway.img");
                Some(Disk::new(&image, mib, &folder.join("data"))?)
            }
            None => None,
        };
        let settings = format!("{POLL}{}", plan.settings);
        let gateway = world.gateway_on(&settings, &[bus], &added.code).await?;
        gateway.poll_every_second()?;
        if let Some((from, to, every_s)) = plan.history {
            line.history_every(&gateway, from, to, every_s).await?;
        }
        Ok(Self {
            gateway,
            line: Some(line),
            disk,
            world,
            page: added.path,
            database: plan.database,
        })
    }

    /// Waits until the gateway has read `more` readings beyond `after`.
    ///
    /// # Errors
    /// When it has not in time.
    pub async fn reads_on(&self, after: u64, more: u64) -> anyhow::Result<()> {
        let goes_on = async || Ok(self.gateway.cursor().await?.0 > after + more);
        crate::process::wait_for("new readings", PATIENCE * 3, goes_on).await
    }

    /// Stops both programs when the cloud has acknowledged everything; the line is gone.
    ///
    /// # Errors
    /// When the rest is not acknowledged in time.
    pub async fn settle(&mut self, patience: Duration) -> anyhow::Result<()> {
        // Most while the line speaks: what it adds goes along.
        self.gateway.acknowledged(100, patience).await?;
        // What a sweep has read so far goes to the disk as the gateway stops, not later.
        self.gateway.stop().await?;
        self.line = None;
        self.send_all(patience).await?;
        self.world.cloud.stop().await
    }

    /// Lets the stopped gateway send what it has, and stops it again. Nothing may answer it.
    ///
    /// # Errors
    /// When the cloud has not acknowledged everything in time.
    pub async fn send_all(&mut self, patience: Duration) -> anyhow::Result<()> {
        self.gateway.start()?;
        self.gateway.acknowledged(0, patience).await?;
        self.gateway.stop().await
    }

    /// What the cloud keeps.
    ///
    /// # Errors
    /// When its database cannot be read.
    pub async fn kept(&self) -> anyhow::Result<BTreeMap<Key, Content>> {
        match &self.database {
            Some(url) if url.starts_with("postgres:") => oracle::server_readings(url).await,
            Some(file) => oracle::cloud_readings(file.as_ref()),
            None => oracle::cloud_readings(&self.world.cloud.database()),
        }
    }

    /// What the cloud set apart.
    async fn rejected(&self) -> anyhow::Result<Vec<Key>> {
        let url = match &self.database {
            Some(url) if url.starts_with("postgres:") => url,
            Some(file) => return oracle::rejected(file.as_ref()),
            None => return oracle::rejected(&self.world.cloud.database()),
        };
        let rows = crate::postgres::query(url, "SELECT epoch, seq FROM rejected_reading").await?;
        let keys = rows.iter().map(|row| match row.as_slice() {
            [epoch, seq] => Ok((epoch.parse()?, seq.parse()?)),
            other => anyhow::bail!("no key: {other:?}"),
        });
        keys.collect()
    }

    /// What the line served.
    ///
    /// # Errors
    /// Never: it is fixed.
    pub fn served() -> anyhow::Result<Vec<Served>> {
        let since = SINCE.parse().context(SINCE)?;
        let served = |unit_id: u8| Served {
            since,
            opening: f64::from(unit_id) * 1_000.0,
            per_day: PER_DAY,
        };
        Ok((1..=METERS).map(served).collect())
    }

    /// Compares, by epoch and number, the line, the gateway's buffer and the cloud.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub async fn verdict(&self) -> anyhow::Result<Verdict> {
        let committed = oracle::gateway_readings(&self.gateway.buffer())?;
        let kept = self.kept().await?;
        let mut difference = oracle::compare(&committed, &kept);
        difference.rejected = self.rejected().await?;
        Ok(Verdict {
            kept: kept.len(),
            difference,
            doubled: oracle::doubled(&kept),
            strangers: oracle::strangers(&kept, BILLING_POINT, &Self::served()?),
        })
    }
}

impl Verdict {
    /// Whether nothing is lost, doubled, altered, set apart or invented.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.difference == Difference::default() && self.doubled == 0 && self.strangers.is_empty()
    }
}
