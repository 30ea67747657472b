//! The gateway as a process, with its settings, its buffer and its command line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::process::{self, Finished, PATIENCE, Running, wait_for};
use crate::program::Programs;
use crate::test_clock::TestClock;

/// A line of the gateway.
#[derive(Debug, Clone)]
pub struct Bus<'a> {
    /// Its name.
    pub name: &'a str,
    /// The port.
    pub port: PathBuf,
    /// More keys of its `[[bus]]`, one a line; its devices too.
    pub more: &'a str,
}

/// A gateway.
#[derive(Debug)]
pub struct Gateway {
    folder: PathBuf,
    clock: Option<PathBuf>,
    program: Option<PathBuf>,
    running: Option<Running>,
}

/// How often a gateway of the tests looks for something to send; a person's is slower.
const SYNC: &str = "[sync]\nperiod_ms = 200\nheartbeat_ms = 1000\n";

impl Gateway {
    /// Writes the settings of a gateway that keeps everything in `folder`. `more` stands
    /// before the tables: a `zone`.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn new(
        folder: &Path,
        more: &str,
        buses: &[Bus<'_>],
        clock: Option<&TestClock>,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder.join("profiles"))?;
        let mut text = format!(
            "data_dir = '{0}/data'\nsocket = '{0}/control.sock'\nprofile_dir = '{0}/profiles'\n\
             {more}\n{SYNC}",
            folder.display()
        );
        for bus in buses {
            let port = bus.port.display();
            // The lines of the tests have no other master, unless a test says so.
            let first = match bus.more.contains("listen_first_s") {
                true => "",
                false => "listen_first_s = 0\n",
            };
            write!(
                text,
                "[[bus]]\nname = '{}'\nport = '{port}'\n{first}{}\n",
                bus.name, bus.more
            )?;
        }
        std::fs::write(folder.join("gateway.toml"), text)?;
        Ok(Self {
            folder: folder.to_owned(),
            clock: clock.map(|clock| clock.file().to_owned()),
            program: None,
            running: None,
        })
    }

    /// Runs `program` from its next start on, a build for tests of faults.
    pub fn use_program(&mut self, program: &Path) {
        self.program = Some(program.to_owned());
    }

    fn program(&self) -> anyhow::Result<&Path> {
        match &self.program {
            Some(program) => Ok(program),
            None => Ok(&Programs::get()?.gateway),
        }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it keeps its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Its settings file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.join("gateway.toml")
    }

    /// Its buffer.
    #[must_use]
    pub fn buffer(&self) -> PathBuf {
        self.folder.join("data/buffer.db")
    }

    /// The list of devices that the cloud gave it.
    #[must_use]
    pub fn devices(&self) -> PathBuf {
        self.folder.join("data/devices.json")
    }

    /// Lets it read each meter every second, though the cloud said every minute: its copy of
    /// the list says so. The gateway must have been enrolled after the meters were
    /// registered, and not run.
    ///
    /// # Errors
    /// When it has no list yet.
    pub fn poll_every_second(&self) -> anyhow::Result<()> {
        let list = std::fs::read_to_string(self.devices())?;
        let mut list: serde_json::Value = serde_json::from_str(&list)?;
        anyhow::ensure!(hasten(&mut list) > 0, "its list has no devices");
        std::fs::write(self.devices(), list.to_string())?;
        Ok(())
    }

    /// Runs a command of the installer with its settings.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub async fn command(&self, arguments: &[&str]) -> anyhow::Result<Finished> {
        let config = self.config().display().to_string();
        let mut all = arguments.to_vec();
        all.extend(["--config", &config]);
        process::run(self.program()?, &all).await
    }

    /// Exchanges the portal's code for a token.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn enrol(&self, url: &str, code: &str) -> anyhow::Result<()> {
        self.command(&["enroll", url, "--code", code]).await?.ok()?;
        Ok(())
    }

    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self) -> anyhow::Result<()> {
        self.start_with(&[])
    }

    /// Starts it with more environment variables.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_with(&mut self, variables: &[(String, String)]) -> anyhow::Result<()> {
        let config = self.config().display().to_string();
        let mut arguments = vec!["run", "--config", config.as_str()];
        let clock = self.clock.as_ref().map(|file| file.display().to_string());
        if let Some(clock) = &clock {
            arguments.extend(["--test-clock", clock]);
        }
        let log = self.folder.join("gateway.log");
        let running = Running::start_with(self.program()?, &arguments, variables, &log)?;
        self.running = Some(running);
        Ok(())
    }

    /// What the running daemon answers; `None` while none does.
    ///
    /// # Errors
    /// When its answer is no JSON.
    pub async fn ask(&self, command: &str) -> anyhow::Result<Option<serde_json::Value>> {
        let Ok(mut stream) = UnixStream::connect(self.folder.join("control.sock")).await else {
            return Ok(None);
        };
        let request = serde_json::json!({ "command": command }).to_string();
        let mut answer = String::new();
        let talk = async {
            stream.write_all(format!("{request}\n").as_bytes()).await?;
            stream.read_to_string(&mut answer).await
        };
        if talk.await.is_err() || answer.is_empty() {
            return Ok(None);
        }
        let answer: serde_json::Value = serde_json::from_str(&answer)?;
        Ok(answer.get("done").cloned())
    }

    /// The newest number in the buffer, and how far the cloud has acknowledged, as soon as
    /// the running daemon can say it.
    ///
    /// # Errors
    /// When it does not say it in time.
    pub async fn cursor(&self) -> anyhow::Result<(u64, u64)> {
        let mut told = None;
        let tells = async || {
            told = self.ask("buffer status").await?;
            Ok(told.is_some())
        };
        let waited = wait_for("the running gateway's buffer status", PATIENCE, tells).await;
        waited.with_context(|| self.log_end())?;
        let number = |member: &str| told.as_ref()?.get(member)?.as_u64();
        let both = number("last_seq").zip(number("acknowledged_through"));
        both.with_context(|| format!("no buffer status: {told:?}"))
    }

    /// Waits until the cloud has acknowledged all but `rest` of the readings.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn acknowledged(&self, rest: u64, patience: Duration) -> anyhow::Result<()> {
        let settled = async || {
            let (last, acknowledged) = self.cursor().await?;
            Ok(acknowledged + rest >= last)
        };
        let waited = wait_for("the readings to be acknowledged", patience, settled).await;
        waited.with_context(|| self.log_end())
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Starts it with everything that it writes traced to `trace`, from its first
    /// instruction on; the trace ends with it. Names of the files stand beside the numbers.
    ///
    /// # Errors
    /// When it cannot be started or traced.
    pub async fn start_traced(&mut self, trace: &Path) -> anyhow::Result<Running> {
        let config = self.config().display().to_string();
        let program = Programs::get()?.gateway.display().to_string();
        let wait = "kill -STOP $$; exec \"$@\"";
        let arguments = ["-c", wait, "sh", &program, "run", "--config", &config];
        let log = self.folder.join("gateway.log");
        let running = Running::start(Path::new("sh"), &arguments, &log)?;
        let id = running.id().to_string();
        self.running = Some(running);
        let file = trace.display().to_string();
        let calls = "trace=write,writev,pwrite64,sendto,sendmsg";
        let arguments = ["-f", "-y", "-e", calls, "-o", &file, "-p", &id];
        let strace = Running::start(
            Path::new("strace"),
            &arguments,
            &trace.with_extension("log"),
        )?;
        let is_attached = async || Ok(strace.log().contains("attached"));
        wait_for("strace", PATIENCE, is_attached).await?;
        process::run(Path::new("kill"), &["-CONT", &id])
            .await?
            .ok()?;
        Ok(strace)
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

    /// The process, while it runs.
    #[must_use]
    pub fn running(&mut self) -> Option<&mut Running> {
        self.running.as_mut()
    }

    /// The same, only to send it a signal.
    #[must_use]
    pub fn running_process(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("gateway.log")).unwrap_or_default()
    }
}

