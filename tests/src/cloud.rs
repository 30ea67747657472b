//! The cloud as a process, with its settings, its data and its command line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::browser::client;
use crate::mailbox::Mailbox;
use crate::process::{self, Finished, PATIENCE, Running, free_port, wait_for};
use crate::program::Programs;
use crate::telegram::{self, Telegram};
use crate::test_clock::TestClock;

/// What the settings of a cloud differ in.
#[derive(Debug, Default)]
pub struct CloudSettings<'a> {
    /// Where it serves; a free port without.
    pub port: Option<u16>,
    /// `postgres://…`; a file in its folder without.
    pub database: Option<String>,
    /// Where mail goes: one line each of `[mail]`.
    pub mail: Vec<String>,
    /// Where messages go.
    pub telegram: Option<&'a Telegram>,
    /// The clock; the machine's without.
    pub clock: Option<&'a TestClock>,
    /// Environment variables of the process.
    pub variables: Vec<(String, String)>,
}

impl CloudSettings<'_> {
    /// Mail goes to `mailbox`, in the clear, on this machine.
    #[must_use]
    pub fn mail_to(mut self, mailbox: &Mailbox) -> Self {
        self.mail = vec![
            "host = '127.0.0.1'".to_owned(),
            format!("port = {}", mailbox.port()),
            "tls = 'none'".to_owned(),
        ];
        self
    }
}

/// A cloud.
#[derive(Debug)]
pub struct Cloud {
    folder: PathBuf,
    url: String,
    clock: Option<PathBuf>,
    variables: Vec<(String, String)>,
    program: Option<PathBuf>,
    running: Option<Running>,
}

impl Cloud {
    /// Writes the settings of a cloud that keeps everything in `folder`.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn new(folder: &Path, settings: &CloudSettings<'_>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let port = match settings.port {
            Some(port) => port,
            None => free_port()?,
        };
        let file = folder.join("enervue.db").display().to_string();
        let mut text = format!(
            "database = '{}'\nlisten = '127.0.0.1:{port}'\n\
             public_url = 'http://127.0.0.1:{port}'\nsocket = '{}'\n",
            settings.database.as_deref().unwrap_or(&file),
            folder.join("control.sock").display(),
        );
        let key = folder.join("issuer.key");
        write!(text, "[issuer]\nkey_file = '{}'\n", key.display())?;
        if !settings.mail.is_empty() {
            write!(
                text,
                "[mail]\n{}\nfrom = 'Enervue <billing@enervue.example>'\n",
                settings.mail.join("\n")
            )?;
        }
        if let Some(api) = settings.telegram {
            let token = telegram::TOKEN;
            write!(
                text,
                "[telegram]\ntoken = '{token}'\napi_url = '{}'\n",
                api.url()
            )?;
        }
        std::fs::write(folder.join("cloud.toml"), text)?;
        Ok(Self {
            folder: folder.to_owned(),
            url: format!("http://127.0.0.1:{port}"),
            clock: settings.clock.map(|clock| clock.file().to_owned()),
            variables: settings.variables.clone(),
            program: None,
            running: None,
        })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs `program` from its next start on, a build for tests of faults.
    pub fn use_program(&mut self, program: &Path) {
        self.program = Some(program.to_owned());
    }

    fn program(&self) -> anyhow::Result<&Path> {
        match &self.program {
            Some(program) => Ok(program),
            None => Ok(&Programs::get()?.cloud),
        }
    }

    /// Its settings file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.join("cloud.toml")
    }

    /// Its database, when it is a file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.folder.join("enervue.db")
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        self.start_at(&[]).await
    }

    /// The same with more environment variables.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start_at(&mut self, variables: &[(String, String)]) -> anyhow::Result<()> {
        let mut running = self.spawn(variables)?;
        let client = client()?.build()?;
        let sign_in = format!("{}/sign-in", self.url);
        let answers = async || {
            running.still_runs()?;
            Ok(client.get(&sign_in).send().await.is_ok())
        };
        wait_for("the cloud to answer", PATIENCE, answers).await?;
        self.running = Some(running);
        Ok(())
    }

    /// Starts it with more environment variables, and does not wait: it may end before it
    /// answers.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_with(&mut self, variables: &[(String, String)]) -> anyhow::Result<()> {
        self.running = Some(self.spawn(variables)?);
        Ok(())
    }

    fn spawn(&self, more: &[(String, String)]) -> anyhow::Result<Running> {
        let config = self.config().display().to_string();
        let mut arguments = vec!["serve", "--config", config.as_str()];
        let clock = self.clock.as_ref().map(|file| file.display().to_string());
        if let Some(clock) = &clock {
            arguments.extend(["--test-clock", clock]);
        }
        let log = self.folder.join("cloud.log");
        let variables = [&self.variables, more].concat();
        Running::start_with(self.program()?, &arguments, &variables, &log)
    }

    /// Kills it without warning.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Asks it to stop and waits until it has.
    ///
    /// # Errors
    /// When it does not, or ends with an error.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(mut running) = self.running.take() {
            let status = running.stop().await?;
            anyhow::ensure!(status.success(), "{status}{}", running.tail());
        }
        Ok(())
    }

    /// Runs a command of the operator with its settings.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub async fn command(&self, arguments: &[&str]) -> anyhow::Result<Finished> {
        let config = self.config().display().to_string();
        let mut all = arguments.to_vec();
        all.extend(["--config", &config]);
        process::run(self.program()?, &all).await
    }

    /// Lets time pass up to `instant`, doing on the way all that is due.
    ///
    /// # Errors
    /// When it could not be done.
    pub async fn advance(&self, instant: &str) -> anyhow::Result<()> {
        self.command(&["clock", "advance", "--to", instant])
            .await?
            .ok()?;
        Ok(())
    }

    /// The process, while it runs.
    #[must_use]
    pub fn running(&mut self) -> Option<&mut Running> {
        self.running.as_mut()
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("cloud.log")).unwrap_or_default()
    }
}
