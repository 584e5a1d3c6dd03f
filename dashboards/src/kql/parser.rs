//! Text → [`Query`], by recursive descent.

use std::error::Error;
use std::fmt;

use super::query::{Comparison, Literal, Pattern, Query};

/// How deep parentheses and `not` may nest.
const DEPTH_MAX: usize = 64;

/// Characters that end an unquoted value unless a backslash stands before them.
const SPECIAL: &str = "():<>\"{}";

/// Where and why a text is no KQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Byte in the text.
    pub position: usize,
    /// What could have stood there.
    pub expected: &'static str,
    /// What stands there; empty at the end of the text.
    pub found: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, expected, found } = self;
        match found.as_str() {
            "" => write!(f, "the query ends at byte {position}, where {expected} should follow"),
            _ => write!(f, "expected {expected} at byte {position} of the query, found `{found}`"),
        }
    }
}

impl Error for SyntaxError {}

pub(super) fn parse(text: &str) -> Result<Query, SyntaxError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    parser.skip_blanks();
    if parser.at == text.len() {
        return Ok(Query::All);
    }
    let query = parser.or(&Parser::atom)?;
    parser.skip_blanks();
    match parser.at == text.len() {
        true => Ok(query),
        false => Err(parser.error("`and`, `or` or the end")),
    }
}

