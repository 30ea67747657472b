//! The store on embedded SQLite: one file, one writer, readers beside it.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex as StdMutex};

use rusqlite::{Connection, OpenFlags, params_from_iter};
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::task::block_in_place;

use super::{Column, Row, StoreError, StoreResult, Value};

/// Connections that read side by side; a page needs a few milliseconds of one.
const READERS: usize = 8;
/// Before 3.51.3 two connections could damage a WAL database.
const VERSION_LEAST: i32 = 3_051_003;
/// How many prepared statements a connection keeps; more than the program has.
const STATEMENTS_MAX: usize = 256;

/// An open SQLite database. While it lives, no other process opens it.
#[derive(Debug, Clone)]
pub(super) struct Sqlite {
    writer: Arc<Mutex<Connection>>,
    readers: Arc<Readers>,
    _lock: Arc<File>,
}

#[derive(Debug)]
struct Readers {
    idle: StdMutex<Vec<Connection>>,
    places: Arc<Semaphore>,
}

impl Readers {
    fn take(&self) -> Option<Connection> {
        self.idle
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .pop()
    }

    fn put_back(&self, connection: Connection) {
        self.idle
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(connection);
    }
}

impl Sqlite {
    pub(super) fn open(path: &Path) -> StoreResult<Self> {
        if rusqlite::version_number() < VERSION_LEAST {
            return Err(StoreError::Content(format!(
                "SQLite {}",
                rusqlite::version()
            )));
        }
        let lock = lock_file(path)?;
        let writer = Connection::open(path)?;
        writer.pragma_update(None, "journal_mode", "wal")?;
        // An acknowledged batch must survive a power cut.
        writer.pragma_update(None, "synchronous", "full")?;
        writer.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        let idle = (0..READERS)
            .map(|_| open_reader(path))
            .collect::<StoreResult<Vec<_>>>()?;
        Ok(Self {
            writer: Arc::new(Mutex::new(writer)),
            readers: Arc::new(Readers {
                idle: StdMutex::new(idle),
                places: Arc::new(Semaphore::new(READERS)),
            }),
            _lock: Arc::new(lock),
        })
    }

    pub(super) async fn write(&self) -> StoreResult<SqliteTransaction> {
        let guard = Arc::clone(&self.writer).lock_owned().await;
        begin(Held::Writer(guard), "BEGIN IMMEDIATE")
    }

    pub(super) async fn read(&self) -> StoreResult<SqliteTransaction> {
        let place = Arc::clone(&self.readers.places).acquire_owned().await;
        let place = place.map_err(|closed| StoreError::Pool(closed.to_string()))?;
        let connection = self
            .readers
            .take()
            .ok_or_else(|| StoreError::Pool("no reader is idle".to_owned()))?;
        let held = Held::Reader {
            connection: Some(connection),
            home: Arc::clone(&self.readers),
            _place: place,
        };
        begin(held, "BEGIN")
    }
}

fn lock_file(path: &Path) -> StoreResult<File> {
    let name = format!("{}.lock", path.display());
    let file_error = |source| StoreError::File {
        path: name.clone(),
        source,
    };
    let lock = File::create(&name).map_err(file_error)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(StoreError::InUse(path.display().to_string()))
        }
        Err(std::fs::TryLockError::Error(source)) => Err(file_error(source)),
    }
}

fn open_reader(path: &Path) -> StoreResult<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let reader = Connection::open_with_flags(path, flags)?;
    reader.pragma_update(None, "query_only", true)?;
    reader.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(reader)
}

#[derive(Debug)]
enum Held {
    Writer(OwnedMutexGuard<Connection>),
    /// The connection is there until it goes home.
    Reader {
        connection: Option<Connection>,
        home: Arc<Readers>,
        _place: OwnedSemaphorePermit,
    },
}

/// A transaction on one of the connections.
#[derive(Debug)]
pub(super) struct SqliteTransaction {
    held: Held,
    open: bool,
}

fn begin(held: Held, sql: &str) -> StoreResult<SqliteTransaction> {
    let mut transaction = SqliteTransaction { held, open: false };
    let connection = transaction.connection()?;
    block_in_place(|| connection.execute_batch(sql))?;
    transaction.open = true;
    Ok(transaction)
}

/// `$1` of the portable subset is SQLite's `?1`.
fn dialect(sql: &str) -> String {
    sql.replace('$', "?")
}

impl SqliteTransaction {
    fn connection(&self) -> StoreResult<&Connection> {
        match &self.held {
            Held::Writer(guard) => Ok(guard),
            Held::Reader { connection, .. } => connection
                .as_ref()
                .ok_or_else(|| StoreError::Pool("the reader went home".to_owned())),
        }
    }

    pub(super) fn execute(&mut self, sql: &str, values: &[Value]) -> StoreResult<u64> {
        let connection = self.connection()?;
        block_in_place(|| {
            let mut statement = connection.prepare_cached(&dialect(sql))?;
            Ok(statement.execute(params_from_iter(values))? as u64)
        })
    }

    pub(super) fn query(&mut self, sql: &str, values: &[Value]) -> StoreResult<Vec<Row>> {
        let connection = self.connection()?;
        block_in_place(|| {
            let mut statement = connection.prepare_cached(&dialect(sql))?;
            let width = statement.column_count();
            let rows = statement.query_map(params_from_iter(values), |row| {
                (0..width)
                    .map(|column| row.get(column))
                    .collect::<Result<_, _>>()
                    .map(Row)
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    pub(super) fn insert_new(
        &mut self,
        table: &str,
        columns: &[Column],
        rows: &[Vec<Value>],
    ) -> StoreResult<u64> {
        let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        let places: Vec<String> = (1..=columns.len()).map(|n| format!("?{n}")).collect();
        let sql = format!(
            "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT DO NOTHING",
            names.join(", "),
            places.join(", ")
        );
        let connection = self.connection()?;
        block_in_place(|| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut new = 0;
            for row in rows {
                new += statement.execute(params_from_iter(row))? as u64;
            }
            Ok(new)
        })
    }

    pub(super) fn run_script(&mut self, script: &str) -> StoreResult<()> {
        // STRICT tables hold what their columns say; they spell BIGINT otherwise.
        let script = script
            .replace("BIGINT", "INTEGER")
            .replace("\n);", "\n) STRICT;");
        let connection = self.connection()?;
        Ok(block_in_place(|| connection.execute_batch(&script))?)
    }

    pub(super) fn commit(mut self) -> StoreResult<()> {
        block_in_place(|| {
            self.connection()?
                .execute_batch("COMMIT")
                .map_err(StoreError::from)
        })?;
        self.open = false;
        Ok(())
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        if self.open
            && let Ok(connection) = self.connection()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
        if let Held::Reader {
            connection, home, ..
        } = &mut self.held
            && let Some(connection) = connection.take()
        {
            home.put_back(connection);
        }
    }
}
