//! What can be wrong with a file of boards, and with an answer.

use std::error::Error;
use std::fmt;

/// A file that is no file of boards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, reason } = self;
        write!(
            f,
            "line {line} is no saved object of Kibana ({reason}); export the boards as NDJSON again, one object a line"
        )
    }
}

impl Error for ParseError {}

/// Why a panel cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsupported {
    pub(crate) reason: String,
}

impl Unsupported {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// An answer that gives no rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerError {
    /// The engine refused the request.
    Refused {
        /// Type of the error, e.g. `search_phase_execution_exception`.
        kind: String,
        /// Its reason.
        reason: String,
    },
    /// A part of the answer is not what was asked for.
    Unexpected {
        /// What was looked for, e.g. `buckets of aggregation 0`.
        part: String,
        /// What stands there, shortened.
        found: String,
    },
    /// More rows than a panel may have.
    TooMany {
        /// Most rows.
        limit: usize,
    },
    /// The number of answers is not that of the requests.
    Count {
        /// Requests.
        requests: usize,
        /// Answers.
        answers: usize,
    },
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { kind, reason } => write!(f, "the search was refused with `{kind}`: {reason}"),
            Self::Unexpected { part, found } => {
                write!(
                    f,
                    "the answer has no {part} but `{found}`; is this Elasticsearch or OpenSearch, and does the index have the fields of the panel?"
                )
            }
            Self::TooMany { limit } => {
                write!(f, "the panel has more than {limit} rows; choose a shorter time range or fewer values")
            }
            Self::Count { requests, answers } => write!(f, "{answers} answers came for {requests} requests"),
        }
    }
}

impl Error for AnswerError {}

impl AnswerError {
    pub(crate) fn unexpected(part: impl Into<String>, found: &serde_json::Value) -> Self {
        let text = found.to_string();
        let short = text.chars().take(80).collect::<String>();
        Self::Unexpected { part: part.into(), found: short }
    }
}