/// Sets every poll period within to a second, and tells how many there were.
fn hasten(value: &mut serde_json::Value) -> usize {
    match value {
        serde_json::Value::Object(members) => {
            let mut found = 0;
            for (name, member) in members {
                if name == "poll_period_s" {
                    *member = 1.into();
                    found += 1;
                } else {
                    found += hasten(member);
                }
            }
            found
        }
        serde_json::Value::Array(items) => items.iter_mut().map(hasten).sum(),
        _ => 0,
    }
}

/// A simulated line: meters that answer on a pseudo-terminal.
#[derive(Debug)]
pub struct Line {
    config: PathBuf,
    port: PathBuf,
    running: Running,
}

impl Line {
    /// Starts the meters that `meters` (`[[line.meter]]` tables) describes on the bus `name`.
    ///
    /// # Errors
    /// When the simulation does not start.
    pub async fn start(
        folder: &Path,
        name: &str,
        meters: &str,
        clock: Option<&TestClock>,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let port = folder.join(name);
        let config = folder.join(format!("{name}.toml"));
        let text = format!(
            "[[line]]\nname = '{name}'\npath = '{}'\n{meters}",
            port.display()
        );
        std::fs::write(&config, text)?;
        let file = config.display().to_string();
        let mut arguments = vec!["simulate", "--config", file.as_str()];
        let clock = clock.map(|clock| clock.file().display().to_string());
        if let Some(clock) = &clock {
            arguments.extend(["--test-clock", clock]);
        }
        let program = &Programs::get()?.gateway;
        let log = folder.join(format!("{name}.log"));
        let mut running = Running::start(program, &arguments, &log)?;
        let is_there = async || {
            running.still_runs()?;
            Ok(port.exists())
        };
        wait_for("the simulated line", PATIENCE, is_there).await?;
        Ok(Self {
            config,
            port,
            running,
        })
    }

    /// The port at which the meters answer.
    #[must_use]
    pub fn port(&self) -> &Path {
        &self.port
    }

    /// The process.
    #[must_use]
    pub fn running(&mut self) -> &mut Running {
        &mut self.running
    }

    /// Fills the empty buffer of `gateway` with what it would have read every hour from one
    /// date or instant to another.
    ///
    /// # Errors
    /// When the gateway runs, or its buffer is not empty.
    pub async fn history(&self, gateway: &Gateway, from: &str, to: &str) -> anyhow::Result<()> {
        self.history_every(gateway, from, to, 3600).await
    }

    /// The same with a reading of each meter every `every_s` seconds.
    ///
    /// # Errors
    /// When the gateway runs, or its buffer is not empty.
    pub async fn history_every(
        &self,
        gateway: &Gateway,
        from: &str,
        to: &str,
        every_s: u32,
    ) -> anyhow::Result<()> {
        let file = self.config.display().to_string();
        let settings = gateway.config().display().to_string();
        let range = format!("{from}..{to}");
        let program = &Programs::get()?.gateway;
        let every_s = every_s.to_string();
        let arguments = [
            "simulate",
            "--config",
            &file,
            "--gateway-config",
            &settings,
            "--history",
            &range,
            "--every",
            &every_s,
        ];
        process::run(program, &arguments).await?.ok()?;
        Ok(())
    }
}
