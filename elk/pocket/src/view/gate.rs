//! Who may see the page, and what a browser may do with it.

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Scripts, styles and answers from here only; no text of a log can become markup or run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// What a request has to bring.
#[derive(Debug)]
pub(super) struct Gate {
    /// Whether the listener is on loopback; then only loopback names may be asked for.
    pub(super) local: bool,
    /// Whole values of `Authorization`; none: everyone.
    pub(super) logins: Vec<String>,
}

/// Refuses or lets through, and puts the security headers on every answer.
pub(super) async fn guard(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let mut response = match gate.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    ForeignName,
    ForeignPage,
    Login,
}

impl Gate {
    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        // A page elsewhere can point a name of its own at this address, but cannot hide that name.
        if self.local && !headers.get(HOST).is_none_or(names_loopback) {
            return Err(Refusal::ForeignName);
        }
        let given = headers.get(AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
        let known = self.logins.iter().any(|login| login.as_bytes().ct_eq(given).into());
        if !known && !self.logins.is_empty() {
            return Err(Refusal::Login);
        }
        // Another site may link here, but not make the store work.
        let site = headers.get("sec-fetch-site").map_or(&b"none"[..], HeaderValue::as_bytes);
        let navigates = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
        match site {
            b"same-origin" | b"none" => Ok(()),
            _ if navigates => Ok(()),
            _ => Err(Refusal::ForeignPage),
        }
    }
}

fn names_loopback(host: &HeaderValue) -> bool {
    let Ok(authority) = Authority::try_from(host.as_bytes()) else { return false };
    let name = authority.host().trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::ForeignName => {
                (StatusCode::FORBIDDEN, "This page answers on localhost only.\n").into_response()
            }
            Self::ForeignPage => {
                (StatusCode::FORBIDDEN, "Other sites may not ask this page.\n").into_response()
            }
            Self::Login => {
                let challenge = [("www-authenticate", "Basic realm=\"Pocket ELK\", charset=\"UTF-8\"")];
                (StatusCode::UNAUTHORIZED, challenge, "Log in to see this page.\n").into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(gate: &Gate, headers: &[(&'static str, &'static str)]) -> Result<(), Refusal> {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        gate.check(&pairs.collect())
    }

    #[test]
    fn only_loopback_names_are_answered_on_loopback() {
        let gate = Gate { local: true, logins: Vec::new() };
        for host in ["localhost:5601", "127.0.0.1:5601", "[::1]:5601", "LOCALHOST"] {
            assert_eq!(check(&gate, &[("host", host)]), Ok(()), "{host}");
        }
        for host in ["evil.example:5601", "localhost.evil.example", "10.0.0.1", "@"] {
            assert_eq!(check(&gate, &[("host", host)]), Err(Refusal::ForeignName), "{host}");
        }
        let open = Gate { local: false, logins: Vec::new() };
        assert_eq!(check(&open, &[("host", "logs.example")]), Ok(()));
    }

    #[test]
    fn a_login_is_asked_for_where_there_is_one() {
        let gate = Gate { local: false, logins: vec!["Basic YTpi".to_owned(), "ApiKey k".to_owned()] };
        assert_eq!(check(&gate, &[("authorization", "Basic YTpi")]), Ok(()));
        assert_eq!(check(&gate, &[("authorization", "ApiKey k")]), Ok(()));
        assert_eq!(check(&gate, &[("authorization", "Basic YTp")]), Err(Refusal::Login));
        assert_eq!(check(&gate, &[]), Err(Refusal::Login));
    }

    #[test]
    fn other_sites_may_link_but_not_fetch() {
        let gate = Gate { local: true, logins: Vec::new() };
        let fetched = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
        assert_eq!(check(&gate, &fetched), Err(Refusal::ForeignPage));
        let linked = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert_eq!(check(&gate, &linked), Ok(()));
        assert_eq!(check(&gate, &[("sec-fetch-site", "same-origin")]), Ok(()));
    }
}
