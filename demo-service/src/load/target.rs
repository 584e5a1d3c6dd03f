//! A service to put under load.

use hyper::Uri;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// `http://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Authority);

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri = text.parse::<Uri>().ok().filter(|uri| uri.scheme() == Some(&Scheme::HTTP));
        let bare = uri.filter(|uri| uri.path_and_query().is_none_or(|path| path == "/"));
        let authority = bare.and_then(|uri| uri.into_parts().authority);
        let authority = authority.filter(|authority| !authority.as_str().contains('@'));
        authority.map(Self).ok_or_else(|| "write http://HOST:PORT, without a path".to_owned())
    }
}

impl Target {
    /// Name or address, without the brackets of IPv6.
    pub fn host(&self) -> &str {
        self.0.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether it can only be on this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The URI of something on it.
    pub fn uri(&self, path: PathAndQuery) -> Uri {
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.0.clone()).path_and_query(path);
        uri.build().expect("scheme, authority and path make a URI")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plain_address_is_refused() {
        assert!("http://shop:80/".parse::<Target>().is_ok());
        let wrong =
            ["", "shop:80", "https://shop", "http://shop/simple", "http://shop?a=1", "http://u:p@shop"];
        for text in wrong {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
