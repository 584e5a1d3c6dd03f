//! `listen`, `protocol` and `tls` of a syslog input: what senders from the network meet.

use super::key::{Key, Kind, key};
use super::mistake::shown;
use super::output::{check_certificates, check_key};
use super::section::Section;
use super::{Protocol, ServerTls, Source, address};
use crate::tls::{TlsError, server_config};
use std::net::SocketAddr;

pub(super) static TLS: [Key; 3] = [
    key(
        "certificate",
        Kind::Text { default: "required" },
        "PEM file of the certificate chain that senders are shown, the listener's own first.",
    ),
    key("key", Kind::Text { default: "required" }, "PEM file of its private key."),
    key(
        "client_ca",
        Kind::Text { default: "none" },
        "PEM file of authorities. With it only senders with a certificate that one of them has signed are let in.",
    ),
];

/// The source of an input of `type: syslog`.
pub(super) fn resolve(section: &Section<'_>) -> Source {
    let tls = || section.field("tls").and_then(|_| tls(&section.section("tls")));
    let protocol = match section.choice("protocol") {
        "http" => Protocol::Http { tls: tls() },
        "udp" => {
            if let Some(field) = section.field("tls") {
                field.mistake("does not go with `protocol: udp`", "remove it, or use `tcp` or `http`");
            }
            Protocol::Udp
        }
        _ => Protocol::Tcp { tls: tls() },
    };
    Source::Syslog { listen: listen(section), protocol }
}

/// Where senders connect; with a fixed port, for they have to know it.
fn listen(section: &Section<'_>) -> SocketAddr {
    let usual = SocketAddr::from(([127, 0, 0, 1], 5514));
    let (Some(field), Some(text)) = (section.field("listen"), section.text("listen")) else { return usual };
    match address::listen(&text) {
        Ok(address) if address.port() > 0 => return address,
        Ok(_) => field.mistake(
            format!("{} has the port 0", shown(&text)),
            "name the port that senders use, such as `127.0.0.1:5514`",
        ),
        Err((found, _)) => field.mistake(found, "write it like `127.0.0.1:5514` or `[::1]:5514`"),
    };
    usual
}

/// `None`: there is a mistake in it, which has been noted.
fn tls(section: &Section<'_>) -> Option<ServerTls> {
    for name in ["certificate", "key"].into_iter().filter(|name| !section.has(name)) {
        section
            .missing(name, "name the PEM files, such as `tls: {certificate: server.pem, key: server.key}`");
    }
    let path = |name| section.field(name).and_then(|field| Some((field, field.path()?)));
    let (certificate, key, client_ca) = (path("certificate"), path("key"), path("client_ca"));
    let mut is_sound = true;
    for (field, path) in [&certificate, &client_ca].into_iter().flatten() {
        if let Err((found, remedy)) = check_certificates(path) {
            field.mistake(found, remedy);
            is_sound = false;
        }
    }
    if let Some((field, path)) = &key {
        is_sound &= check_key(field, path);
    }
    let client_ca = client_ca.map(|(_, path)| path);
    let tls = ServerTls { certificate: certificate?.1, key: key?.1, client_ca };
    if !is_sound {
        return None;
    }
    check_together(section, &tls);
    Some(tls)
}

/// What only the TLS library can judge, of files that are readable.
fn check_together(section: &Section<'_>, tls: &ServerTls) {
    let Err(error) = server_config(tls) else { return };
    let (name, found, remedy) = match &error {
        TlsError::Unusable { source: rustls::Error::InconsistentKeys(_), .. } => (
            "key",
            "does not belong to the first certificate in `certificate`".to_owned(),
            "name the key it was made with, and put the listener's own certificate first",
        ),
        TlsError::Unusable { key, source } => (
            *key,
            format!("cannot be used: {source}"),
            "name a certificate that is whole, in X.509 version 3",
        ),
        other => ("certificate", other.to_string(), "let the agent's user read the files"),
    };
    if let Some(field) = section.field(name) {
        field.mistake(found, remedy);
    }
}
