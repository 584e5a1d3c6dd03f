//! What came of one request, before any policy.

use super::bulk::{BulkAnswer, request_error};
use super::text::one_line;
use jiff::Timestamp;
use std::time::Duration;

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A verdict for each item.
    Items(BulkAnswer),
    /// The server answered, but not for each item.
    Whole(Whole),
    /// The request may or may not have been carried out.
    Unknown(Unknown),
    /// No connection: nothing was sent.
    NotSent(String),
}

impl Answer {
    /// Whether the server may have stored documents that this does not call stored.
    pub fn leaves_doubt(&self) -> bool {
        match self {
            Self::Items(answer) => answer.failures.iter().any(|failure| failure.status >= 500),
            Self::Whole(whole) => whole.meaning() == Meaning::Failed,
            Self::Unknown(_) => true,
            Self::NotSent(_) => false,
        }
    }
}

/// An answer to a request as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// HTTP status.
    pub status: u16,
    /// `error.type`, empty where there is none.
    pub kind: String,
    /// `error.reason`, or the start of the body in one line.
    pub reason: String,
    /// The wait the server asks for.
    pub retry_after: Option<Duration>,
    /// Where a redirect points, if it says so.
    pub location: Option<String>,
}

/// A request without a usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// How it ended.
    pub end: End,
    /// For the log.
    pub detail: String,
}

/// How a request without a usable answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The connection was closed or reset.
    Closed,
    /// Time ran out.
    TimedOut,
    /// The answer could not be read as that of a bulk request.
    Unreadable,
    /// The answer is a web page.
    WebPage,
}

/// The parts of an HTTP answer that [`Whole`] is made of.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// `Location`.
    pub location: Option<&'a str>,
}

impl Whole {
    /// Reads the answer. `body` may be cut; `now` is for a `Retry-After` that is a date.
    pub fn read(head: Head<'_>, body: &[u8], now: Timestamp) -> Self {
        let (kind, reason) = request_error(body).unwrap_or_else(|| (String::new(), one_line(body)));
        Self {
            status: head.status,
            kind: one_line(kind.as_bytes()),
            reason: one_line(reason.as_bytes()),
            retry_after: head.retry_after.and_then(|value| retry_after(value, now)),
            location: head.location.map(|location| one_line(location.as_bytes())),
        }
    }

    /// What it means for the documents in it.
    pub fn meaning(&self) -> Meaning {
        match self.status {
            400 => Meaning::Refused,
            408 | 425 | 500..600 => Meaning::Failed,
            413 => Meaning::TooLarge,
            429 => Meaning::Throttled,
            _ => Meaning::Forbidden,
        }
    }

    /// The answer in one line, without what the operator should do.
    pub fn summary(&self) -> String {
        let Self { status, kind, reason, .. } = self;
        match (kind.is_empty(), reason.is_empty()) {
            (true, true) => format!("status {status}"),
            (true, false) => format!("status {status}: {reason}"),
            (false, true) => format!("status {status}, {kind}"),
            (false, false) => format!("status {status}, {kind}: {reason}"),
        }
    }
}

/// What an answer to a whole request means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Something in it is not acceptable (400).
    Refused,
    /// It is too large (413).
    TooLarge,
    /// Not now, and nothing was done (429).
    Throttled,
    /// The server or something before it is in trouble; it may have been carried out.
    Failed,
    /// An operator has to act.
    Forbidden,
}

/// `Retry-After`: seconds or an HTTP date. A date in the past is no wait, nonsense is none at all.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::super::text::MAX_TEXT;
    use super::*;

    fn whole(status: u16, body: &str) -> Whole {
        Whole::read(
            Head { status, retry_after: None, location: None },
            body.as_bytes(),
            Timestamp::UNIX_EPOCH,
        )
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_nonsense_is_ignored() {
        let now: Timestamp = "1994-11-06T08:49:30Z".parse().unwrap();
        let read = |value| retry_after(value, now);
        assert_eq!(read("3"), Some(Duration::from_secs(3)));
        assert_eq!(read("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        for nonsense in ["", "-1", "soon", "1.5"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_web_page_becomes_one_bounded_line() {
        let page = format!("<html>\r\n<h1>502\tBad \x1b[31mGateway</h1>{}", "x".repeat(10_000));
        let line = whole(502, &page).summary();
        assert!(line.starts_with(r"status 502: <html> <h1>502 Bad \u{1b}[31mGateway</h1>xxx"), "{line}");
        assert!(line.len() < MAX_TEXT + 30 && !line.contains('\n'));
    }

    #[test]
    fn a_refusal_names_type_and_reason() {
        let body = r#"{"error":{"type":"security_exception","reason":"missing token"},"status":401}"#;
        assert_eq!(whole(401, body).summary(), "status 401, security_exception: missing token");
        assert_eq!(whole(413, "").summary(), "status 413");
    }

    #[test]
    fn the_status_decides_what_it_means() {
        for (status, meaning) in [
            (301, Meaning::Forbidden),
            (400, Meaning::Refused),
            (401, Meaning::Forbidden),
            (404, Meaning::Forbidden),
            (408, Meaning::Failed),
            (410, Meaning::Forbidden),
            (413, Meaning::TooLarge),
            (415, Meaning::Forbidden),
            (429, Meaning::Throttled),
            (451, Meaning::Forbidden),
            (500, Meaning::Failed),
            (503, Meaning::Failed),
        ] {
            assert_eq!(whole(status, "").meaning(), meaning, "{status}");
        }
    }
}
