//! PostgreSQL as the tests use it: the server of the test run, and one of a test's own, all
//! through the programs that Debian installs with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::process::{free_port, run};

/// Names the server of the test run.
pub const POSTGRES_VARIABLE: &str = "ENERVUE_TEST_POSTGRES";

/// Where the newest PostgreSQL has the program `name`.
///
/// # Errors
/// When there is none.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").context("PostgreSQL")?;
    let mut found: Vec<PathBuf> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin").join(name)))
        .filter(|program| program.exists())
        .collect();
    found.sort();
    found
        .pop()
        .with_context(|| format!("PostgreSQL's {name} is not installed"))
}

/// A new empty database on the server at `server`, and its URL.
///
/// # Errors
/// When the server refuses.
pub async fn database(server: &str) -> anyhow::Result<String> {
    let name = format!("enervue_test_{:x}", rand::random::<u64>());
    query(
        &format!("{server}/postgres"),
        &format!("CREATE DATABASE {name}"),
    )
    .await?;
    Ok(format!("{server}/{name}"))
}

/// A new empty database on the server of the test run.
///
/// # Errors
/// When the environment names none.
pub async fn shared() -> anyhow::Result<String> {
    let server = std::env::var(POSTGRES_VARIABLE)
        .with_context(|| format!("{POSTGRES_VARIABLE} names no server; use tests/run"))?;
    database(&server).await
}

/// The rows that `sql` yields, each its fields; an absent value is empty.
///
/// # Errors
/// When the server refuses.
pub async fn query(url: &str, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let arguments = [
        "-X",
        "-At",
        "-F",
        "\u{1f}",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        url,
        "-c",
        sql,
    ];
    let rows = run(&program("psql")?, &arguments).await?.ok()?;
    let fields = |row: &str| row.split('\u{1f}').map(str::to_owned).collect();
    Ok(rows.lines().map(fields).collect())
}

/// A server of a test's own, with its data in a folder and every promise kept.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// Makes the data in `folder`, if it is not there, and starts the server on it.
    ///
    /// # Errors
    /// When PostgreSQL does not.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        let server = Self {
            folder: folder.to_owned(),
            port: free_port()?,
        };
        let data = server.data();
        if !folder.join("data").exists() {
            as_postgres(
                "chown",
                &["postgres".into(), folder.display().to_string()],
                false,
            )?;
            let initdb = program("initdb")?.display().to_string();
            as_postgres(
                &initdb,
                &[
                    "-D".into(),
                    data.clone(),
                    "-A".into(),
                    "trust".into(),
                    "-U".into(),
                    "postgres".into(),
                ],
                true,
            )?;
        }
        // What a copied data folder says of its former server.
        let stale = folder.join("data/postmaster.pid");
        if stale.exists() {
            std::fs::remove_file(stale)?;
        }
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=on \
             -c shared_buffers=16MB -c wal_init_zero=off -c min_wal_size=32MB \
             -c max_wal_size=64MB",
            server.port,
            folder.display()
        );
        let log = folder.join("log").display().to_string();
        let control = program("pg_ctl")?.display().to_string();
        as_postgres(
            &control,
            &[
                "-D".into(),
                data,
                "-w".into(),
                "-l".into(),
                log,
                "-o".into(),
                options,
                "start".into(),
            ],
            true,
        )?;
        Ok(server)
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    /// Its URL, without a database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}", self.port)
    }

    /// The process ids of the server and all that it started.
    ///
    /// # Errors
    /// When it does not run.
    pub fn processes(&self) -> anyhow::Result<Vec<String>> {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid"))?;
        let main = file
            .lines()
            .next()
            .context("the server's process id")?
            .to_owned();
        let output = Command::new("pgrep")
            .args(["-P", &main])
            .output()
            .context("pgrep")?;
        let children = String::from_utf8_lossy(&output.stdout);
        Ok(std::iter::once(main.clone())
            .chain(children.lines().map(str::to_owned))
            .collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Ok(control) = program("pg_ctl") else {
            return;
        };
        let control = control.display().to_string();
        let arguments = ["-D", &self.data(), "-m", "immediate", "stop"].map(str::to_owned);
        // It may have ended already.
        let _ = as_postgres(&control, &arguments, true);
    }
}

/// Runs a program of PostgreSQL's, which refuses to be run by root.
fn as_postgres(name: &str, arguments: &[String], drop_root: bool) -> anyhow::Result<()> {
    let mut command = match drop_root {
        true => Command::new("runuser"),
        false => Command::new(name),
    };
    if drop_root {
        command.args(["-u", "postgres", "--", name]);
    }
    let status = command
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("starting {name}"))?;
    match status.success() {
        true => Ok(()),
        false => bail!("{name} {arguments:?}: {status}"),
    }
}
