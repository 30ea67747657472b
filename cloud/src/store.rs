//! The cloud's memory: all SQL of the cloud is in this module's files and nowhere else.
//!
//! One set of statements runs on two engines, embedded SQLite and PostgreSQL, in a portable
//! subset: BIGINT and TEXT, `$1` placeholders, `ON CONFLICT`, `RETURNING`, sums cast to
//! BIGINT, ids made by us. Every statement on a hot path names one account.
//!
//! A [`Transaction`] that is dropped without [`Transaction::commit`] changed nothing. On
//! SQLite there is one writer at a time and readers see the last commit; on PostgreSQL the
//! transactions run beside each other, and unique keys decide who was first.

mod accounts;
pub mod adjustments;
mod assignments;
pub mod commands;
pub mod devices;
pub mod displays;
pub mod exchanges;
pub mod gateways;
pub mod holds;
pub mod invoices;
pub mod issuing;
pub mod keys;
mod links;
pub mod losses;
pub mod meters;
mod migration;
pub mod notices;
mod people;
pub mod plans;
mod postgres;
pub mod readings;
pub mod reconciliations;
pub mod seals;
mod sessions;
mod sites;
mod sqlite;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod utility_bills;
mod value;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

pub use value::{Row, Value};

use postgres::{Postgres, PostgresTransaction};
use sqlite::{Sqlite, SqliteTransaction};

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the SQLite database.
    #[error(
        "the database {0} is in use by another process: a running server answers commands \
         over its socket, two servers need PostgreSQL"
    )]
    InUse(String),
    /// The database was made by a newer program.
    #[error("the database has schema {found}, this program knows up to {known}: upgrade it")]
    TooNew {
        /// The schema of the database.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// SQLite could not.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL could not.
    #[error("PostgreSQL: {}", postgres::describe(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// No connection to PostgreSQL.
    #[error("PostgreSQL cannot be reached: {0}")]
    Pool(String),
    /// A file of the database cannot be opened.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A row does not hold what the program expects.
    #[error("the database holds something unexpected: {0}")]
    Content(String),
}

impl StoreError {
    /// Whether a unique key refused the row: somebody else was first.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) => {
                failure.code == rusqlite::ErrorCode::ConstraintViolation
            }
            Self::Postgres(error) => {
                error.code() == Some(&tokio_postgres::error::SqlState::UNIQUE_VIOLATION)
            }
            _ => false,
        }
    }
}

/// The number of a new identity, made at `now`.
#[must_use]
pub fn new_id(now: Timestamp) -> i64 {
    common::id::from_parts(now, rand::random())
}

/// What every function of the store returns.
pub type StoreResult<T> = Result<T, StoreError>;

/// The databases behind one door.
#[derive(Debug, Clone)]
pub struct Store {
    engine: Engine,
    errors: Errors,
}

/// Counts what the engine could not do; a unique key that refused a row is no error.
#[derive(Debug, Clone, Default)]
struct Errors(Arc<AtomicU64>);

impl Errors {
    fn note<T>(&self, result: StoreResult<T>) -> StoreResult<T> {
        if result.as_ref().is_err_and(|error| !error.is_conflict()) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        result
    }
}

#[derive(Debug, Clone)]
enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// A column of a bulk insert.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    /// A BIGINT column.
    Int(&'static str),
    /// A TEXT column.
    Text(&'static str),
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::Int(name) | Self::Text(name) => name,
        }
    }
}

impl Store {
    /// Opens the database at `location`, a path for SQLite or a `postgres://` address, makes
    /// it when it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// When it cannot be reached, is in use, damaged, or newer than this program.
    pub async fn open(location: &str) -> StoreResult<Self> {
        let engine = if Self::is_postgres(location) {
            Engine::Postgres(Postgres::connect(location)?)
        } else {
            Engine::Sqlite(Sqlite::open(Path::new(location))?)
        };
        let store = Self {
            engine,
            errors: Errors::default(),
        };
        migration::run(&store).await?;
        Ok(store)
    }

