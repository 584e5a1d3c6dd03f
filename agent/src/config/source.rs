//! The text of a configuration file, or why it cannot be one.

use super::mistake::{Mistake, Place, shown_path};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Largest configuration file. A thousand inputs fit in a tenth of it.
pub(super) const BYTES_MAX: u64 = 1 << 20;

/// Reads the whole file. Never waits (not for the writer of a FIFO either) and never reads more than [`BYTES_MAX`].
pub(super) fn read(path: &Path) -> Result<String, Mistake> {
    let refused = |found: String, remedy: &str| Mistake {
        place: Place::File(path.to_path_buf(), None),
        key: String::new(),
        found,
        remedy: remedy.to_owned(),
    };
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
        .open(path)
        .map_err(|error| {
            refused(format!("cannot be opened: {}", reason(&error)), open_remedy(error.kind()))
        })?;
    let metadata = file
        .metadata()
        .map_err(|error| refused(format!("cannot be read: {}", reason(&error)), "check the path"))?;
    if metadata.is_dir() {
        return Err(refused("is a directory".into(), "name a file in it"));
    }
    if !metadata.is_file() {
        return Err(refused("is a pipe or a device".into(), "name a regular file"));
    }
    if metadata.len() > BYTES_MAX {
        let found = format!("has {} bytes, the most is {BYTES_MAX}", metadata.len());
        return Err(refused(found, "check that this is the configuration file"));
    }
    let mut bytes = Vec::new();
    file.by_ref().take(BYTES_MAX).read_to_end(&mut bytes).map_err(|error| {
        refused(format!("cannot be read: {}", reason(&error)), "check the file system and the permissions")
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        refused(format!("is not UTF-8 in line {line}"), "save it as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The operating system's words without the number.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".into(),
        ErrorKind::PermissionDenied => "permission denied".into(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}

fn open_remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::PermissionDenied => "let the agent's user read it",
        _ => "check the path behind `-c`",
    }
}

/// Reads a small text file whose path stands in the configuration (a secret); the error is finding and remedy.
pub(super) fn read_small(path: &Path, bytes_max: u64) -> Result<(String, u32), (String, String)> {
    use std::os::unix::fs::PermissionsExt;
    let named = shown_path(path);
    let failed = |error: std::io::Error| {
        (
            format!("the file `{named}` cannot be read: {}", reason(&error)),
            "name a file this user can read".to_owned(),
        )
    };
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err((format!("`{named}` is not a regular file"), "name a regular file".into()));
    }
    let mut bytes = Vec::new();
    file.by_ref().take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err((format!("the file `{named}` has more than {bytes_max} bytes"), "check the path".into()));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| (format!("the file `{named}` is not UTF-8"), "check the path".to_owned()))?;
    Ok((text, metadata.permissions().mode() & 0o777))
}
