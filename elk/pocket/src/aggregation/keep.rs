//! Which values of a field a `terms` makes buckets of.

use super::allowance::vec_bytes;
use super::plan::Filter;
use crate::store::ApiError;
use regex::{Regex, RegexBuilder};

/// `include` and `exclude`.
pub(super) struct Keep {
    include: Option<Test>,
    exclude: Option<Test>,
}

enum Test {
    Values(Vec<String>),
    Pattern(Regex),
}

/// Most bytes of a compiled expression, and again of what it makes of it while it looks.
const SIZE_MAX: usize = 256 << 10;
/// What means something in Lucene's expressions and nothing, or something else, in ours.
const FOREIGN: &str = "~&@#<>\"^$";

impl Keep {
    pub(super) fn new(include: &Option<Filter>, exclude: &Option<Filter>) -> Result<Self, ApiError> {
        let test = |filter: &Option<Filter>| filter.as_ref().map(Test::new).transpose();
        Ok(Self { include: test(include)?, exclude: test(exclude)? })
    }

    pub(super) fn passes(&self, text: &str) -> bool {
        self.include.as_ref().is_none_or(|test| test.fits(text))
            && !self.exclude.as_ref().is_some_and(|test| test.fits(text))
    }

    /// Bytes it may come to hold.
    pub(super) fn size(&self) -> usize {
        [&self.include, &self.exclude].into_iter().flatten().map(Test::size).sum()
    }

    pub(super) fn has_pattern(&self) -> bool {
        [&self.include, &self.exclude].into_iter().flatten().any(|test| matches!(test, Test::Pattern(_)))
    }
}

impl Test {
    fn new(filter: &Filter) -> Result<Self, ApiError> {
        match filter {
            Filter::Values(values) => Ok(Self::Values(values.clone())),
            Filter::Pattern(pattern) => expression(pattern).map(Self::Pattern),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Values(values) => values.iter().map(|value| vec_bytes::<String>(1) + value.len()).sum(),
            Self::Pattern(_) => 2 * SIZE_MAX,
        }
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Values(values) => values.iter().any(|value| value == text),
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }
}

/// Lucene's expressions stand for the whole text.
fn expression(pattern: &str) -> Result<Regex, ApiError> {
    let refused =
        || ApiError::unsupported(&format!("the regular expression [{pattern}] of [include] or [exclude]"));
    if has_foreign(pattern) {
        return Err(refused());
    }
    RegexBuilder::new(&format!("^(?:{})$", of_this_engine(pattern)))
        .unicode(true)
        .dot_matches_new_line(true)
        .size_limit(SIZE_MAX)
        .dfa_size_limit(SIZE_MAX)
        .build()
        .map_err(|_| refused())
}

/// Escaped angle brackets are plain ones to Lucene, and borders of words to this engine.
fn of_this_engine(pattern: &str) -> String {
    let mut written = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next()) {
            ('\\', Some(bracket @ ('<' | '>'))) => written.push(bracket),
            ('\\', Some(other)) => written.extend(['\\', other]),
            _ => {
                written.push(letter);
                continue;
            }
        }
        letters.next();
    }
    written
}

fn has_foreign(pattern: &str) -> bool {
    let (mut escaped, mut in_class, mut before) = (false, false, ' ');
    pattern.chars().any(|letter| {
        let found = if escaped {
            letter.is_alphanumeric()
        } else {
            let opens = letter == '?' && before == '(';
            let nested = letter == '[' && in_class;
            let negates = letter == '^' && in_class && before == '[';
            opens || nested || (FOREIGN.contains(letter) && !negates)
        };
        in_class = if escaped { in_class } else { (in_class || letter == '[') && letter != ']' };
        escaped = !escaped && letter == '\\';
        before = letter;
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_stand_for_the_whole_text() {
        for (pattern, fitting, other) in [
            (".*e.*", "beta", "gamm"),
            ("[a-m].*", "beta", "zeta"),
            ("(shop|beta)", "shop", "shops"),
            ("web-[0-5]", "web-5", "web-51"),
            ("a\\.b", "a.b", "axb"),
            ("[^a]b", "bb", "ab"),
            ("\\<b\\>.*", "<b>x", "b"),
            ("\\\\.*", "\\x", "x"),
        ] {
            let pattern = expression(pattern).unwrap();
            assert!(pattern.is_match(fitting) && !pattern.is_match(other), "{pattern}");
        }
    }

    #[test]
    fn what_lucene_reads_otherwise_is_refused() {
        for pattern in ["a&b", "~a", "<1-9>", "^a", "a$", "\"a\"", "(?i)a", "\\d", "a{1,99999}{1,999}", "("] {
            assert_eq!(expression(pattern).unwrap_err().status, 400, "{pattern}");
        }
    }
}
