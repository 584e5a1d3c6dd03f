//! The `query_string` language, the part people use: words, phrases, `field:value`, wildcards, ranges, AND OR NOT + - ().

use super::dsl::{DEFAULT_FIELDS, Query, Range};
use serde_json::Value;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    Plus,
    Field(String),
    Word(String),
    Phrase(String),
    /// Bounds and whether each is exclusive.
    Between(String, bool, String, bool),
    Compare(&'static str, String),
}

const DEPTH_MAX: usize = 30;

/// Reads a query; words without a field are looked for in `fields`.
pub(super) fn parse(text: &str, fields: &[String], and: bool) -> Result<Query, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, fields: fields.to_vec(), and, depth: 0 };
    if parser.tokens.is_empty() {
        return Ok(Query::None);
    }
    let query = parser.any()?;
    match parser.peek() {
        None => Ok(query),
        Some(token) => Err(format!("unexpected {token:?}")),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let letter = chars[at];
        at += 1;
        let token = match letter {
            c if c.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            '+' => Token::Plus,
            '-' | '!' => Token::Not,
            '&' if chars.get(at) == Some(&'&') => {
                at += 1;
                Token::And
            }
            '|' if chars.get(at) == Some(&'|') => {
                at += 1;
                Token::Or
            }
            '"' => Token::Phrase(quoted(&chars, &mut at)?),
            '[' | '{' => between(&chars, &mut at, letter == '{')?,
            '>' | '<' => compare(&chars, &mut at, letter),
            '/' => return Err("regular expressions are not supported by this store".to_owned()),
            _ => {
                at -= 1;
                word(&chars, &mut at)?
            }
        };
        tokens.push(token);
    }
    Ok(tokens)
}

fn quoted(chars: &[char], at: &mut usize) -> Result<String, String> {
    let mut text = String::new();
    while let Some(letter) = chars.get(*at) {
        *at += 1;
        match letter {
            '"' => return Ok(text),
            '\\' => {
                text.extend(chars.get(*at));
                *at += 1;
            }
            other => text.push(*other),
        }
    }
    Err("a phrase is not closed".to_owned())
}

fn bare(chars: &[char], at: &mut usize, ends: &[char]) -> String {
    let mut text = String::new();
    while let Some(letter) = chars.get(*at) {
        if letter.is_whitespace() || ends.contains(letter) {
            break;
        }
        *at += 1;
        if *letter == '\\' && chars.get(*at).is_some() {
            // The escape stays: what it protects is decided where the word is used.
            text.push('\\');
            text.extend(chars.get(*at));
            *at += 1;
        } else {
            text.push(*letter);
        }
    }
    text
}

fn bound(chars: &[char], at: &mut usize) -> Result<String, String> {
    while chars.get(*at).is_some_and(|c| c.is_whitespace()) {
        *at += 1;
    }
    if chars.get(*at) == Some(&'"') {
        *at += 1;
        return quoted(chars, at);
    }
    Ok(unescape(&bare(chars, at, &[']', '}'])))
}

fn between(chars: &[char], at: &mut usize, low_open: bool) -> Result<Token, String> {
    let low = bound(chars, at)?;
    if bound(chars, at)? != "TO" {
        return Err("a range needs TO between its bounds".to_owned());
    }
    let high = bound(chars, at)?;
    while chars.get(*at).is_some_and(|c| c.is_whitespace()) {
        *at += 1;
    }
    let high_open = match chars.get(*at) {
        Some(']') => false,
        Some('}') => true,
        _ => return Err("a range is not closed".to_owned()),
    };
    *at += 1;
    Ok(Token::Between(low, low_open, high, high_open))
}

fn compare(chars: &[char], at: &mut usize, letter: char) -> Token {
    let equal = chars.get(*at) == Some(&'=');
    *at += usize::from(equal);
    let sign = match (letter, equal) {
        ('>', true) => ">=",
        ('>', false) => ">",
        (_, true) => "<=",
        (_, false) => "<",
    };
    Token::Compare(sign, unescape(&bare(chars, at, &['(', ')'])))
}

fn word(chars: &[char], at: &mut usize) -> Result<Token, String> {
    let text = bare(chars, at, &['(', ')', ':', '"', '[', ']', '{', '}', '^', '~']);
    if chars.get(*at) == Some(&':') {
        *at += 1;
        return Ok(Token::Field(unescape(&text)));
    }
    if let Some(mark @ ('^' | '~')) = chars.get(*at) {
        return Err(format!("[{mark}] is not supported by this store"));
    }
    Ok(match text.as_str() {
        "" => return Err(format!("unexpected [{}]", chars.get(*at).copied().unwrap_or(' '))),
        "AND" => Token::And,
        "OR" => Token::Or,
        "NOT" => Token::Not,
        _ => Token::Word(text),
    })
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(letter) = chars.next() {
        if letter == '\\' { plain.extend(chars.next()) } else { plain.push(letter) }
    }
    plain
}

