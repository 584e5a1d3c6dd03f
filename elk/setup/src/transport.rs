//! The connections this crate is handed.

use serde_json::Value;

/// One server: a connection to it, and the patience to wait for it.
pub trait Transport {
    /// Its base URL, for people; holds no log-in.
    fn url(&self) -> &str;

    /// Sends a request and reads the whole answer. The log-in is the transport's.
    fn send(&mut self, request: &Request) -> Result<Reply, Unreachable>;

    /// Waits a moment before the next try, `why` being what stands in the way. False once patience has ended.
    fn pause(&mut self, why: &str) -> bool;
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// HTTP method.
    pub method: Method,
    /// Path and query, beginning with `/`.
    pub target: String,
    /// Header lines besides `Content-Type` and the log-in.
    pub headers: &'static [(&'static str, &'static str)],
    /// Content type and bytes.
    pub body: Option<(String, Vec<u8>)>,
}

/// HTTP methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Looks.
    Get,
    /// Makes or asks.
    Post,
    /// Makes or replaces.
    Put,
    /// Removes.
    Delete,
}

impl Method {
    /// As it stands in a request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl Request {
    /// A request without a body.
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: &[], body: None }
    }

    /// Gives it a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some(("application/json".to_owned(), body.to_string().into_bytes()));
        self
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Reply {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON; `Null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What the server says went wrong, on one line: the reason of an engine's or Kibana's error, else the body's beginning.
    pub fn reason(&self) -> String {
        let body = self.json();
        let found =
            [&body["error"]["reason"], &body["message"], &body["error"]].into_iter().find_map(Value::as_str);
        let text = found.map_or_else(|| String::from_utf8_lossy(&self.body), Into::into);
        one_line(&text)
    }

    /// The type of an engine's error.
    pub fn error_type(&self) -> String {
        self.json()["error"]["type"].as_str().unwrap_or_default().to_owned()
    }
}

/// Longest piece of a server's text that a message repeats, in characters.
const SHOWN_CHARS: usize = 400;

/// Text of a server, fit for one line of a message.
pub(crate) fn one_line(text: &str) -> String {
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.retain(|character| !character.is_control());
    match line.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// No answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_servers_own_word_on_one_line() {
        for (body, reason) in [
            (r#"{"error":{"type":"t","reason":"no\n  way"},"status":400}"#, "no way"),
            (r#"{"error":"no handler found"}"#, "no handler found"),
            (r#"{"statusCode":422,"error":"Unprocessable Entity","message":"too new"}"#, "too new"),
            ("<html>\u{1b}[2J</html>", "<html>[2J</html>"),
            ("", ""),
        ] {
            let reply = Reply { status: 400, body: body.as_bytes().to_vec() };
            assert_eq!(reply.reason(), reason);
        }
        let long = Reply { status: 400, body: "ä".repeat(1000).into_bytes() };
        assert_eq!(long.reason().chars().count(), SHOWN_CHARS + 1);
    }
}
