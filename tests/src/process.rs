//! Processes: started with a log file each, killed when dropped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// How long a program may take to do what is waited for, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(180);
const TAIL_LINES: usize = 40;

/// A program that runs until it is killed.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts `program`; both its streams go to the end of `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(program: &Path, arguments: &[&str], log: &Path) -> anyhow::Result<Self> {
        Self::start_with(program, arguments, &[], log)
    }

    /// The same with more environment variables.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_with(
        program: &Path,
        arguments: &[&str],
        variables: &[(String, String)],
        log: &Path,
    ) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let child = command(program, arguments)
            .envs(variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let name = program.file_name().unwrap_or_default();
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            child,
            log: log.to_owned(),
        })
    }

    /// Kills it as a power cut would, without a word of warning.
    pub fn kill(&mut self) {
        // Both fail only when it is already gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal("TERM")?;
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if since.elapsed() > PATIENCE {
                bail!("{} does not stop{}", self.name, self.tail());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends it the signal of this name.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        let status = std::process::Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .with_context(|| format!("sending SIG{name}"))?;
        anyhow::ensure!(status.success(), "{} took no SIG{name}", self.name);
        Ok(())
    }

    /// Whether it has ended.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// An error with the end of its log when it has ended by itself.
    ///
    /// # Errors
    /// When it has ended.
    pub fn still_runs(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended by itself: {status}{}", self.name, self.tail()),
        }
    }

    /// Everything it wrote.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of what it wrote, to put behind a message.
    #[must_use]
    pub fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let start = lines.len().saturating_sub(TAIL_LINES);
        let last = lines.get(start..).unwrap_or_default().join("\n");
        format!("\n--- end of {}\n{last}\n---", self.log.display())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a command that ran to its end left behind.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The exit code; −1 when a signal ended it.
    pub code: i32,
    /// Its data.
    pub stdout: String,
    /// Its messages.
    pub stderr: String,
}

impl Finished {
    /// Its data, when it went well.
    ///
    /// # Errors
    /// When its exit code is not 0; the error shows its messages.
    pub fn ok(self) -> anyhow::Result<String> {
        if self.code == 0 {
            return Ok(self.stdout);
        }
        bail!("exit code {}\n{}{}", self.code, self.stdout, self.stderr)
    }
}

/// Runs `program` to its end.
///
/// # Errors
/// When it cannot be started, or does not end in time.
pub async fn run(program: &Path, arguments: &[&str]) -> anyhow::Result<Finished> {
    let mut command = tokio::process::Command::from(command(program, arguments));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let shown = format!("{} {}", program.display(), arguments.join(" "));
    let output = tokio::time::timeout(PATIENCE * 5, command.output())
        .await
        .with_context(|| format!("{shown} does not end"))?
        .with_context(|| format!("starting {shown}"))?;
    Ok(Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A command that sees none of the settings that this environment may hold.
fn command(program: &Path, arguments: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("ENERVUE_GATEWAY__") || text.starts_with("ENERVUE_CLOUD__") {
            command.env_remove(&name);
        }
    }
    command
}

/// Waits until `ready` says yes, asking every few milliseconds.
///
/// # Errors
/// When it has not said yes in time; the error names `what`.
pub async fn wait_for(
    what: &str,
    patience: Duration,
    mut ready: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let since = Instant::now();
    while !ready().await.with_context(|| what.to_owned())? {
        if since.elapsed() > patience {
            bail!("waited {} s in vain for {what}", patience.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    Ok(())
}

/// A port that nobody listens on at this moment.
///
/// # Errors
/// When the system has none.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}
