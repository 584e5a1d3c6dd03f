//! The file of a data folder that holds what was imported, so that a restart does not lose it.
//!
//! It is written as Kibana exports, so Kibana can import it: an object a line, as it came, and at the end a line that counts
//! them. That line names besides which objects of the program were deleted. What the program brings itself is not
//! written, so that a newer program shows its newer boards.

use super::catalogue::{Key, Objects, objects};
use crate::store::{quarantine, replace_file};
use dashboards::lens::{Boards, ParseError};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Longest file that is read, in bytes; none that was written is longer.
const BYTES_MAX: u64 = 32 << 20;

/// The file, in a data folder that this process has to itself.
#[derive(Debug)]
pub(in crate::view) struct BoardFile {
    folder: PathBuf,
    path: PathBuf,
}

/// What differs from the boards that come with the program.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    imported: Objects,
    deleted: Vec<Key>,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct End {
    #[serde(rename = "exportedCount")]
    count: usize,
    /// Pairs of type and id.
    #[serde(default)]
    deleted: Vec<Key>,
}

/// The file cannot be read, or not be put aside.
#[derive(Debug, thiserror::Error)]
#[error("could not {what} `{}`, which holds the imported boards; mend that, or move the file away", .path.display())]
pub struct BoardFileError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Why the file is not as it was written.
#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error("{0}")]
    Line(ParseError),
    #[error("the last line, which counts the objects, is missing")]
    Cut,
    #[error("it has {found} objects, of {written} that were written")]
    Count { found: usize, written: usize },
    #[error("it is longer than {BYTES_MAX} bytes")]
    Long,
    #[error("it is no text in UTF-8")]
    NoText,
}

impl BoardFile {
    pub(in crate::view) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), path: folder.join("boards.ndjson") }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What was kept. A damaged file is put aside, and the boards of the program are what there is.
    pub(super) fn load(&self) -> Result<Kept, BoardFileError> {
        let failed = |what| move |source| BoardFileError { what, path: self.path.clone(), source };
        let Some(bytes) = self.read().map_err(failed("read"))? else { return Ok(Kept::default()) };
        Kept::parse(bytes).or_else(|damage| {
            let kept_as = quarantine(&self.folder, &self.path).map_err(failed("put aside"))?;
            tracing::error!(kept_as = %kept_as.display(), %damage, "the file of imported boards is damaged and was put aside; import them again, or mend the file and put it back as boards.ndjson before a start");
            Ok(Kept::default())
        })
    }

    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Durable when this returns.
    pub(super) fn save(&self, kept: &Kept) -> io::Result<()> {
        replace_file(&self.path, kept.text()?.as_bytes())
    }
}

impl Kept {
    pub(super) fn between(program: &Objects, now: &Objects) -> Self {
        let own = |(key, line): &(&Key, &String)| program.get(*key).is_none_or(|old| !same(old, line));
        Self {
            imported: now.iter().filter(own).map(|(key, line)| (key.clone(), line.clone())).collect(),
            deleted: program.keys().filter(|key| !now.contains_key(*key)).cloned().collect(),
        }
    }

    /// The objects there are, given those of the program.
    pub(super) fn over(self, program: &Objects) -> Objects {
        let mut now = program.clone();
        now.retain(|key, _| !self.deleted.contains(key));
        now.extend(self.imported);
        now
    }

    fn text(&self) -> io::Result<String> {
        let end = End { count: self.imported.len(), deleted: self.deleted.clone() };
        let end = serde_json::to_string(&end)?;
        Ok(self.imported.values().chain([&end]).flat_map(|line| [line.as_str(), "\n"]).collect())
    }

    fn parse(bytes: Vec<u8>) -> Result<Self, Damage> {
        if u64::try_from(bytes.len()).is_ok_and(|length| length > BYTES_MAX) {
            return Err(Damage::Long);
        }
        let text = String::from_utf8(bytes).map_err(|_| Damage::NoText)?;
        Boards::parse(&text).map_err(Damage::Line)?;
        let end = text.lines().last().unwrap_or_default();
        let End { count, deleted } = serde_json::from_str(end).map_err(|_| Damage::Cut)?;
        let imported: Objects = objects(&text).collect();
        match imported.len() == count {
            true => Ok(Self { imported, deleted }),
            false => Err(Damage::Count { found: imported.len(), written: count }),
        }
    }
}

/// Whether two lines are the same object, however they are written.
fn same(one: &str, other: &str) -> bool {
    let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok();
    one == other || read(one) == read(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(entries: &[(&str, &str)]) -> Objects {
        let line = |id: &str, title: &str| {
            format!(r#"{{"type":"tag","id":"{id}","attributes":{{"name":"{title}"}}}}"#)
        };
        entries.iter().map(|(id, title)| (("tag".to_owned(), (*id).to_owned()), line(id, title))).collect()
    }

    #[test]
    fn what_differs_from_the_program_comes_back() {
        let program = shelf(&[("a", "of the program"), ("b", "of the program"), ("c", "of the program")]);
        let mut now = shelf(&[("a", "changed"), ("b", "of the program"), ("d", "imported")]);
        now.values_mut().for_each(|line| *line = line.replace(':', ": "));
        let kept = Kept::between(&program, &now);
        assert_eq!(kept.imported.keys().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["a", "d"]);
        let read = Kept::parse(kept.text().unwrap().into_bytes()).unwrap();
        assert_eq!(read, kept);
        // A newer program brings a newer `b`, and one more.
        let newer = shelf(&[("a", "newer"), ("b", "newer"), ("c", "newer"), ("e", "newer")]);
        let mut expected = now.clone();
        expected.extend(shelf(&[("b", "newer"), ("e", "newer")]));
        assert_eq!(read.over(&newer), expected);
    }

    #[test]
    fn every_cut_of_a_file_is_noticed() {
        let kept = Kept::between(&shelf(&[("x", "deleted")]), &shelf(&[("a", "one"), ("b", "two")]));
        let text = kept.text().unwrap();
        // Only the last line break can be missed.
        for end in 0..text.len() - 1 {
            assert!(Kept::parse(text.as_bytes()[..end].to_vec()).is_err(), "{}", &text[..end]);
        }
        let without_first = text.split_once('\n').unwrap().1;
        let told = Kept::parse(without_first.into()).unwrap_err().to_string();
        assert_eq!(told, "it has 1 objects, of 2 that were written");
        assert!(matches!(Kept::parse(vec![0xff]), Err(Damage::NoText)));
    }
}
