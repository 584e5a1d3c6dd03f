//! URLs of outputs and the address of the status page.

use super::mistake::shown;
use super::{Address, Secret};
use std::net::{IpAddr, SocketAddr};

/// An output's base URL, taken apart.
#[derive(Debug)]
pub(super) struct BaseUrl {
    /// Without log-in, query and trailing slash.
    pub(super) url: String,
    /// User name and password of the URL.
    pub(super) login: Option<(String, Secret)>,
    /// Whether the connection is encrypted.
    pub(super) encrypted: bool,
    /// Whether it stays on this machine.
    pub(super) loopback: bool,
}

/// Finding and remedy.
pub(super) type Problem = (String, String);

/// Reads `http(s)://[user:password@]host[:port][/prefix]`.
///
/// Without a port the scheme's own is taken (80, 443), as every HTTP client does.
pub(super) fn base_url(text: &str) -> Result<BaseUrl, Problem> {
    let example = "write it like `https://es1:9200`";
    let problem = |found: &str| (format!("{} {found}", shown(text)), example.to_owned());
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(problem("is no URL: it has no scheme"));
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(problem("has another scheme than http and https"));
    }
    if text.chars().any(|character| character.is_control() || character.is_whitespace()) {
        return Err(problem("holds a blank or a control character"));
    }
    check_port(rest).map_err(|found| problem(&found))?;
    let mut url = reqwest::Url::parse(text).map_err(|error| problem(&format!("is no URL: {error}")))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(problem("has a query or a fragment"));
    }
    let login = take_login(&mut url).map_err(problem)?;
    let loopback = url.host_str().is_some_and(is_loopback);
    Ok(BaseUrl {
        encrypted: url.scheme() == "https",
        url: url.as_str().trim_end_matches('/').to_owned(),
        login,
        loopback,
    })
}

/// Reads `host[:port]`, where an IPv6 address stands in brackets.
pub(super) fn host_port(text: &str, default_port: u16) -> Result<Address, Problem> {
    let remedy = format!("write it like `logstash-1:{default_port}` or `[::1]:{default_port}`");
    let problem = |found: &str| (format!("{} {found}", shown(text)), remedy.clone());
    if text.contains("://") {
        return Err(problem("is a URL; only host and port are wanted here"));
    }
    if let Some(bad) = text.chars().find(|c| c.is_control() || c.is_whitespace() || "/?#@\\".contains(*c)) {
        return Err(problem(&format!("holds {}", shown(&bad.to_string()))));
    }
    check_port(text).map_err(|found| problem(&found))?;
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.map_or(Ok(default_port), port_number).map_err(|found| problem(&found))?;
    Ok(Address { host: host.to_owned(), port })
}

/// The URL parser's word for `:70000` is "invalid port number"; this names it.
fn check_port(rest: &str) -> Result<(), String> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    if host.is_empty() || host.starts_with(':') {
        return Err("has no host".into());
    }
    let behind_brackets = host.rsplit(']').next().unwrap_or(host);
    match behind_brackets.rsplit_once(':') {
        None => Ok(()),
        Some((_, port)) => port_number(port).map(|_| ()),
    }
}

fn port_number(text: &str) -> Result<u16, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("has a port that is no number".into());
    }
    match text.parse::<u16>() {
        Ok(0) | Err(_) => Err(format!("has the port {}; ports go from 1 to 65535", shown(text))),
        Ok(port) => Ok(port),
    }
}

fn take_login(url: &mut reqwest::Url) -> Result<Option<(String, Secret)>, &'static str> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let username = decoded(url.username()).ok_or("has a user name that is not UTF-8")?;
    let password = decoded(url.password().unwrap_or("")).ok_or("has a password that is not UTF-8")?;
    if username.is_empty() || password.is_empty() {
        return Err("has half a log-in: user name and password go together");
    }
    if format!("{username}{password}").chars().any(char::is_control) || username.contains(':') {
        return Err("has a log-in with a control character or a colon in the user name");
    }
    let cleared = url.set_username("").is_ok() && url.set_password(None).is_ok();
    debug_assert!(cleared, "http URLs can lose their log-in");
    Ok(Some((username, Secret::new(password))))
}