fn has_wildcard(text: &str) -> bool {
    let mut escaped = false;
    text.chars().any(|letter| {
        let found = !escaped && matches!(letter, '*' | '?');
        escaped = !escaped && letter == '\\';
        found
    })
}

/// What stands in front of a clause.
#[derive(Clone, Copy)]
enum Sign {
    Plus,
    Minus,
}

/// What stands between two clauses.
#[derive(Clone, Copy)]
enum Join {
    And,
    Or,
}

#[derive(Clone, Copy)]
enum Occur {
    Must,
    Should,
    MustNot,
}

impl Occur {
    /// Of a clause with its sign and the word in front of it.
    fn of(sign: Option<Sign>, join: Option<Join>, and: bool) -> Self {
        match (sign, join) {
            (Some(Sign::Minus), _) => Self::MustNot,
            (_, Some(Join::And)) => Self::Must,
            (Some(Sign::Plus), _) if !and => Self::Must,
            (_, None) if and => Self::Must,
            _ => Self::Should,
        }
    }

    /// Of the same clause once `join` follows it.
    fn before(self, join: Join, and: bool) -> Self {
        match (self, join) {
            (Self::MustNot, _) => Self::MustNot,
            (_, Join::And) => Self::Must,
            (_, Join::Or) if and => Self::Should,
            (occur, Join::Or) => occur,
        }
    }
}

