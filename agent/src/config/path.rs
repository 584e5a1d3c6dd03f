//! Paths and globs of the configuration: absolute, checked, and compiled the same way everywhere.

use globset::{Glob, GlobBuilder};
use std::path::{Component, Path, PathBuf};

/// Compiles a path pattern. `*` and `?` stay within one directory, `**` crosses them, `\` escapes.
///
/// Fails as [`globset`] does; its words name the pattern.
pub fn compile_glob(pattern: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).empty_alternates(true).build()
}

/// Whether a pattern names one path only.
pub(super) fn is_literal(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '[', ']', '{', '}', '\\'])
}

/// `path` below `base` (absolute), `.` and leading `..` taken out.
pub(super) fn absolute(base: &Path, path: &Path) -> PathBuf {
    let (base, rest) = climb(base, path);
    without_dots(&base.join(rest))
}

/// `pattern` below `base` (absolute). Only the pattern is a pattern: special characters of `base` are escaped.
pub(super) fn absolute_glob(base: &Path, pattern: &str) -> String {
    if pattern.starts_with('/') {
        return without_dots(Path::new(pattern)).to_string_lossy().into_owned();
    }
    let (base, rest) = climb(base, Path::new(pattern));
    let prefix = globset::escape(&without_dots(&base).to_string_lossy());
    let rest = without_dots(&rest);
    format!("{}/{}", prefix.trim_end_matches('/'), rest.to_string_lossy())
}

/// Takes the leading `..` of a relative path off the base, which is made canonical first: behind a symbolic link `..` is
/// another directory than the one written.
fn climb(base: &Path, path: &Path) -> (PathBuf, PathBuf) {
    let mut parts = path.components().filter(|part| *part != Component::CurDir).peekable();
    let mut base = base.to_path_buf();
    if parts.peek() == Some(&Component::ParentDir) {
        base = base.canonicalize().unwrap_or(base);
    }
    while parts.next_if_eq(&Component::ParentDir).is_some() {
        base.pop();
    }
    (base, parts.collect())
}

fn without_dots(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_begin_at_the_base() {
        let check = |base: &str, path: &str, expected: &str| {
            assert_eq!(absolute(Path::new(base), Path::new(path)), Path::new(expected), "{base} {path}");
        };
        check("/etc/blueox", "ca.pem", "/etc/blueox/ca.pem");
        check("/etc/blueox", "./a/./b", "/etc/blueox/a/b");
        check("/none/blueox", "../x", "/none/x");
        check("/etc/blueox", "/var/x", "/var/x");
    }

    #[test]
    fn only_the_pattern_is_a_pattern() {
        let check = |base: &str, pattern: &str, expected: &str| {
            assert_eq!(absolute_glob(Path::new(base), pattern), expected, "{base} {pattern}");
        };
        check("/srv/a[1]", "logs/*.log", "/srv/a[[]1[]]/logs/*.log");
        check("/", "*.log", "/*.log");
        check("/none/x", "../logs/**/*.log", "/none/logs/**/*.log");
        check("/etc", "/var/log/./*.log", "/var/log/*.log");
    }

    #[test]
    fn a_star_stays_in_its_directory() {
        let matches =
            |pattern: &str, path: &str| compile_glob(pattern).unwrap().compile_matcher().is_match(path);
        assert!(matches("/a/*.log", "/a/x.log"));
        assert!(!matches("/a/*.log", "/a/b/x.log"));
        assert!(matches("/a/**/*.log", "/a/x.log"));
        assert!(matches("/a/**/*.log", "/a/b/c/x.log"));
        assert!(matches("/a/{x,y}.log", "/a/y.log"));
    }
}
