//! A small disk of a test's own: an image file with ext4, mounted through a loop device.
//!
//! Needs root. What a power cut leaves of a disk is a copy of the image while its writers
//! stand still: what the kernel holds back of them is not in the image yet.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// A mounted image; unmounted when dropped.
#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    mounted_at: PathBuf,
}

impl Disk {
    /// Makes an image of `mib` megabytes and mounts it at `at`, which is made.
    ///
    /// # Errors
    /// When the machine does not let us.
    pub fn new(image: &Path, mib: u64, at: &Path) -> anyhow::Result<Self> {
        std::fs::File::create(image)?.set_len(mib * 1024 * 1024)?;
        call(
            "mkfs.ext4",
            &["-q", "-F", "-m", "0", &image.display().to_string()],
        )?;
        Self::mount(image, at)
    }

    /// Mounts an image that is there; its journal is replayed.
    ///
    /// # Errors
    /// When the machine does not let us.
    pub fn mount(image: &Path, at: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(at)?;
        let (file, folder) = (image.display().to_string(), at.display().to_string());
        // The longest that ext4 holds a change back, so that a cut hurts.
        call("mount", &["-o", "loop,commit=30", &file, &folder])?;
        Ok(Self {
            image: image.to_owned(),
            mounted_at: at.to_owned(),
        })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.mounted_at
    }

    /// Copies what the disk itself holds now to `copy`: the writers must stand still.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn copy(&self, copy: &Path) -> anyhow::Result<()> {
        let (from, to) = (self.image.display().to_string(), copy.display().to_string());
        call("cp", &["--sparse=always", &from, &to])
    }

    /// Fills it with one more file, to the last block.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn fill(&self) -> anyhow::Result<()> {
        let file = format!("of={}", self.filling().display());
        // It ends with an error: there is no room left, which is what is wanted.
        let _ = call(
            "dd",
            &[
                "if=/dev/zero",
                &file,
                "bs=64k",
                "oflag=append",
                "conv=notrunc",
            ],
        );
        let _ = call(
            "dd",
            &[
                "if=/dev/zero",
                &file,
                "bs=512",
                "oflag=append",
                "conv=notrunc",
            ],
        );
        anyhow::ensure!(
            self.filling().exists(),
            "{} was not made",
            self.filling().display()
        );
        Ok(())
    }

    /// Removes the file that filled it.
    ///
    /// # Errors
    /// When it is not there.
    pub fn free(&self) -> anyhow::Result<()> {
        std::fs::remove_file(self.filling()).context("freeing the disk")
    }

    fn filling(&self) -> PathBuf {
        self.mounted_at.join("something-else")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, so that a process that still has a file open does not keep it for ever.
        let _ = call("umount", &["-l", &self.mounted_at.display().to_string()]);
    }
}

fn call(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {program}"))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    bail!(
        "{program} {}: {words}(this test needs root and loop devices)",
        arguments.join(" ")
    )
}
