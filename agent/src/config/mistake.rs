//! What is wrong with a configuration: every mistake with its place, its key and a remedy.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in the configuration file, both counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Where a setting was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the configuration file, as named on the command line.
    File(PathBuf, Option<Mark>),
    /// In the environment.
    Environment,
    /// Among the arguments.
    Arguments,
}

/// One thing that is wrong, or (as a warning) unwise.
///
/// Prints as `FILE:LINE:COLUMN: KEY: what is wrong; what to do`, on one line, control characters escaped. Values of
/// secrets are in none of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// Dotted key with list positions, such as `inputs[0].paths[1]`; empty for the file as a whole.
    pub key: String,
    /// What was found.
    pub found: String,
    /// What to do now.
    pub remedy: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(path, Some(mark)) => {
                write!(f, "{}:{}:{}: ", shown_path(path), mark.line, mark.column)?
            }
            Place::File(path, None) => write!(f, "{}: ", shown_path(path))?,
            Place::Environment => write!(f, "environment: ")?,
            Place::Arguments => write!(f, "arguments: ")?,
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.found, self.remedy)
    }
}

/// All mistakes of one configuration, in the order of the file, one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, mistake) in self.0.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}

/// Longest piece of the operator's text that a message repeats, in characters.
const SHOWN_CHARS: usize = 80;

/// The operator's text in backticks, fit for one line: cut, control and direction characters escaped, log-ins of URLs
/// hidden.
pub(crate) fn shown(text: &str) -> String {
    let hidden = without_login(text);
    let mut out = String::from("`");
    for (count, character) in hidden.chars().enumerate() {
        if count == SHOWN_CHARS {
            out.push('…');
            break;
        }
        crate::telemetry::push_escaped(&mut out, character);
    }
    out.push('`');
    out
}

/// A path fit for one line of a message.
pub(crate) fn shown_path(path: &Path) -> String {
    crate::telemetry::escaped(&path.to_string_lossy())
}

/// Everything that could be a log-in goes: from the scheme (or the start) up to the last `@`.
fn without_login(text: &str) -> String {
    let Some(at) = text.rfind('@') else { return text.to_owned() };
    let start = text.find("://").map_or(0, |scheme| scheme + 3);
    if start >= at {
        return text.to_owned();
    }
    format!("{}***{}", &text[..start], &text[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_stays_on_one_line_and_hides_log_ins() {
        assert_eq!(shown("a\nb\u{202e}c"), r"`a\nb\u{202e}c`");
        assert_eq!(shown("https://me:canary@es:92x0"), "`https://***@es:92x0`");
        assert_eq!(shown("me:canary@es"), "`***@es`");
        assert_eq!(shown("https://u:p@ss@es"), "`https://***@es`");
        assert_eq!(shown(&"x".repeat(200)).chars().count(), SHOWN_CHARS + 3);
    }

    #[test]
    fn mistake_names_place_key_finding_and_remedy() {
        let mistake = Mistake {
            place: Place::File("a.yaml".into(), Some(Mark { line: 3, column: 5 })),
            key: "limits.memory".into(),
            found: "`10x` is not a size".into(),
            remedy: "write it like 24MiB".into(),
        };
        assert_eq!(
            mistake.to_string(),
            "a.yaml:3:5: limits.memory: `10x` is not a size; write it like 24MiB"
        );
    }
}
