//! Who gets in, and to which page. Pure: headers in, page or refusal out.

use crate::config::Secret;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap};
use hyper::http::uri::Authority;
use hyper::{Method, Request};
use std::net::IpAddr;

/// A page of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// `/status`
    Status,
    /// `/metrics`
    Metrics,
    /// `/healthz`
    Health,
    /// `/readyz`
    Ready,
}

/// Why a request gets no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It names a host this address does not answer for.
    ForeignHost,
    /// The token is missing or wrong.
    NoToken,
    /// There is no such page.
    UnknownPath,
    /// Neither GET nor HEAD.
    WrongMethod,
}

/// The rules of one listener.
#[derive(Debug, Clone)]
pub(super) struct Door {
    local_only: bool,
    token: Option<Secret>,
}

impl Door {
    /// `address` is the one the listener is bound to. On loopback only requests that name a loopback host are answered:
    /// a page in a browser can reach this port under a name of its own (DNS rebinding), but cannot hide that name.
    pub(super) fn new(address: IpAddr, token: Option<Secret>) -> Self {
        Self { local_only: address.is_loopback(), token }
    }

    /// The page, or the first rule the request breaks. `/healthz` needs no token, so that a probe needs no secret.
    pub(super) fn admit<B>(&self, request: &Request<B>) -> Result<Page, Refusal> {
        if self.local_only && !names_loopback(request) {
            return Err(Refusal::ForeignHost);
        }
        let page = page(request.uri().path());
        if page != Some(Page::Health) && !self.opens_for(request.headers()) {
            return Err(Refusal::NoToken);
        }
        match (page, request.method()) {
            (None, _) => Err(Refusal::UnknownPath),
            (Some(page), &Method::GET | &Method::HEAD) => Ok(page),
            (Some(_), _) => Err(Refusal::WrongMethod),
        }
    }

    fn opens_for(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return true };
        let given = only(headers, AUTHORIZATION).and_then(|value| value.split_once(' '));
        match given {
            Some((scheme, given)) if scheme.eq_ignore_ascii_case("bearer") => {
                same_bytes(given.trim().as_bytes(), token.reveal().as_bytes())
            }
            _ => false,
        }
    }
}

fn page(path: &str) -> Option<Page> {
    match path {
        "/status" => Some(Page::Status),
        "/metrics" => Some(Page::Metrics),
        "/healthz" => Some(Page::Health),
        "/readyz" => Some(Page::Ready),
        _ => None,
    }
}

/// The `Host` header, and the authority of an absolute request target where there is one, are both local.
fn names_loopback<B>(request: &Request<B>) -> bool {
    let target = request.uri().authority().is_none_or(is_loopback);
    let host = only(request.headers(), HOST).and_then(|host| host.parse().ok());
    target && host.as_ref().is_some_and(is_loopback)
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || literal.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The value of a header that is there exactly once, as text.
fn only(headers: &HeaderMap, name: hyper::header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.to_str().ok()).flatten()
}

/// Whether `given` is `expected`, in a time that depends on the length of `given` only. Nothing equals an empty token.
fn same_bytes(given: &[u8], expected: &[u8]) -> bool {
    if expected.is_empty() {
        return false;
    }
    let pairs = given.iter().zip(expected.iter().cycle());
    let difference = pairs.fold(given.len() ^ expected.len(), |sum, (a, b)| sum | usize::from(a ^ b));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = "127.0.0.1";

    fn admit(address: &str, token: Option<&str>, request: &str) -> Result<Page, Refusal> {
        let mut words = request.split('|');
        let (method, target) = words.next().and_then(|line| line.split_once(' ')).unwrap();
        let mut builder = Request::builder().method(method).uri(target);
        for (name, value) in words.map(|header| header.split_once(": ").unwrap()) {
            builder = builder.header(name, value);
        }
        Door::new(address.parse().unwrap(), token.map(Secret::new)).admit(&builder.body(()).unwrap())
    }

    #[test]
    fn each_path_is_its_page_for_get_and_head_only() {
        for (request, expected) in [
            ("GET /status|Host: localhost", Ok(Page::Status)),
            ("HEAD /metrics|Host: localhost", Ok(Page::Metrics)),
            ("GET /healthz?verbose|Host: localhost", Ok(Page::Health)),
            ("GET /readyz|Host: localhost", Ok(Page::Ready)),
            ("POST /status|Host: localhost", Err(Refusal::WrongMethod)),
            ("DELETE /healthz|Host: localhost", Err(Refusal::WrongMethod)),
            ("GET /status/|Host: localhost", Err(Refusal::UnknownPath)),
            ("POST /|Host: localhost", Err(Refusal::UnknownPath)),
        ] {
            assert_eq!(admit(LOCAL, None, request), expected, "{request}");
        }
    }

    #[test]
    fn loopback_listener_answers_for_loopback_names_only() {
        let good =
            ["localhost", "LOCALHOST:5066", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:5066", "127.9.9.9"];
        let bad = [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[::2]:80",
            "a b",
            "",
        ];
        for host in good {
            assert_eq!(admit(LOCAL, None, &format!("GET /healthz|Host: {host}")), Ok(Page::Health), "{host}");
            assert_eq!(admit("::1", None, &format!("GET /healthz|Host: {host}")), Ok(Page::Health), "{host}");
        }
        for host in bad {
            let answer = admit(LOCAL, None, &format!("GET /healthz|Host: {host}"));
            assert_eq!(answer, Err(Refusal::ForeignHost), "{host}");
        }
        for request in [
            "GET /healthz",
            "GET /healthz|Host: localhost|Host: evil.example",
            "GET http://evil.example/healthz|Host: localhost",
        ] {
            assert_eq!(admit(LOCAL, None, request), Err(Refusal::ForeignHost), "{request}");
        }
        assert_eq!(admit("0.0.0.0", None, "GET /status|Host: web-1:5066"), Ok(Page::Status));
    }

    #[test]
    fn token_opens_every_page_and_health_needs_none() {
        let with = |authorization: &str| {
            admit("0.0.0.0", Some("s3cret"), &format!("GET /status|Authorization: {authorization}"))
        };
        for good in ["Bearer s3cret", "bearer s3cret", "Bearer   s3cret "] {
            assert_eq!(with(good), Ok(Page::Status), "{good}");
        }
        for bad in [
            "Bearer",
            "Bearer ",
            "Bearer s3cre",
            "Bearer s3crets3cret",
            "Bearer S3cret",
            "Basic s3cret",
            "s3cret",
        ] {
            assert_eq!(with(bad), Err(Refusal::NoToken), "{bad}");
        }
        assert_eq!(admit("0.0.0.0", Some("s3cret"), "GET /nothing"), Err(Refusal::NoToken));
        assert_eq!(admit("0.0.0.0", Some("s3cret"), "GET /healthz"), Ok(Page::Health));
        assert_eq!(admit("0.0.0.0", Some(""), "GET /status|Authorization: Bearer "), Err(Refusal::NoToken));
    }
}
