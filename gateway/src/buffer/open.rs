//! How a buffer is opened: the writer's lock, the engine's asserted promises, numbered
//! migrations, and what happens to a damaged database.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::fail_point::fail_point;
use common::id::{BootId, Epoch};
use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::epoch::{self, Successor, beside};
use super::room::{LOG_BYTES_MAX, Room};
use super::{Buffer, BufferError, Cursor, Life, Origin, dating, keep_cursor, number, salvage};
use super::{sealing, sql};
use crate::config::BufferConfig;
use crate::files;

/// Before 3.51.3 a reset of the WAL could corrupt a database under two connections.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// The pragma's number for FULL; with NORMAL a power cut loses commits.
const SYNCHRONOUS: i64 = if cfg!(feature = "synchronous-normal") {
    1
} else {
    2
};
/// With the format's number added it says in the file's header that this is a buffer.
const APPLICATION_ID: i64 = 0x456e_7600;
/// Bytes of a page, SQLite's smallest: what one commit changes is one page, and the operating
/// system writes the log to the disk in blocks of 4,096 bytes whatever the page is.
const PAGE_SIZE_BYTES: i64 = 512;
/// How long a statement waits for another connection's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Applied in order, each once; never edited after a release.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/0001_buffer.sql")];

pub(super) fn open(
    path: &Path,
    config: &BufferConfig,
    now: Timestamp,
    boot: Option<BootId>,
) -> Result<Buffer, BufferError> {
    let lock = lock(path)?;
    let opened = establish(path, now)?;
    files::give_to_owner_of_directory(path).map_err(|source| BufferError::File {
        doing: "give away",
        path: path.to_owned(),
        source,
    })?;
    let mut buffer = Buffer {
        anchors: dating::load(&opened.connection)?,
        chains: sealing::load(&opened.connection)?,
        connection: opened.connection,
        path: path.to_owned(),
        life: opened.life,
        cursor: opened.cursor,
        cursor_kept: true,
        set_aside: opened.set_aside,
        salvaged: opened.salvaged,
        damaged: 0,
        boot,
        sealing: None,
        room: Room::new(path, config),
        forgone: None,
        lock: Some(lock),
    };
    buffer.make_ballast();
    Ok(buffer)
}

pub(super) fn open_to_read(path: &Path) -> Result<Buffer, BufferError> {
    let opening = sql("open the buffer to read");
    let lock = lock_to_read(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&opening)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(&opening)?;
    let (life, cursor) = first_row(&connection)?;
    Ok(Buffer {
        anchors: dating::load(&connection)?,
        chains: sealing::load(&connection)?,
        connection,
        path: path.to_owned(),
        life,
        cursor,
        cursor_kept: true,
        set_aside: None,
        salvaged: 0,
        damaged: 0,
        boot: None,
        sealing: None,
        room: Room::new(path, &BufferConfig::default()),
        forgone: None,
        lock,
    })
}

/// A database that was opened, and what had to be done for it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) life: Life,
    pub(super) cursor: Cursor,
    pub(super) set_aside: Option<PathBuf>,
    pub(super) salvaged: u64,
}

/// Opens the database at `path`; a damaged one is set aside, and what is intact of it goes
/// into a new one.
pub(super) fn establish(path: &Path, now: Timestamp) -> Result<Opened, BufferError> {
    epoch::tidy(path, now)?;
    let error = match open_sound(path, now) {
        Err(error) if is_damage(&error) => error,
        other => return other,
    };
    let life = epoch::new_life(now, Origin::Damage);
    let salvaged = salvage::salvage(path, life).or_else(|failed| {
        tracing::error!(error = %failed, "nothing can be taken over from the damaged buffer");
        Successor::begin(path, life)?.finish().map(|()| 0)
    })?;
    let aside = epoch::succeed(path, "damaged", now)?;
    tracing::error!(
        path = %path.display(), aside = %aside.display(), %error, salvaged,
        "the buffer is damaged: set aside, a new epoch begins with what is intact"
    );
    Ok(Opened {
        set_aside: Some(aside),
        salvaged,
        ..open_sound(path, now)?
    })
}

