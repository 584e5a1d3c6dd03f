//! Why a set-up stops: what was done, to what, what was found, what to do now.

use crate::cluster::Version;
use crate::transport::{Reply, Unreachable};

/// Why a set-up stops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Nobody answers, or what answers is not ready.
    #[error("{url} is not ready: {found}; start it or correct the URL, then run this again")]
    NotReady {
        /// Base URL.
        url: String,
        /// What the last try found.
        found: String,
    },
    /// 401.
    #[error(
        "{url} refuses the log-in: {found}; set BLUEOX_USERNAME and BLUEOX_PASSWORD (or BLUEOX_API_KEY) of a user who may \
         administer it"
    )]
    LogIn {
        /// Base URL.
        url: String,
        /// The server's word.
        found: String,
    },
    /// Neither Elasticsearch nor OpenSearch, nor Kibana.
    #[error("{url} answers, but is no {expected}: {found}; correct the URL")]
    Stranger {
        /// Base URL.
        url: String,
        /// What should be there.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// Too old a version.
    #[error("{url} is {product} {found}; this set-up needs {oldest} or later: upgrade it")]
    TooOld {
        /// Base URL.
        url: String,
        /// Name of the product.
        product: &'static str,
        /// Its version.
        found: Version,
        /// The oldest that will do.
        oldest: Version,
    },
    /// 403.
    #[error("cannot {doing}: the log-in lacks a right ({found}); log in as a user with {needed}")]
    Right {
        /// What was tried.
        doing: String,
        /// What the user needs.
        needed: String,
        /// The server's word.
        found: String,
    },
    /// The cluster or an index takes no change.
    #[error(
        "cannot {doing}: {found}; free disk space or lift the block (`cluster.blocks.*`, `index.blocks.*`), then run this again"
    )]
    ReadOnly {
        /// What was tried.
        doing: String,
        /// The server's word.
        found: String,
    },
    /// Another index template with the same priority claims our data streams.
    #[error(
        "index template `{template}` has priority {priority} too and matches `{pattern}`; the server takes only one of them: give \
         `{template}` a lower priority or delete it"
    )]
    Conflict {
        /// The other template.
        template: String,
        /// Its priority.
        priority: u64,
        /// Its pattern.
        pattern: String,
    },
    /// The wish asks for what this cluster does not have.
    #[error("{found}; {remedy}")]
    Impossible {
        /// What is not there.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// There is no such space.
    #[error(
        "Kibana at {url} has no space `{space}`; create it there (Stack Management, Spaces) or name another one with --space"
    )]
    Space {
        /// Base URL.
        url: String,
        /// Its id.
        space: String,
    },
    /// Kibana took the file and did not import all of it.
    #[error("Kibana imported {count} of {expected} boards and what they need: {found}; {remedy}")]
    Import {
        /// Objects written.
        count: u64,
        /// Objects of the file.
        expected: usize,
        /// Its errors.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The key was made and could not be kept.
    #[error(
        "cannot keep the API key: {found}; it was invalidated again: make room for the file and run this again"
    )]
    KeyLost {
        /// What went wrong.
        found: String,
    },
    /// Any other refusal.
    #[error("cannot {doing}: status {status}, {found}")]
    Refused {
        /// What was tried.
        doing: String,
        /// HTTP status.
        status: u16,
        /// The server's word.
        found: String,
    },
    /// An answer that holds something else than it should.
    #[error("cannot {doing}: the answer is not understood ({found}); is a proxy in between?")]
    Unreadable {
        /// What was tried.
        doing: String,
        /// Its beginning.
        found: String,
    },
}

impl SetupError {
    /// Whether the same call can succeed later without a change by the operator of this machine.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::NotReady { .. }
            | Self::ReadOnly { .. }
            | Self::Unreadable { .. }
            | Self::KeyLost { .. } => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }

    /// What a reply that is no success means. `needed` names the rights that `doing` takes.
    pub(crate) fn of_reply(url: &str, doing: &str, needed: &str, reply: &Reply) -> Self {
        let (doing, found) = (doing.to_owned(), reply.reason());
        match reply.status {
            401 => Self::LogIn { url: url.to_owned(), found },
            403 | 429 if reply.error_type() == "cluster_block_exception" => Self::ReadOnly { doing, found },
            403 => Self::Right { doing, needed: needed.to_owned(), found },
            status => Self::Refused { doing, status, found },
        }
    }

    pub(crate) fn of_silence(url: &str, silence: &Unreachable) -> Self {
        Self::NotReady { url: url.to_owned(), found: silence.to_string() }
    }
}
