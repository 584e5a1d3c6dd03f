//! Patterns of files, and the directories worth listing for them.
//!
//! `*` and `?` stay within one path component, `**` is any number of them, `[a-z]`, `{a,b}` and `\` work as usual. Patterns
//! match the bytes of a path: file names need not be UTF-8, and `?` is one byte, so a letter beyond ASCII takes `*`.

use globset::{Candidate, Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use std::path::{Path, PathBuf};

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not begin at the root.
    #[error("pattern `{0}` is relative; write the whole path from `/`")]
    Relative(String),
    /// It is no glob.
    #[error(
        "pattern `{pattern}` is not understood: {reason}; put `\\` before a character that stands for itself"
    )]
    Syntax {
        /// The pattern as written.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The patterns of all inputs.
#[derive(Debug)]
pub struct Patterns {
    include: GlobSet,
    /// Input of each glob in `include`.
    owners: Vec<usize>,
    /// Directories below which something can match.
    descend: GlobSet,
    /// Input of each glob in `descend`.
    descenders: Vec<usize>,
    /// Per input.
    exclude: Vec<GlobSet>,
    /// Per input: directories of which an exclusion takes everything.
    prune: Vec<GlobSet>,
    bases: Vec<PathBuf>,
}

impl Patterns {
    /// Compiles `paths` and `exclude` of each input.
    ///
    /// Paths are absolute. An exclusion that is not absolute holds in every directory: `*.tmp` is `**/*.tmp`.
    pub fn new<'a>(
        inputs: impl IntoIterator<Item = (&'a [String], &'a [String])>,
    ) -> Result<Self, PatternError> {
        let mut include = GlobSetBuilder::new();
        let mut descend = GlobSetBuilder::new();
        let (mut owners, mut descenders, mut bases) = (Vec::new(), Vec::new(), Vec::new());
        let (mut exclude, mut prune) = (Vec::new(), Vec::new());
        for (input, (paths, excluded)) in inputs.into_iter().enumerate() {
            for pattern in paths {
                let tidy = tidy(pattern);
                if !tidy.starts_with('/') {
                    return Err(PatternError::Relative(pattern.clone()));
                }
                include.add(compile(&tidy, pattern)?);
                owners.push(input);
                let (base, directories) = directories(&tidy);
                bases.push(base);
                for directory in directories {
                    descend.add(compile(&directory, pattern)?);
                    descenders.push(input);
                }
            }
            let (excluded, pruned) = exclusions(excluded)?;
            exclude.push(excluded);
            prune.push(pruned);
        }
        bases.sort();
        bases.dedup();
        let descend = build(&descend)?;
        Ok(Self { include: build(&include)?, owners, descend, descenders, exclude, prune, bases })
    }

    /// How many inputs there are.
    pub fn inputs(&self) -> usize {
        self.exclude.len()
    }

    /// Where the literal parts of the patterns end: the directories a walk begins with.
    pub fn bases(&self) -> &[PathBuf] {
        &self.bases
    }

    /// Replaces the content of `inputs` by those a file at `path` belongs to, ascending.
    pub fn inputs_of(&self, path: &[u8], inputs: &mut Vec<usize>) {
        let candidate = Candidate::from_bytes(path);
        self.include.matches_candidate_into(&candidate, inputs);
        if inputs.is_empty() {
            return;
        }
        inputs.iter_mut().for_each(|glob| *glob = self.owners[*glob]);
        inputs.dedup();
        inputs.retain(|input| !self.exclude[*input].is_match_candidate(&candidate));
    }

    /// Whether a file below the directory `path` can match.
    pub fn may_contain(&self, path: &[u8]) -> bool {
        let candidate = Candidate::from_bytes(path);
        let mut globs = self.descend.matches_candidate(&candidate).into_iter();
        globs.any(|glob| !self.prune[self.descenders[glob]].is_match_candidate(&candidate))
    }

    /// Whether a walk begins at `path` or somewhere below it.
    pub fn leads_to_base(&self, path: &Path) -> bool {
        self.bases.iter().any(|base| base.starts_with(path))
    }
}

fn exclusions(patterns: &[String]) -> Result<(GlobSet, GlobSet), PatternError> {
    let (mut exclude, mut prune) = (GlobSetBuilder::new(), GlobSetBuilder::new());
    for pattern in patterns {
        let mut tidy = tidy(pattern);
        if !tidy.starts_with('/') && !tidy.starts_with("**/") {
            tidy.insert_str(0, "**/");
        }
        exclude.add(compile(&tidy, pattern)?);
        let whole = tidy.strip_suffix("/**").or_else(|| tidy.strip_suffix("/**/*"));
        if let Some(directory) = whole {
            prune.add(compile(directory, pattern)?);
        }
    }
    Ok((build(&exclude)?, build(&prune)?))
}

