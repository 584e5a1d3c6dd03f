//! A small disk of its own: an ext4 file system in a file, mounted through a loop device. Needs root.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A mounted disk; unmounted and removed when dropped.
pub struct Disk {
    /// Holds the image and the mount point.
    home: TempDir,
}

impl Disk {
    /// A new one of so many MiB. What nobody syncs does not reach the image for ten minutes.
    pub fn new(mebibytes: u64) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let image = home.path().join("image");
        File::create(&image).and_then(|file| file.set_len(mebibytes << 20)).expect("an image");
        command("mkfs.ext4", &["-q", "-F", "-m", "0", &text(&image)]);
        let disk = Self { home };
        disk.mount("loop,commit=600");
        disk
    }

    /// Where its files are.
    pub fn path(&self) -> PathBuf {
        self.home.path().join("mounted")
    }

    /// A disk with what a power cut at this moment would leave. Whoever writes to this one must stand still.
    pub fn after_power_cut(&self) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        fs::copy(self.home.path().join("image"), home.path().join("image")).expect("copied");
        let disk = Self { home };
        disk.mount("loop,commit=600");
        disk
    }

    /// Mounts it again, for reading only. Nobody may use it.
    pub fn make_read_only(&self) {
        command("umount", &[&text(&self.path())]);
        self.mount("loop,ro");
    }

    /// Fills it up to `left` bytes.
    pub fn fill(&self, left: u64) {
        let ballast = File::create(self.path().join("ballast")).expect("a file");
        let block = vec![b'x'; 1 << 10];
        let mut size = 0;
        while ballast.write_all_at(&block, size).and_then(|()| ballast.sync_data()).is_ok() {
            size += block.len() as u64;
            // Whole megabytes at first: each sync costs.
            while ballast.write_all_at(&vec![b'x'; 1 << 19], size).is_ok() {
                size += 1 << 19;
            }
        }
        ballast.set_len(size.saturating_sub(left)).and_then(|()| ballast.sync_all()).expect("cut");
    }

    /// Takes away what [`Self::fill`] put there.
    pub fn free(&self) {
        fs::remove_file(self.path().join("ballast")).expect("removed");
        command("sync", &["-f", &text(&self.path())]);
    }

    fn mount(&self, options: &str) {
        let (image, path) = (self.home.path().join("image"), self.path());
        fs::create_dir_all(&path).expect("a mount point");
        command("mount", &["-o", options, &text(&image), &text(&path)]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A failed mount has nothing to undo.
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

fn command(program: &str, arguments: &[&str]) {
    let output =
        Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?} ended with {}: {said}", output.status);
}

fn text(path: &Path) -> String {
    path.to_str().expect("temporary directories have plain names").to_owned()
}