fn combined(clauses: Vec<(Occur, Query)>) -> Query {
    let (mut must, mut should, mut must_not) = (Vec::new(), Vec::new(), Vec::new());
    for (occur, clause) in clauses {
        match occur {
            Occur::Must => must.push(clause),
            Occur::Should => should.push(clause),
            Occur::MustNot => must_not.push(clause),
        }
    }
    let minimum = usize::from(must.is_empty() && !should.is_empty());
    Query::Bool { must, should, must_not, minimum }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    fields: Vec<String>,
    and: bool,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    /// Clauses up to a closing parenthesis. AND, OR and the signs decide about the clauses beside them as in Lucene's
    /// classic parser: there is no precedence, and the later word wins over the earlier one.
    fn any(&mut self) -> Result<Query, String> {
        let mut clauses: Vec<(Occur, Query)> = Vec::new();
        let mut join = None;
        while self.peek().is_some_and(|token| *token != Token::Close) {
            let words = if join.is_none() { self.words() } else { None };
            let (sign, clause) = match words {
                Some(text) => (None, self.each(|field| self.match_query(field, text.clone()))),
                None => (self.sign(), self.clause()?),
            };
            if let (Some((occur, _)), Some(join)) = (clauses.last_mut(), join) {
                *occur = occur.before(join, self.and);
            }
            clauses.push((Occur::of(sign, join, self.and), clause));
            join = self.join();
            if join.is_some() && self.peek().is_none() {
                return Err("a clause is missing at the end".to_owned());
            }
        }
        Ok(combined(clauses))
    }

    /// Words that stand beside each other are one text, which each field takes as it takes any text: a keyword field
    /// as a whole. A word in front of AND or OR is one of its own.
    fn words(&mut self) -> Option<String> {
        let mut texts = Vec::new();
        let mut rest = self.tokens[self.at..].iter().peekable();
        while let Some(Token::Word(text)) = rest.next() {
            let joined = !texts.is_empty() && matches!(rest.peek(), Some(Token::And | Token::Or));
            if has_wildcard(text) || joined {
                break;
            }
            texts.push(unescape(text));
        }
        if texts.len() < 2 {
            return None;
        }
        self.at += texts.len();
        Some(texts.join(" "))
    }

    fn sign(&mut self) -> Option<Sign> {
        if self.take(&Token::Plus) { Some(Sign::Plus) } else { self.take(&Token::Not).then_some(Sign::Minus) }
    }

    fn join(&mut self) -> Option<Join> {
        if self.take(&Token::And) { Some(Join::And) } else { self.take(&Token::Or).then_some(Join::Or) }
    }

    fn clause(&mut self) -> Result<Query, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("the query is nested too deeply".to_owned());
        }
        let query = self.unbounded_clause();
        self.depth -= 1;
        query
    }

    fn unbounded_clause(&mut self) -> Result<Query, String> {
        let token = self.peek().cloned().ok_or("a clause is missing")?;
        self.at += 1;
        match token {
            Token::Open => {
                let inner = self.any()?;
                if self.take(&Token::Close) {
                    Ok(inner)
                } else {
                    Err("a parenthesis is not closed".to_owned())
                }
            }
            Token::Field(field) => {
                let outer = std::mem::replace(&mut self.fields, vec![field]);
                let clause = self.clause();
                self.fields = outer;
                clause
            }
            Token::Word(text) => Ok(self.each(|field| self.word_query(field, &text))),
            Token::Phrase(text) => {
                Ok(self.each(|field| Query::Phrase { field, value: Value::from(text.clone()), slop: 0 }))
            }
            Token::Between(low, low_open, high, high_open) => Ok(self.each(|field| {
                let side = |text: &str, open| (text != "*").then(|| (Value::from(text), open));
                Query::Range(Range {
                    field,
                    low: side(&low, low_open),
                    high: side(&high, high_open),
                    ..Range::default()
                })
            })),
            Token::Compare(sign, text) => Ok(self.each(|field| {
                let side = Some((Value::from(text.clone()), sign.len() == 1));
                let (low, high) = if sign.starts_with('>') { (side, None) } else { (None, side) };
                Query::Range(Range { field, low, high, ..Range::default() })
            })),
            other => Err(format!("unexpected {other:?}")),
        }
    }

    fn each(&self, query: impl Fn(String) -> Query) -> Query {
        if let [field] = self.fields.as_slice() {
            return query(field.clone());
        }
        let should = self.fields.iter().cloned().map(query).collect();
        Query::Bool { must: Vec::new(), should, must_not: Vec::new(), minimum: 1 }
    }

    fn word_query(&self, field: String, text: &str) -> Query {
        if field == "_exists_" {
            return Query::Exists(unescape(text));
        }
        if text == "*" {
            return if field == "*" || field == DEFAULT_FIELDS { Query::All } else { Query::Exists(field) };
        }
        if has_wildcard(text) {
            return Query::Wildcard { field, pattern: text.to_owned(), fold: false };
        }
        self.match_query(field, unescape(text))
    }

    fn match_query(&self, field: String, text: String) -> Query {
        Query::Match { field, value: Value::from(text), all: self.and, minimum: None, lenient: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: &Query) -> String {
        let list = |parts: &[Query], sign: &str| {
            parts.iter().map(|part| format!("{sign}{}", shown(part))).collect::<Vec<_>>()
        };
        match query {
            Query::Bool { must, should, must_not, .. } => {
                format!("({})", [list(must, "+"), list(should, ""), list(must_not, "-")].concat().join(" "))
            }
            Query::Match { field, value, .. } => format!("{field}:{}", value.as_str().unwrap_or_default()),
            Query::Phrase { field, value, .. } => format!("{field}:{value}"),
            Query::Range(range) => format!("{}:{:?}..{:?}", range.field, range.low, range.high),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn queries_are_read() {
        for (text, expected) in [
            ("a b", "(*:a b)"),
            ("a b c AND d", "(+*:c +*:d *:a b)"),
            ("a b* c", "(*:a Wildcard { field: \"*\", pattern: \"b*\", fold: false } *:c)"),
            ("a OR b c", "(*:a *:b *:c)"),
            ("a AND b OR c", "(+*:a +*:b *:c)"),
            ("a OR b", "(*:a *:b)"),
            ("NOT a", "(-*:a)"),
            ("+a -b", "(+*:a -*:b)"),
            ("f:(a OR \"b c\")", "((f:a f:\"b c\"))"),
            ("f:\\*x", "(f:*x)"),
            ("n:>=5", "(n:Some((String(\"5\"), false))..None)"),
            ("n:[1 TO *}", "(n:Some((String(\"1\"), false))..None)"),
            ("_exists_:a", "(Exists(\"a\"))"),
        ] {
            assert_eq!(shown(&parse(text, &["*".to_owned()], false).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn with_and_by_default_the_word_between_clauses_decides() {
        for (text, expected) in [
            ("a b", "(+*:a b)"),
            ("a (b)", "(+*:a +(+*:b))"),
            ("(a b) OR NOT c", "((+*:a b) -*:c)"),
            ("a AND b OR c", "(+*:a *:b *:c)"),
            ("a OR b AND c", "(+*:b +*:c *:a)"),
            ("+a OR +b", "(*:a *:b)"),
            ("-a OR b", "(*:b -*:a)"),
        ] {
            assert_eq!(shown(&parse(text, &["*".to_owned()], true).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn broken_queries_are_errors() {
        for text in ["a AND", "(a", "\"a", "[1 TO", "a~", "/x/", "f:", ")", "a OR", "OR a", "+-a"] {
            assert!(parse(text, &["*".to_owned()], false).is_err(), "{text}");
        }
    }
}