fn compile(glob: &str, written: &str) -> Result<Glob, PatternError> {
    let syntax = |error: globset::Error| PatternError::Syntax {
        pattern: written.to_owned(),
        reason: error.kind().to_string(),
    };
    GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build().map_err(syntax)
}

fn build(globs: &GlobSetBuilder) -> Result<GlobSet, PatternError> {
    globs.build().map_err(|error| PatternError::Syntax {
        pattern: error.glob().unwrap_or("all patterns together").to_owned(),
        reason: error.kind().to_string(),
    })
}

/// The pattern without doubled slashes, `.` components and a last slash, none of which the paths of a walk have.
fn tidy(pattern: &str) -> String {
    let root = if pattern.starts_with('/') { "/" } else { "" };
    let kept: Vec<&str> = components(pattern).into_iter().filter(|part| !matches!(*part, "" | ".")).collect();
    format!("{root}{}", kept.join("/"))
}

/// The literal base directory of an absolute pattern, and globs for the directories below it that lead to matches.
fn directories(pattern: &str) -> (PathBuf, Vec<String>) {
    let parts = components(pattern);
    let parents = &parts[..parts.len() - 1];
    let literal = parents.iter().take_while(|part| is_literal(part)).count();
    let base = match parents[..literal].join("/") {
        root if root.is_empty() => "/".to_owned(),
        base => base,
    };
    let mut prefix = if base == "/" { String::new() } else { base.clone() };
    let mut globs = Vec::new();
    for part in &parts[literal..] {
        // A brace with a slash in it has no fixed depth; everything below is worth a look.
        if *part == "**" || part.contains('/') {
            globs.push(format!("{prefix}/**"));
            break;
        }
        prefix = format!("{prefix}/{part}");
        globs.push(prefix.clone());
    }
    // What the whole pattern matches are the files, not directories that lead to them.
    if globs.last().is_some_and(|last| last == pattern && !last.ends_with("/**")) {
        globs.pop();
    }
    (PathBuf::from(base), globs)
}

fn is_literal(part: &str) -> bool {
    !part.contains(['*', '?', '[', ']', '{', '}', '\\'])
}

