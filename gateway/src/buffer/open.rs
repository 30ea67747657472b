//! How a buffer is opened: the writer's lock, the engine's asserted promises, numbered
//! migrations, and what happens to a damaged database.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::id::Epoch;
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Buffer, BufferError, Cursor, number, sql};
use crate::files;

/// Before 3.51.3 a reset of the WAL could corrupt a database under two connections.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// The pragma's number for FULL.
const SYNCHRONOUS_FULL: i64 = 2;
/// Bytes of a page, SQLite's smallest: what one commit changes is one page, and the operating
/// system writes the log to the disk in blocks of 4,096 bytes whatever the page is.
const PAGE_SIZE_BYTES: i64 = 512;
/// How long a statement waits for another connection's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Applied in order, each once; never edited after a release.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/0001_buffer.sql")];

pub(super) fn open(path: &Path, now: Timestamp) -> Result<Buffer, BufferError> {
    let lock = lock(path)?;
    let (connection, set_aside) = match connect(path) {
        Err(error) if is_damage(&error) => {
            let aside = set_aside(path, "damaged", now)?;
            tracing::error!(
                path = %path.display(), aside = %aside.display(), %error,
                "the buffer is damaged: set aside, a new epoch begins"
            );
            (connect(path)?, Some(aside))
        }
        other => (other?, None),
    };
    files::give_to_owner_of_directory(path).map_err(|source| BufferError::File {
        doing: "give away",
        path: path.to_owned(),
        source,
    })?;
    let (epoch, cursor) = first_row(&connection)?;
    Ok(Buffer {
        connection,
        epoch,
        cursor,
        cursor_kept: true,
        set_aside,
        lock: Some(lock),
    })
}

pub(super) fn open_to_read(path: &Path) -> Result<Buffer, BufferError> {
    let opening = sql("open the buffer to read");
    let lock = lock_to_read(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&opening)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(&opening)?;
    let (epoch, cursor) = first_row(&connection)?;
    Ok(Buffer {
        connection,
        epoch,
        cursor,
        cursor_kept: true,
        set_aside: None,
        lock,
    })
}

/// The file beside `path` with `suffix` after its whole name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Keeps a writer away; `None` where no writer ever was, beside a copy.
fn lock_to_read(path: &Path) -> Result<Option<File>, BufferError> {
    let lock_path = beside(path, ".lock");
    let failed = |source| BufferError::File {
        doing: "open",
        path: lock_path.clone(),
        source,
    };
    let file = match File::open(&lock_path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(BufferError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn lock(path: &Path) -> Result<File, BufferError> {
    let lock_path = beside(path, ".lock");
    let failed = |source| BufferError::File {
        doing: "open",
        path: lock_path.clone(),
        source,
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(failed)?;
    files::give_to_owner_of_directory(&lock_path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BufferError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Whether the file is no buffer any more, as opposed to a disk that refuses just now.
fn is_damage(error: &BufferError) -> bool {
    let BufferError::Sql { source, .. } = error else {
        return false;
    };
    matches!(
        source.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    ) || matches!(source, rusqlite::Error::QueryReturnedNoRows)
}

pub(super) fn set_aside(path: &Path, word: &str, now: Timestamp) -> Result<PathBuf, BufferError> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ");
    let free = |n: &u32| {
        let aside = beside(path, &format!(".{word}-{stamp}-{n}"));
        (!aside.exists()).then_some(aside)
    };
    let aside = (1..).find_map(|n| free(&n)).unwrap_or_else(|| path.into());
    for suffix in ["-wal", "-shm", ""] {
        let from = beside(path, suffix);
        if from.exists() {
            fs::rename(&from, beside(&aside, suffix)).map_err(|source| BufferError::File {
                doing: "set aside",
                path: from.clone(),
                source,
            })?;
        }
    }
    Ok(aside)
}

fn connect(path: &Path) -> Result<Connection, BufferError> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        let version = rusqlite::version();
        return Err(BufferError::Engine(format!(
            "SQLite {version} may corrupt a log; 3.51.3 or later is needed"
        )));
    }
    let opening = sql("open the buffer");
    let mut connection = Connection::open(path).map_err(&opening)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(&opening)?;
    connection
        .pragma_update(None, "page_size", PAGE_SIZE_BYTES)
        // Alone with its database, SQLite keeps the log's index in memory and not in a file
        // that is written with every commit too.
        .and_then(|()| connection.pragma_update(None, "locking_mode", "exclusive"))
        .and_then(|()| connection.pragma_update(None, "journal_mode", "wal"))
        .and_then(|()| connection.pragma_update(None, "synchronous", "full"))
        .map_err(&opening)?;
    let mode: String = pragma(&connection, "journal_mode")?;
    let synchronous: i64 = pragma(&connection, "synchronous")?;
    if mode != "wal" || synchronous != SYNCHRONOUS_FULL {
        return Err(BufferError::Engine(format!(
            "journal_mode is {mode}, synchronous is {synchronous}; wanted wal and 2"
        )));
    }
    check(&connection)?;
    migrate(&mut connection)?;
    Ok(connection)
}

fn pragma<T: rusqlite::types::FromSql>(
    connection: &Connection,
    name: &'static str,
) -> Result<T, BufferError> {
    connection
        .pragma_query_value(None, name, |row| row.get(0))
        .map_err(sql("ask the database engine for its settings"))
}

fn check(connection: &Connection) -> Result<(), BufferError> {
    let verdict: String = pragma(connection, "quick_check")?;
    if verdict == "ok" {
        return Ok(());
    }
    let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(BufferError::Sql {
        doing: "check the buffer",
        source: rusqlite::Error::SqliteFailure(corrupt, Some(verdict)),
    })
}

fn migrate(connection: &mut Connection) -> Result<(), BufferError> {
    let migrating = sql("bring the buffer to this program's format");
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found: i64 = pragma(connection, "user_version")?;
    if found > known {
        return Err(BufferError::Newer { found, known });
    }
    let transaction = connection.transaction().map_err(&migrating)?;
    for (version, migration) in (1_i64..).zip(MIGRATIONS) {
        if version > found {
            transaction.execute_batch(migration).map_err(&migrating)?;
        }
    }
    if found == 0 {
        let epoch = rand::random::<i64>() & i64::MAX;
        transaction
            .execute(
                "INSERT INTO cursor (id, epoch, acknowledged, acknowledged_on) VALUES (1, ?1, 0, 0)",
                [epoch],
            )
            .map_err(&migrating)?;
    }
    transaction
        .pragma_update(None, "user_version", known)
        .map_err(&migrating)?;
    transaction.commit().map_err(&migrating)
}

fn first_row(connection: &Connection) -> Result<(Epoch, Cursor), BufferError> {
    connection
        .query_row(
            "SELECT epoch, acknowledged, acknowledged_on FROM cursor WHERE id = 1",
            [],
            |row| {
                let (through, day) = (number(row.get(1)?), row.get(2)?);
                Ok((Epoch(row.get(0)?), Cursor { through, day }))
            },
        )
        .map_err(sql("read the buffer's epoch and cursor"))
}
