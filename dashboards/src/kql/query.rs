//! A query, understood.

use super::parser::{self, SyntaxError};

/// What documents have to fulfil.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Query {
    /// Nothing: the empty text.
    #[default]
    All,
    /// All of these; at least two.
    And(Vec<Query>),
    /// At least one of these; at least two.
    Or(Vec<Query>),
    /// Not this.
    Not(Box<Query>),
    /// A field has a value, or `None`: any field has it.
    Is(Option<Pattern>, Literal),
    /// A field compares to a value.
    Compare(Pattern, Comparison, String),
    /// Objects of a nested field fulfil a query by themselves.
    Nested(Pattern, Box<Query>),
    /// What a text of the older language asks for; only engines read it.
    Lucene(String),
}

/// Text in which unquoted `*` stand for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The text between the wildcards; one piece where there is none.
    pieces: Vec<String>,
}

/// A value as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// `"in quotes"`: words in this order.
    Phrase(String),
    /// `true` or `false`, unquoted.
    Boolean(bool),
    /// Unquoted, perhaps with wildcards.
    Bare(Pattern),
}

/// How a field compares to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Query {
    /// Reads KQL. The error names the byte at which the text stopped making sense.
    ///
    /// Parentheses and `not` may nest 64 deep.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        parser::parse(text)
    }

    /// `a and b`; what asks for nothing is left out.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, query) | (query, Self::All) => query,
            (Self::And(mut all), Self::And(more)) => {
                all.extend(more);
                Self::And(all)
            }
            (Self::And(mut all), query) => {
                all.push(query);
                Self::And(all)
            }
            (query, other) => Self::And(vec![query, other]),
        }
    }

    /// `field: *`.
    pub fn exists(field: &str) -> Self {
        let anything = Pattern { pieces: vec![String::new(), String::new()] };
        Self::Is(Some(Pattern::plain(field)), Literal::Bare(anything))
    }
}

impl Pattern {
    /// Text without wildcards.
    pub fn plain(text: &str) -> Self {
        Self { pieces: vec![text.to_owned()] }
    }

    pub(super) fn of(pieces: Vec<String>) -> Self {
        Self { pieces }
    }

    /// The text, where there is no wildcard in it.
    pub fn as_plain(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [text] => Some(text),
            _ => None,
        }
    }

    /// Whether this is nothing but wildcards.
    pub(super) fn is_anything(&self) -> bool {
        self.pieces.len() > 1 && self.pieces.iter().all(String::is_empty)
    }

    /// The pieces, each written by `piece`, with a `*` between them.
    pub(super) fn write(&self, piece: impl Fn(&str) -> String) -> String {
        self.pieces.iter().map(|text| piece(text)).collect::<Vec<_>>().join("*")
    }

    pub(super) fn is_empty(&self) -> bool {
        self.as_plain() == Some("")
    }
}