/// One operand: a clause of the query, or a value in a value list.
type Operand<'p, 't> = dyn Fn(&mut Parser<'t>) -> Result<Query, SyntaxError> + 'p;

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn or(&mut self, operand: &Operand<'_, 't>) -> Result<Query, SyntaxError> {
        let mut any = vec![self.and(operand)?];
        while self.keyword("or") {
            any.push(self.and(operand)?);
        }
        Ok(joined(any, Query::Or))
    }

    fn and(&mut self, operand: &Operand<'_, 't>) -> Result<Query, SyntaxError> {
        let mut all = vec![self.not(operand)?];
        while self.keyword("and") {
            all.push(self.not(operand)?);
        }
        Ok(joined(all, Query::And))
    }

    fn not(&mut self, operand: &Operand<'_, 't>) -> Result<Query, SyntaxError> {
        self.skip_blanks();
        self.deeper(|parser| {
            if parser.keyword("not") {
                return Ok(Query::Not(Box::new(parser.not(operand)?)));
            }
            if parser.take('(') {
                let query = parser.or(operand)?;
                parser.expect(')', "`)`")?;
                return Ok(query);
            }
            operand(parser)
        })
    }

    /// `field: value`, `field < value`, `path: { … }` or a bare value.
    fn atom(&mut self) -> Result<Query, SyntaxError> {
        let value = self.literal("a field or a value")?;
        self.skip_blanks();
        if let Some(comparison) = self.comparison() {
            return self.compare(value.into_pattern(), comparison);
        }
        if !self.take(':') {
            return Ok(Query::Is(None, value));
        }
        let field = value.into_pattern();
        self.skip_blanks();
        if self.take('{') {
            return self.nested(field);
        }
        if self.rest().starts_with('(') {
            let value = |parser: &mut Self| Self::value_of(&field, parser);
            return self.not(&value);
        }
        Self::value_of(&field, self)
    }

    fn value_of(field: &Pattern, parser: &mut Self) -> Result<Query, SyntaxError> {
        parser.skip_blanks();
        Ok(Query::Is(Some(field.clone()), parser.literal("a value")?))
    }

    fn nested(&mut self, path: Pattern) -> Result<Query, SyntaxError> {
        let query = self.deeper(|parser| parser.or(&Self::atom))?;
        self.expect('}', "`}`")?;
        Ok(Query::Nested(path, Box::new(query)))
    }

    fn compare(&mut self, field: Pattern, comparison: Comparison) -> Result<Query, SyntaxError> {
        self.skip_blanks();
        let start = self.at;
        match self.literal("a value to compare with")?.into_pattern().as_plain() {
            Some(value) => Ok(Query::Compare(field, comparison, value.to_owned())),
            None => {
                self.at = start;
                Err(self.error("a value without wildcards"))
            }
        }
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let table = [
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let (sign, comparison) = table.into_iter().find(|(sign, _)| self.rest().starts_with(sign))?;
        self.at += sign.len();
        Some(comparison)
    }

    fn literal(&mut self, expected: &'static str) -> Result<Literal, SyntaxError> {
        if self.take('"') {
            return self.quoted().map(Literal::Phrase);
        }
        let start = self.at;
        let pattern = self.unquoted()?;
        if pattern.is_empty() {
            self.at = start;
            return Err(self.error(expected));
        }
        let written = self.text[start..self.at].trim_end();
        Ok(match written {
            "true" => Literal::Boolean(true),
            "false" => Literal::Boolean(false),
            _ => Literal::Bare(pattern),
        })
    }

    /// The rest of a quoted value, closing quote included.
    fn quoted(&mut self) -> Result<String, SyntaxError> {
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escaped("\"\\")),
                Some(other) => text.push(other),
                None => return Err(self.error("`\"`")),
            }
        }
    }

    /// Runs up to a special character or a keyword; blanks at the end do not count.
    fn unquoted(&mut self) -> Result<Pattern, SyntaxError> {
        let mut pieces = vec![String::new()];
        // How much of the last piece is not trailing blanks: an escaped blank counts, a plain one only before more text.
        let mut kept = 0;
        let mut word_begins = true;
        while let Some(next) = self.rest().chars().next() {
            if SPECIAL.contains(next) || self.at_keyword(word_begins) {
                break;
            }
            word_begins = next.is_whitespace();
            self.at += next.len_utf8();
            let piece = pieces.last_mut().expect("there is always a piece");
            match next {
                '*' => {
                    pieces.push(String::new());
                    kept = 0;
                    continue;
                }
                '\\' => {
                    let escaped = Self::escaped_bare(self);
                    piece.push_str(&escaped);
                }
                blank if blank.is_whitespace() => {
                    piece.push(blank);
                    continue;
                }
                other => piece.push(other),
            }
            kept = piece.len();
        }
        pieces.last_mut().expect("there is always a piece").truncate(kept);
        Ok(Pattern::of(pieces))
    }

    /// What a backslash in an unquoted value makes of what follows.
    fn escaped_bare(&mut self) -> String {
        for keyword in ["and", "or", "not"] {
            if self.word(keyword) {
                let start = self.at;
                self.at += keyword.len();
                return self.text[start..self.at].to_owned();
            }
        }
        self.escaped("\\():<>\"*{} \t\r\n").to_string()
    }

    /// The character after a backslash; a backslash stands for itself before anything it does not escape.
    fn escaped(&mut self, known: &str) -> char {
        let rest = self.rest();
        let (character, length) = match rest.chars().next() {
            Some('t') => ('\t', 1),
            Some('r') => ('\r', 1),
            Some('n') => ('\n', 1),
            Some('u') => {
                match rest.get(1..5).and_then(|hex| char::from_u32(u32::from_str_radix(hex, 16).ok()?)) {
                    Some(character) => (character, 5),
                    None => ('\\', 0),
                }
            }
            Some(next) if known.contains(next) => (next, next.len_utf8()),
            _ => ('\\', 0),
        };
        self.at += length;
        character
    }

    /// Whether a keyword follows, with blanks behind it and before it blanks or, if `word_begins`, nothing.
    fn at_keyword(&self, word_begins: bool) -> bool {
        let rest = self.rest();
        let word = rest.trim_start();
        let begins = word_begins || word.len() < rest.len();
        let follows = |keyword: &&str| {
            let (name, after) = word.split_at_checked(keyword.len()).unwrap_or(("", ""));
            name.eq_ignore_ascii_case(keyword) && after.starts_with(char::is_whitespace)
        };
        begins && ["and", "or", "not"].iter().any(follows)
    }

    /// Takes `keyword` with the blanks around it; `not` needs them only behind it.
    fn keyword(&mut self, keyword: &str) -> bool {
        let start = self.at;
        self.skip_blanks();
        // `)and` is no keyword, ` and` is; an operand may have taken the blanks before it.
        let separated =
            self.at == 0 || keyword == "not" || self.text[..self.at].ends_with(char::is_whitespace);
        let blank_follows =
            |text: &str| text.get(keyword.len()..).is_some_and(|rest| rest.starts_with(char::is_whitespace));
        if separated && self.word(keyword) && blank_follows(self.rest()) {
            self.at += keyword.len();
            self.skip_blanks();
            return true;
        }
        self.at = start;
        false
    }

    fn word(&self, word: &str) -> bool {
        self.rest().get(..word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word))
    }

    fn expect(&mut self, character: char, expected: &'static str) -> Result<(), SyntaxError> {
        self.skip_blanks();
        match self.take(character) {
            true => Ok(()),
            false => Err(self.error(expected)),
        }
    }

    fn take(&mut self, character: char) -> bool {
        let there = self.rest().starts_with(character);
        if there {
            self.at += character.len_utf8();
        }
        there
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn deeper(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<Query, SyntaxError>,
    ) -> Result<Query, SyntaxError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("less than 64 levels of `(`, `{` and `not`"));
        }
        let query = inner(self);
        self.depth -= 1;
        query
    }

    fn error(&self, expected: &'static str) -> SyntaxError {
        SyntaxError { position: self.at, expected, found: self.rest().chars().take(20).collect() }
    }
}

impl Literal {
    fn into_pattern(self) -> Pattern {
        match self {
            Self::Phrase(text) => Pattern::plain(&text),
            Self::Boolean(value) => Pattern::plain(if value { "true" } else { "false" }),
            Self::Bare(pattern) => pattern,
        }
    }
}

fn joined(mut queries: Vec<Query>, join: fn(Vec<Query>) -> Query) -> Query {
    match queries.len() {
        1 => queries.remove(0),
        _ => join(queries),
    }
}
