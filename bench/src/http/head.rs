//! Request line and headers.

use std::io;

/// Longest head taken.
pub(super) const HEAD_MAX: usize = 64 << 10;

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// `Content-Length`, or none at all.
    Known(usize),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// What a request says before its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// `GET`, `POST` …
    pub method: String,
    /// Target up to the `?`.
    pub path: String,
    /// Target after the `?`, or empty.
    pub query: String,
    /// How long the body is.
    pub length: BodyLength,
    /// `Content-Encoding: gzip`.
    pub gzip: bool,
    /// `Expect: 100-continue`.
    pub expects_continue: bool,
    /// The client ends the connection after this exchange.
    pub close: bool,
    /// `Authorization`, verbatim.
    pub authorization: Option<String>,
    /// Bytes of the head on the wire.
    pub wire: usize,
}

impl Head {
    /// Reads a whole head, `text` ending with the empty line.
    pub fn parse(text: &[u8]) -> io::Result<Self> {
        let wire = text.len();
        let text = std::str::from_utf8(text).map_err(|_| broken("head is not UTF-8"))?;
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
            return Err(broken("request line has not three words"));
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut head = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            length: BodyLength::Known(0),
            gzip: false,
            expects_continue: false,
            close: version == "HTTP/1.0",
            authorization: None,
            wire,
        };
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or_else(|| broken("header without colon"))?;
            head.header(&name.to_ascii_lowercase(), value.trim())?;
        }
        Ok(head)
    }

    fn header(&mut self, name: &str, value: &str) -> io::Result<()> {
        match name {
            "content-length" if self.length != BodyLength::Chunked => {
                self.length =
                    BodyLength::Known(value.parse().map_err(|_| broken("content-length is no number"))?);
            }
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => self.length = BodyLength::Chunked,
            "content-encoding" => self.gzip = value.eq_ignore_ascii_case("gzip"),
            "expect" => self.expects_continue = value.eq_ignore_ascii_case("100-continue"),
            "connection" => self.close |= value.eq_ignore_ascii_case("close"),
            "authorization" => self.authorization = Some(value.to_owned()),
            _ => {}
        }
        Ok(())
    }
}

pub(super) fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_head_is_understood() {
        let text = b"POST /logs/_bulk?filter_path=errors HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n";
        let head = Head::parse(text).expect("head");
        assert_eq!((head.method.as_str(), head.path.as_str()), ("POST", "/logs/_bulk"));
        assert_eq!(head.query, "filter_path=errors");
        assert_eq!(head.length, BodyLength::Known(12));
        assert!(head.gzip && !head.close);
    }

    #[test]
    fn broken_heads_are_errors() {
        for text in [
            "GET\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        ] {
            assert!(Head::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