fn open_sound(path: &Path, now: Timestamp) -> Result<Opened, BufferError> {
    // The engine believes a log up to its first damaged page and forgets the rest.
    if salvage::is_log_damaged(path) {
        return Err(corrupt("its log of changes is damaged".to_owned()));
    }
    let mut connection = connect(path)?;
    migrate(&mut connection, epoch::new_life(now, Origin::New))?;
    let (life, cursor) = first_row(&connection)?;
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
        .map_err(sql("open the buffer"))?;
    Ok(Opened {
        connection,
        life,
        cursor,
        set_aside: None,
        salvaged: 0,
    })
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
pub(super) fn is_damage(error: &BufferError) -> bool {
    let BufferError::Sql { source, .. } = error else {
        return false;
    };
    match source {
        rusqlite::Error::SqliteFailure(failure, _) => !matches!(
            failure.code,
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::OperationInterrupted
        ),
        _ => true,
    }
}

fn corrupt(why: String) -> BufferError {
    let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    BufferError::Sql {
        doing: "check the buffer",
        source: rusqlite::Error::SqliteFailure(corrupt, Some(why)),
    }
}

pub(super) fn connect(path: &Path) -> Result<Connection, BufferError> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        let version = rusqlite::version();
        return Err(BufferError::Engine(format!(
            "SQLite {version} may corrupt a log; 3.51.3 or later is needed"
        )));
    }
    let opening = sql("open the buffer");
    let connection = Connection::open(path).map_err(&opening)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(&opening)?;
    connection
        // Until it is known to be sound nothing of it is lost by closing it again.
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(&opening)?;
    connection
        .pragma_update(None, "page_size", PAGE_SIZE_BYTES)
        // Alone with its database, SQLite keeps the log's index in memory and not in a file
        // that is written with every commit too.
        .and_then(|()| connection.pragma_update(None, "locking_mode", "exclusive"))
        .and_then(|()| connection.pragma_update(None, "journal_mode", "wal"))
        .and_then(|()| connection.pragma_update(None, "synchronous", SYNCHRONOUS))
        .and_then(|()| connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX))
        .map_err(&opening)?;
    match faults(&connection)?.into_iter().next() {
        Some(fault) => Err(corrupt(fault)),
        None => Ok(connection),
    }
}

fn pragma<T: rusqlite::types::FromSql>(
    connection: &Connection,
    name: &'static str,
) -> Result<T, BufferError> {
    connection
        .pragma_query_value(None, name, |row| row.get(0))
        .map_err(sql("ask the database engine for its settings"))
}

/// What is wrong with the engine's settings and the structure of the file.
pub(super) fn faults(connection: &Connection) -> Result<Vec<String>, BufferError> {
    let mut faults = Vec::new();
    let mode: String = pragma(connection, "journal_mode")?;
    let (synchronous, page): (i64, i64) = (
        pragma(connection, "synchronous")?,
        pragma(connection, "page_size")?,
    );
    if mode != "wal" || synchronous != SYNCHRONOUS || page != PAGE_SIZE_BYTES {
        faults.push(format!(
            "journal_mode is {mode}, synchronous is {synchronous}, page_size is {page}; wanted \
             wal, {SYNCHRONOUS} and {PAGE_SIZE_BYTES}"
        ));
    }
    let (version, id): (i64, i64) = (
        pragma(connection, "user_version")?,
        pragma(connection, "application_id")?,
    );
    if (version, id) != (0, 0) && id != APPLICATION_ID + version {
        faults.push(format!("its header says format {version} of program {id}"));
    }
    let verdict: String = pragma(connection, "quick_check")?;
    if verdict != "ok" {
        faults.push(verdict);
    }
    Ok(faults)
}

/// Brings the database to this program's format; a new one gets the life `fresh`.
pub(super) fn migrate(connection: &mut Connection, fresh: Life) -> Result<(), BufferError> {
    let migrating = sql("bring the buffer to this program's format");
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found: i64 = pragma(connection, "user_version")?;
    if found > known {
        return Err(BufferError::Newer { found, known });
    }
    if found == known {
        return Ok(());
    }
    let transaction = connection.transaction().map_err(&migrating)?;
    for (version, migration) in (1_i64..).zip(MIGRATIONS) {
        if version > found {
            transaction.execute_batch(migration).map_err(&migrating)?;
        }
    }
    if found == 0 {
        keep_cursor(&transaction, fresh, Cursor::default()).map_err(&migrating)?;
    }
    transaction
        .pragma_update(None, "user_version", known)
        .and_then(|()| transaction.pragma_update(None, "application_id", APPLICATION_ID + known))
        .map_err(&migrating)?;
    fail_point("buffer-migrate-before-commit");
    transaction.commit().map_err(&migrating)?;
    fail_point("buffer-migrate-after-commit");
    Ok(())
}

fn first_row(connection: &Connection) -> Result<(Life, Cursor), BufferError> {
    let (members, origin, sum) = connection
        .query_row(
            "SELECT epoch, began_at_ms, acknowledged, acknowledged_on, lost, origin, sum
             FROM cursor WHERE id = 1",
            [],
            |row| {
                let members = [
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                ];
                let origin: String = row.get(5)?;
                Ok((members, origin, row.get(6)?))
            },
        )
        .map_err(sql("read the buffer's epoch and cursor"))?;
    assemble_cursor(members, &origin, sum)
        .ok_or_else(|| corrupt("the cursor is not what was stored".to_owned()))
}

/// The life and the cursor that the members make; `None` when they are not what was stored.
pub(super) fn assemble_cursor(
    [epoch, began_at_ms, through, day, lost]: [i64; 5],
    origin: &str,
    sum: i64,
) -> Option<(Life, Cursor)> {
    let life = Life {
        epoch: Epoch(epoch),
        began_at: Timestamp::from_millisecond(began_at_ms).ok()?,
        origin: Origin::from_code(origin)?,
    };
    let cursor = Cursor {
        through: number(through),
        day,
        lost: number(lost),
    };
    (epoch::cursor_sum(life, cursor) == sum).then_some((life, cursor))
}