/// Splits at slashes outside of brackets and braces.
fn components(pattern: &str) -> Vec<&str> {
    let (mut parts, mut from) = (Vec::new(), 0);
    let (mut braces, mut bracket, mut escaped) = (0u32, false, false);
    for (place, character) in pattern.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => bracket = true,
            ']' => bracket = false,
            '{' if !bracket => braces += 1,
            '}' if !bracket => braces = braces.saturating_sub(1),
            '/' if braces == 0 && !bracket => {
                parts.push(&pattern[from..place]);
                from = place + 1;
            }
            _ => {}
        }
    }
    parts.push(&pattern[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(paths: &[&str], exclude: &[&str]) -> Patterns {
        let owned = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
        Patterns::new([(owned(paths).as_slice(), owned(exclude).as_slice())]).unwrap()
    }

    fn matches(patterns: &Patterns, path: &[u8]) -> bool {
        let mut inputs = Vec::new();
        patterns.inputs_of(path, &mut inputs);
        !inputs.is_empty()
    }

    #[test]
    fn patterns_match_whole_paths() {
        #[rustfmt::skip]
        let table: &[(&str, &[u8], bool)] = &[
            ("/var/log/app.log", b"/var/log/app.log", true),
            ("/var/log/app.log", b"/var/log/app.log.1", false),
            ("/var/log/*.log", b"/var/log/app.log", true),
            ("/var/log/*.log", b"/var/log/sub/app.log", false),
            ("/var/log/*.log", b"/var/log/.log", true),
            ("/var/log/*.log", b"/var/log/caf\xe9.log", true),
            ("/var/log/?.log", b"/var/log/a.log", true),
            ("/var/log/?.log", b"/var/log/\xff.log", true),
            ("/var/log/**/*.log", b"/var/log/app.log", true),
            ("/var/log/**/*.log", b"/var/log/a/b/c/\xff/app.log", true),
            ("/var/log/**", b"/var/log/a/b", true),
            ("/var/log/**/", b"/var/log/a/b", true),
            ("/var/log//./*.log", b"/var/log/a.log", true),
            ("/var/log/{a,b/c}/*.log", b"/var/log/b/c/x.log", true),
            ("/var/log/{a,b/c}/*.log", b"/var/log/c/x.log", false),
            ("/var/log/app[0-9].log", b"/var/log/app7.log", true),
            ("/var/log/app[!0-9].log", b"/var/log/app7.log", false),
            (r"/var/log/\*.log", b"/var/log/*.log", true),
            (r"/var/log/\*.log", b"/var/log/a.log", false),
            ("/*", b"/a", true),
            ("/*", b"/a/b", false),
            ("/**/grün.log", "/a/grün.log".as_bytes(), true),
        ];
        for (pattern, path, expected) in table {
            let found = matches(&patterns(&[pattern], &[]), path);
            assert_eq!(found, *expected, "{pattern} on {}", path.escape_ascii());
        }
    }

    // F87.
    #[test]
    fn excluded_files_do_not_match() {
        let patterns = patterns(&["/var/log/**"], &["**/*.tmp", "*.gz", "old/**", "/var/log/secret.log"]);
        #[rustfmt::skip]
        let table: &[(&[u8], bool)] = &[
            (b"/var/log/a.log", true),
            (b"/var/log/a.tmp", false),
            (b"/var/log/x/y/a.tmp", false),
            (b"/var/log/x/a.gz", false),
            (b"/var/log/x/old/a.log", false),
            (b"/var/log/older/a.log", true),
            (b"/var/log/secret.log", false),
            (b"/var/log/x/secret.log", true),
        ];
        for (path, expected) in table {
            assert_eq!(matches(&patterns, path), *expected, "{}", path.escape_ascii());
        }
        assert!(!patterns.may_contain(b"/var/log/x/old"), "nothing in it can match");
        assert!(patterns.may_contain(b"/var/log/older"));
    }

    #[test]
    fn walks_begin_at_the_literal_base_and_enter_only_what_can_match() {
        #[rustfmt::skip]
        let table: &[(&str, &str, &[&str], &[&str])] = &[
            ("/var/log/app.log", "/var/log", &[], &["/var/log/app.log", "/var/log/x"]),
            ("/var/log/*.log", "/var/log", &[], &["/var/log/x", "/var/log/x.log"]),
            ("/var/log/*/app/*.log", "/var/log", &["/var/log/x", "/var/log/x/app"], &["/var/log/x/y", "/var/log/x/app/z"]),
            ("/var/log/**/*.log", "/var/log", &["/var/log/x", "/var/log/x/y/z"], &["/var/lib"]),
            ("/var/log/a*/**/b/*.log", "/var/log", &["/var/log/ab", "/var/log/ab/x/y"], &["/var/log/b"]),
            ("/var/log/**", "/var/log", &["/var/log/x", "/var/log/x/y"], &["/var"]),
            ("/var/{log,lib/x}/*.log", "/var", &["/var/log", "/var/lib", "/var/lib/x"], &["/srv"]),
            ("/*.log", "/", &[], &["/var"]),
            ("/*/log/*.log", "/", &["/var", "/var/log"], &["/var/lib"]),
            (r"/var/a\*b/*.log", "/var", &["/var/a*b"], &["/var/axb"]),
        ];
        for (pattern, base, entered, left) in table {
            let patterns = patterns(&[pattern], &[]);
            assert_eq!(patterns.bases(), [PathBuf::from(base)], "{pattern}");
            entered
                .iter()
                .for_each(|path| assert!(patterns.may_contain(path.as_bytes()), "{pattern}: {path}"));
            left.iter().for_each(|path| assert!(!patterns.may_contain(path.as_bytes()), "{pattern}: {path}"));
        }
    }

    #[test]
    fn each_input_has_its_own_exclusions() {
        let all = ["/var/log/**/*.log".to_owned()];
        let (none, some) = ([], ["/var/log/shop/**".to_owned()]);
        let patterns = Patterns::new([(&all[..], &none[..]), (&all[..], &some[..])]).unwrap();
        let mut inputs = vec![9];
        patterns.inputs_of(b"/var/log/a.log", &mut inputs);
        assert_eq!(inputs, [0, 1]);
        patterns.inputs_of(b"/var/log/shop/a.log", &mut inputs);
        assert_eq!(inputs, [0]);
        assert!(patterns.may_contain(b"/var/log/shop"), "input 0 reads there");
        assert_eq!(patterns.inputs(), 2);
    }

    #[test]
    fn two_patterns_of_one_input_are_one_match() {
        let mut inputs = Vec::new();
        patterns(&["/var/log/*.log", "/var/log/a*"], &[]).inputs_of(b"/var/log/a.log", &mut inputs);
        assert_eq!(inputs, [0]);
    }

    #[test]
    fn parents_of_a_base_lead_to_it() {
        let patterns = patterns(&["/var/log/shop/*.log"], &[]);
        for (path, expected) in [("/var/log/shop", true), ("/var", true), ("/", true), ("/var/lo", false)] {
            assert_eq!(patterns.leads_to_base(Path::new(path)), expected, "{path}");
        }
    }

    // C08.
    #[test]
    fn bad_patterns_are_refused_with_their_text() {
        for (bad, part) in [("/var/[a", "`/var/[a`"), ("/var/{a", "`/var/{a`"), ("var/*.log", "relative")] {
            let text = Patterns::new([(&[bad.to_owned()][..], &[][..])]).unwrap_err().to_string();
            assert!(text.contains(part) && text.contains(bad), "{text}");
        }
    }
}