    /// Whether `location` is an address of PostgreSQL.
    #[must_use]
    pub fn is_postgres(location: &str) -> bool {
        location.starts_with("postgres://") || location.starts_with("postgresql://")
    }

    /// Begins to read: one consistent view.
    ///
    /// # Errors
    /// When the engine cannot be reached.
    pub async fn read(&self) -> StoreResult<Transaction> {
        let inner = match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.read().await.map(Inner::Sqlite),
            Engine::Postgres(postgres) => postgres.begin(true).await.map(Inner::Postgres),
        };
        self.begun(inner)
    }

    /// Begins to write.
    ///
    /// # Errors
    /// When the engine cannot be reached.
    pub async fn write(&self) -> StoreResult<Transaction> {
        let inner = match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.write().await.map(Inner::Sqlite),
            Engine::Postgres(postgres) => postgres.begin(false).await.map(Inner::Postgres),
        };
        self.begun(inner)
    }

    fn begun(&self, inner: StoreResult<Inner>) -> StoreResult<Transaction> {
        Ok(Transaction {
            inner: self.errors.note(inner)?,
            errors: self.errors.clone(),
        })
    }

    /// How often the engine could not do what it was asked since the process started.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors.0.load(Ordering::Relaxed)
    }
}

/// A unit of work. Dropping it undoes it.
#[derive(Debug)]
pub struct Transaction {
    inner: Inner,
    errors: Errors,
}

#[derive(Debug)]
enum Inner {
    Sqlite(SqliteTransaction),
    Postgres(PostgresTransaction),
}

impl Transaction {
    /// Runs a statement; returns how many rows it changed.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub async fn execute(&mut self, sql: &'static str, values: &[Value]) -> StoreResult<u64> {
        let done = match &mut self.inner {
            Inner::Sqlite(transaction) => transaction.execute(sql, values),
            Inner::Postgres(transaction) => transaction.execute(sql, values).await,
        };
        self.errors.note(done)
    }

    /// Runs a query; returns all its rows.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub async fn query(&mut self, sql: &'static str, values: &[Value]) -> StoreResult<Vec<Row>> {
        let done = match &mut self.inner {
            Inner::Sqlite(transaction) => transaction.query(sql, values),
            Inner::Postgres(transaction) => transaction.query(sql, values).await,
        };
        self.errors.note(done)
    }

    /// Runs a query that has at most one row.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub async fn query_one(
        &mut self,
        sql: &'static str,
        values: &[Value],
    ) -> StoreResult<Option<Row>> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    /// Inserts many rows, each with a value for every column, leaving out those whose key
    /// is taken; returns how many were new.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub async fn insert_new(
        &mut self,
        table: &'static str,
        columns: &[Column],
        rows: &[Vec<Value>],
    ) -> StoreResult<u64> {
        let done = match &mut self.inner {
            Inner::Sqlite(transaction) => transaction.insert_new(table, columns, rows),
            Inner::Postgres(transaction) => transaction.insert_new(table, columns, rows).await,
        };
        self.errors.note(done)
    }

    /// Makes the work durable.
    ///
    /// # Errors
    /// When the engine cannot; then nothing was changed.
    pub async fn commit(self) -> StoreResult<()> {
        let done = match self.inner {
            Inner::Sqlite(transaction) => transaction.commit(),
            Inner::Postgres(transaction) => transaction.commit().await,
        };
        self.errors.note(done)
    }

    /// Runs the statements that are for this engine alone.
    async fn run_native(&mut self, sqlite: &str, postgres: &str) -> StoreResult<()> {
        match &mut self.inner {
            Inner::Sqlite(transaction) => transaction.run_script(sqlite),
            Inner::Postgres(transaction) => transaction.run_script(postgres).await,
        }
    }

    /// Runs the statements of a migration in this engine's dialect.
    async fn run_script(&mut self, script: &str) -> StoreResult<()> {
        match &mut self.inner {
            Inner::Sqlite(transaction) => transaction.run_script(script),
            Inner::Postgres(transaction) => transaction.run_script(script).await,
        }
    }
}
