//! A world for a story: a cloud on a test clock, its people, a mailbox and a bot.

use std::path::Path;

use tempfile::TempDir;

use crate::browser::Browser;
use crate::cloud::{Cloud, CloudSettings};
use crate::gateway::{Bus, Gateway, Line};
use crate::mailbox::Mailbox;
use crate::portal::{self, AddedGateway, NewMonitor, PASSWORD};
use crate::telegram::Telegram;
use crate::test_clock::TestClock;

/// The bus of every world's gateway.
pub const BUS: &str = "main";
/// The account of every world.
pub const ACCOUNT: &str = "Instalaciones del Norte";
/// Its integrator's address.
pub const INTEGRATOR: &str = "ines@instalaciones.example";

/// A cloud that runs, and whom one needs to do something with it.
#[derive(Debug)]
pub struct World {
    /// The cloud.
    pub cloud: Cloud,
    /// Its clock, if it is none of the machine's.
    pub clock: Option<TestClock>,
    /// The mails that went out, unless they go elsewhere.
    pub mailbox: Mailbox,
    /// The Telegram messages that went out.
    pub telegram: Telegram,
    /// The administrator's browser.
    pub administrator: Browser,
    /// The integrator's browser.
    pub integrator: Browser,
    folder: TempDir,
}

impl World {
    /// A world that stands at `instant`, or goes with the machine's clock without one.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start(instant: Option<&str>) -> anyhow::Result<Self> {
        Self::start_with(instant, |settings| settings).await
    }

    /// The same, with other settings of the cloud.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start_with(
        instant: Option<&str>,
        change: impl FnOnce(CloudSettings<'_>) -> CloudSettings<'_>,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("enervue-test-").tempdir()?;
        let clock = instant
            .map(|at| TestClock::new(folder.path(), at))
            .transpose()?;
        let mailbox = Mailbox::start().await?;
        let telegram = Telegram::start().await?;
        let settings = CloudSettings {
            telegram: Some(&telegram),
            clock: clock.as_ref(),
            ..CloudSettings::default()
        };
        let settings = change(settings.mail_to(&mailbox));
        let mut cloud = Cloud::new(&folder.path().join("cloud"), &settings)?;
        cloud.start().await?;
        let administrator = portal::administrator(&cloud, "admin@enervue.example").await?;
        let integrator = Self::integrator_of(&cloud, &administrator, ACCOUNT, INTEGRATOR).await?;
        Ok(Self {
            cloud,
            clock,
            mailbox,
            telegram,
            administrator,
            integrator,
            folder,
        })
    }

    async fn integrator_of(
        cloud: &Cloud,
        administrator: &Browser,
        account: &str,
        email: &str,
    ) -> anyhow::Result<Browser> {
        let link = portal::add_account(administrator, account, "Inés Robles", email, "en").await?;
        let browser = Browser::new(cloud.url())?;
        portal::set_password(&browser, &link, PASSWORD).await?;
        Ok(browser)
    }

    /// Another account with an integrator who is signed in.
    ///
    /// # Errors
    /// When a page refuses.
    pub async fn other_account(&self, account: &str, email: &str) -> anyhow::Result<Browser> {
        Self::integrator_of(&self.cloud, &self.administrator, account, email).await
    }

    /// A monitor user of the account, signed in.
    ///
    /// # Errors
    /// When a page refuses.
    pub async fn monitor(&self, new: &NewMonitor<'_>) -> anyhow::Result<Browser> {
        let link = portal::add_monitor(&self.integrator, new).await?;
        let browser = Browser::new(self.cloud.url())?;
        portal::set_password(&browser, &link, PASSWORD).await?;
        Ok(browser)
    }

    /// A site with a gateway that waits for its code.
    ///
    /// # Errors
    /// When a page refuses.
    pub async fn gateway_page(&self, kind: &str) -> anyhow::Result<AddedGateway> {
        let site = "Plaza Norte";
        let site = portal::add_site(&self.integrator, site, "America/Tijuana", "es-MX").await?;
        portal::add_gateway(&self.integrator, &site, "Sótano", kind).await
    }

    /// Simulated meters on the bus, from `[[line.meter]]` tables.
    ///
    /// # Errors
    /// When the simulation does not start.
    pub async fn line(&self, meters: &str) -> anyhow::Result<Line> {
        let folder = self.folder.path().join("line");
        Line::start(&folder, BUS, meters, self.clock.as_ref()).await
    }

    /// A gateway on `port`, enrolled by `code`; it does not run yet.
    ///
    /// # Errors
    /// When the cloud refuses it.
    pub async fn gateway(&self, port: &Path, code: &str) -> anyhow::Result<Gateway> {
        let bus = Bus {
            name: BUS,
            port: port.to_owned(),
            more: "",
        };
        self.gateway_on("", &[bus], code).await
    }

    /// The same with several buses, and `more` keys before them.
    ///
    /// # Errors
    /// When the cloud refuses it.
    pub async fn gateway_on(
        &self,
        more: &str,
        buses: &[Bus<'_>],
        code: &str,
    ) -> anyhow::Result<Gateway> {
        let folder = self.folder.path().join("gateway");
        let gateway = Gateway::new(&folder, more, buses, self.clock.as_ref())?;
        gateway.enrol(self.cloud.url(), code).await?;
        Ok(gateway)
    }

    /// Where files of the story may lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