/// Percent-decoding.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).ok()
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Reads the status page's address: an IP address or `localhost`, and a port. Port 0 lets the system choose.
pub(super) fn listen(text: &str) -> Result<SocketAddr, Problem> {
    let remedy = "write it like `127.0.0.1:5066` or `[::1]:5066`";
    let problem = |found: String| (format!("{} {found}", shown(text)), remedy.to_owned());
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(problem("has no port".into()));
    };
    let port = match port {
        "0" => 0,
        _ => port_number(port).map_err(problem)?,
    };
    let ip = match host {
        "localhost" => IpAddr::from([127, 0, 0, 1]),
        _ => {
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            let bracketed = bare.len() != host.len();
            let ip: IpAddr = bare.parse().map_err(|_| problem("names no IP address".into()))?;
            if ip.is_ipv6() != bracketed {
                return Err(problem("has brackets missing or too many".into()));
            }
            ip
        }
    };
    Ok(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_lose_log_in_and_trailing_slash() {
        let check = |text: &str, url: &str, login: Option<(&str, &str)>| {
            let base = base_url(text).unwrap_or_else(|(found, _)| panic!("{text}: {found}"));
            assert_eq!(base.url, url);
            let found = base.login.as_ref().map(|(name, password)| (name.as_str(), password.reveal()));
            assert_eq!(found, login, "{text}");
        };
        check("https://es1:9200", "https://es1:9200", None);
        check("https://es1:9200/", "https://es1:9200", None);
        check("https://gate/es/prefix/", "https://gate/es/prefix", None);
        check("http://[::1]:9200", "http://[::1]:9200", None);
        check("HTTP://ES1", "http://es1", None);
        check("https://me:p%40ss%3A@es:9200/x/", "https://es:9200/x", Some(("me", "p@ss:")));
        check("https://me:p@ss@es", "https://es", Some(("me", "p@ss")));
    }

    #[test]
    fn bad_urls_say_what_is_wrong_without_the_log_in() {
        let check = |text: &str, words: &str| {
            let (found, _) = base_url(text).expect_err(text);
            assert!(found.contains(words), "{text}: {found}");
            assert!(!found.contains("canary"), "{found}");
        };
        check("es1:9200", "no scheme");
        check("ftp://es1", "another scheme");
        check("https://", "no host");
        check("https://:9200", "no host");
        check("https://es1:70000", "the port `70000`; ports go from 1 to 65535");
        check("https://es1:0", "the port `0`");
        check("https://es1:92x0", "port that is no number");
        check("https://es1:", "port that is no number");
        check("https://es1:-5", "port that is no number");
        check("https://es 1", "a blank");
        check("https://es1?x=1", "query");
        check("https://[::1", "no URL");
        check("https://me:canary@es1:92x0", "port that is no number");
        check("https://me:canary@", "no host");
        check("https://me:canary@es1:70000", "`70000`");
        check("ftp://me:canary@es1", "another scheme");
        check("me:canary@es1", "no scheme");
        check("https://:canary@es1", "half a log-in");
        check("https://me:canary%00@es1", "control character");
        check("https://me:canary%zz@es1", "not UTF-8");
    }

    #[test]
    fn hosts_with_and_without_port() {
        for (text, shown) in [
            ("logstash", "logstash:5044"),
            ("logstash:1", "logstash:1"),
            ("127.0.0.1:5044", "127.0.0.1:5044"),
            ("[::1]:7", "[::1]:7"),
            ("[::1]", "[::1]:5044"),
        ] {
            assert_eq!(
                host_port(text, 5044).unwrap_or_else(|(found, _)| panic!("{found}")).to_string(),
                shown
            );
        }
        for (text, words) in [
            ("http://logstash", "is a URL"),
            ("me:pw@logstash", "holds `@`"),
            ("log stash", "holds ` `"),
            ("", "has no host"),
            ("logstash:0", "the port `0`"),
            ("logstash:x", "port that is no number"),
            ("::1", "no host"),
            ("fe80::1:5044", "no number"),
            ("logstash/x", "holds `/`"),
        ] {
            let (found, _) = host_port(text, 5044).expect_err(text);
            assert!(found.contains(words), "{text}: {found}");
        }
    }

    #[test]
    fn loopback_is_known() {
        for (text, loopback) in [
            ("http://localhost:9200", true),
            ("http://127.1.2.3", true),
            ("http://[::1]:1", true),
            ("http://es1", false),
            ("http://10.0.0.1", false),
            ("http://127.0.0.1.example.org", false),
        ] {
            assert_eq!(base_url(text).expect(text).loopback, loopback, "{text}");
        }
    }

    #[test]
    fn listen_addresses() {
        for text in ["127.0.0.1:5066", "localhost:5066", "[::1]:5066", "0.0.0.0:1", "127.0.0.1:0"] {
            listen(text).unwrap_or_else(|(found, _)| panic!("{found}"));
        }
        for (text, words) in [
            ("5066", "has no port"),
            ("127.0.0.1", "has no port"),
            (":5066", "no IP address"),
            ("host:5066", "no IP address"),
            ("127.0.0.1:70000", "`70000`"),
            ("127.0.0.1:x", "no number"),
            ("::1:5066", "brackets"),
            ("[127.0.0.1]:1", "brackets"),
        ] {
            let (found, _) = listen(text).expect_err(text);
            assert!(found.contains(words), "{text}: {found}");
        }
    }
}
