//! Small files that are whole or not there: written beside, synced, renamed over.
//!
//! What root writes into the daemon's directory belongs to the daemon afterwards, so that
//! `sudo enervue-gateway enroll …` does not lock it out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::Path;

/// Readable by its owner alone.
pub const PRIVATE: u32 = 0o600;

/// Puts `bytes` into the file at `path`, whole or not at all, with `mode`.
///
/// # Errors
/// When the disk refuses; what was there before is then still there.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(directory)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = Path::new(&name);
    // A left-over would keep its own mode.
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    give_to_owner_of_directory(beside)?;
    fs::rename(beside, path)?;
    File::open(directory)?.sync_all()
}

/// The file's bytes, at most `max` of them; `None` when there is no file.
///
/// # Errors
/// When it cannot be read or is longer.
pub fn read(path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        let why = format!("it is longer than {max} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(Some(bytes))
}

/// Gives the file at `path` to whoever owns the directory it is in.
///
/// # Errors
/// When it belongs to somebody else and we are not root.
pub fn give_to_owner_of_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let (owner, file) = (fs::metadata(directory)?, fs::metadata(path)?);
    // Only root can give, and root is whose files would be unreadable.
    if file.uid() == 0 && owner.uid() != 0 {
        chown(path, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_whole_and_keeps_to_itself() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new").join("identity.json");
        assert_eq!(read(&path, 10).unwrap(), None);
        write(&path, b"one", PRIVATE).unwrap();
        write(&path, b"two", PRIVATE).unwrap();
        assert_eq!(read(&path, 3).unwrap().unwrap(), b"two");
        assert!(read(&path, 2).is_err());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let entries = fs::read_dir(path.parent().unwrap()).unwrap();
        assert_eq!(entries.count(), 1);
    }
}
