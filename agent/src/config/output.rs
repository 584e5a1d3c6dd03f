//! `output`: the one place events go to.

use super::address::{BaseUrl, base_url, host_port};
use super::document::Value;
use super::key::{Key, Kind, key, later};
use super::login;
use super::mistake::shown;
use super::section::{Field, Section};
use super::source::reason;
use super::{Elasticsearch, Http, Login, Logstash, Output, Secret, Tls, Verify, index, syslog};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};

pub(super) static TLS: [Key; 4] = [
    key(
        "ca",
        Kind::Text { default: "the system's authorities" },
        "PEM file of the authorities that may sign the server's certificate, in place of the system's.",
    ),
    key(
        "certificate",
        Kind::Text { default: "none" },
        "PEM file of the client's certificate chain. Needs `key`.",
    ),
    key("key", Kind::Text { default: "none" }, "PEM file of the client's private key. Needs `certificate`."),
    key(
        "verify",
        Kind::Choice { default: "full", values: &["full", "none"], later: &[] },
        "`full` checks chain, dates and name. `none` checks nothing: anyone on the way can read and change everything; \
         warned of at each start.",
    ),
];

static BULK: [Key; 3] = [
    key(
        "max_bytes",
        Kind::Size { default: "2MiB", min: "64KiB", max: "100MiB" },
        "Most bytes of one request before compression. Larger ones risk HTTP 413 and take `max_bytes × in_flight` of memory.",
    ),
    key(
        "linger",
        Kind::Duration { default: "100ms", min: "0", max: "60s" },
        "How long an event waits for company before its request leaves. 0 sends at once.",
    ),
    key("in_flight", Kind::Integer { default: 2, min: 1, max: 64 }, "Most requests at once."),
];

static ELASTICSEARCH: [Key; 12] = [
    key(
        "hosts",
        Kind::Texts { default: "required" },
        "Base URLs of nodes of one cluster, `http://` or `https://`, with a path prefix where a proxy needs one. Used in \
         turn; one that fails is left out for a while. Without a port the scheme's own (80, 443) is taken.",
    ),
    key(
        "api_key",
        Kind::Secret,
        "API key, in its `encoded` form or as `id:key`. Not together with `username`.",
    ),
    key("username", Kind::Text { default: "none" }, "User name. Needs `password`."),
    key("password", Kind::Secret, "Password. Needs `username`."),
    key("tls", Kind::Section(&TLS), "Certificates; for `https://` hosts."),
    key(
        "index",
        Kind::Text { default: "`null`: the data stream of the input" },
        "Index or alias to write to in place of the data stream. May hold the event's own date as `%{+yyyy.MM.dd}` (made of \
         yyyy, MM, dd, HH) behind a literal beginning.",
    ),
    key(
        "compression",
        Kind::Integer { default: 1, min: 0, max: 9 },
        "gzip level of requests; 0 is off. Higher levels cost much time for little space.",
    ),
    key("bulk", Kind::Section(&BULK), "Requests."),
    later("headers", "Headers of one's own."),
    later("proxy", "HTTP proxy."),
    later("cloud_id", "Elastic Cloud id."),
    later("pipeline", "Ingest pipeline."),
];

static FILE: [Key; 1] = [key(
    "path",
    Kind::Text { default: "required" },
    "File that documents are appended to, one a line. Must not be one that an input reads.",
)];

static STDOUT: [Key; 0] = [];

static LOGSTASH: [Key; 4] = [
    key(
        "hosts",
        Kind::Texts { default: "required" },
        "Beats inputs, `host` or `host:port` (5044 without one). One is used at a time; when it fails the next.",
    ),
    key(
        "tls",
        Kind::Section(&TLS),
        "TLS. Without this key the connection is plain; `tls: {}` trusts the system's authorities.",
    ),
    key(
        "pipelining",
        Kind::Integer { default: 2, min: 1, max: 8 },
        "Windows under way at once, each of up to 2 MiB and 4096 events. More keep a server far away busy and cost memory, here and there.",
    ),
    key("compression", Kind::Integer { default: 1, min: 0, max: 9 }, "zlib level of windows; 0 is off."),
];

static HTTP: [Key; 5] = [
    key(
        "url",
        Kind::Text { default: "required" },
        "Where to POST: an http input of Logstash, such as `http://logstash:8080`. Each request is a JSON array; its status decides \
         over all events in it.",
    ),
    key("username", Kind::Text { default: "none" }, "User name. Needs `password`."),
    key("password", Kind::Secret, "Password. Needs `username`."),
    key("tls", Kind::Section(&TLS), "Certificates; for an `https://` URL."),
    key("compression", Kind::Integer { default: 1, min: 0, max: 9 }, "gzip level of requests; 0 is off."),
];

pub(super) static KEYS: [Key; 6] = [
    key(
        "elasticsearch",
        Kind::Section(&ELASTICSEARCH),
        "`_bulk` requests to Elasticsearch 7 or later, or OpenSearch.",
    ),
    key(
        "logstash",
        Kind::Section(&LOGSTASH),
        "Lumberjack version 2 to Logstash's beats input. At least once: what is not acknowledged is sent again, with the same \
         id in `@metadata._id`.",
    ),
    key(
        "syslog",
        Kind::Section(&syslog::KEYS),
        "Syslog, for Logsearch or any other receiver. Syslog has no acknowledgements: what is on its way when a connection or \
         the receiver breaks is lost, and nobody can count it.",
    ),
    key("http", Kind::Section(&HTTP), "JSON arrays by HTTP POST to Logstash's http input. At least once."),
    key("file", Kind::Section(&FILE), "Documents as NDJSON into a file."),
    key("stdout", Kind::Section(&STDOUT), "Documents as NDJSON on standard output: `stdout: {}`."),
];

/// Reads `output`; `None` where there is none that can be meant.
pub(super) fn resolve(section: &Section<'_>) -> Option<Output> {
    let given: Vec<_> =
        KEYS.iter().map(|key| key.name).filter(|name| section.field(name).is_some()).collect();
    match given[..] {
        ["elasticsearch"] => elasticsearch(&section.section("elasticsearch")).map(Output::Elasticsearch),
        ["logstash"] => logstash(&section.section("logstash")).map(Output::Logstash),
        ["syslog"] => syslog::resolve(&section.section("syslog")).map(Output::Syslog),
        ["http"] => http(&section.section("http")).map(Output::Http),
        ["file"] => file(&section.section("file")).map(Output::File),
        ["stdout"] => {
            section.section("stdout");
            Some(Output::Stdout)
        }
        [] => None,
        _ => {
            let found = format!("{} outputs: {}", given.len(), given.join(", "));
            section.walk.mistake(section.at, &section.path, found, "keep exactly one");
            None
        }
    }
}

fn file(section: &Section<'_>) -> Option<PathBuf> {
    let Some(field) = section.field("path") else {
        section.missing("path", "name the file to write");
        return None;
    };
    let path = field.path()?;
    if std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
        field.mistake("is a directory", "name a file in it");
        return None;
    }
    let parent = path.parent().unwrap_or(&path);
    if let Err(error) = std::fs::metadata(parent) {
        field.mistake(format!("its directory cannot be used: {}", reason(&error)), "create the directory");
        return None;
    }
    Some(path)
}

fn logstash(section: &Section<'_>) -> Option<Logstash> {
    let remedy = "list the beats inputs, such as `hosts: [\"logstash:5044\"]`";
    let parse = |text: &str| host_port(text, LOGSTASH_PORT).map(|address| (address.to_string(), address));
    let hosts = list_of_hosts(section, remedy, parse);
    let output = Logstash {
        hosts,
        tls: section.field("tls").is_some().then(|| tls(&section.section("tls"), &[])),
        pipelining: section.integer("pipelining") as usize,
        compression: section.integer("compression") as u8,
    };
    (!output.hosts.is_empty()).then_some(output)
}

/// Where a beats input listens if nothing else is said.
pub(super) const LOGSTASH_PORT: u16 = 5044;

fn http(section: &Section<'_>) -> Option<Http> {
    let url = match section.field("url") {
        Some(field) => field
            .text()
            .and_then(|url| base_url(&url).map_err(|(found, remedy)| field.mistake(found, remedy)).ok()),
        None => {
            section.missing("url", "name the http input, such as `url: http://logstash:8080`");
            None
        }
    };
    let urls: Vec<BaseUrl> = url.into_iter().collect();
    let login = login::basic(section, urls.first().and_then(|url| url.login.clone()));
    let tls = tls(&section.section("tls"), &urls);
    if let Some(field) = section.field("url") {
        warn_of_plain_login(field, &urls, &login);
    }
    let compression = section.integer("compression") as u8;
    urls.into_iter().next().map(|url| Http { url: url.url, login, tls, compression })
}

fn elasticsearch(section: &Section<'_>) -> Option<Elasticsearch> {
    let urls = hosts(section);
    let login = login::login(section, one_login(section, &urls));
    let tls = tls(&section.section("tls"), &urls);
    let bulk = section.section("bulk");
    if let Some(field) = section.field("hosts") {
        warn_of_plain_login(field, &urls, &login);
    }
    let output = Elasticsearch {
        hosts: urls.into_iter().map(|url| url.url).collect(),
        login,
        tls,
        index: index(section),
        compression: section.integer("compression") as u8,
        bulk_bytes: bulk.size("max_bytes") as usize,
        linger: bulk.duration("linger"),
        in_flight: bulk.integer("in_flight") as usize,
    };
    (!output.hosts.is_empty()).then_some(output)
}

/// Elasticsearch with the defaults of every key but hosts, log-in and authority.
pub(super) fn defaults(host: String, login: Login, tls: Tls) -> Elasticsearch {
    Elasticsearch {
        hosts: vec![host],
        login,
        tls,
        index: None,
        compression: 1,
        bulk_bytes: 2 << 20,
        linger: std::time::Duration::from_millis(100),
        in_flight: 2,
    }
}

fn hosts(section: &Section<'_>) -> Vec<BaseUrl> {
    let remedy = "list the nodes, such as `hosts: [\"https://es1:9200\"]`";
    list_of_hosts(section, remedy, |text| base_url(text).map(|url| (url.url.clone(), url)))
}

/// The items of `hosts`, each read by `parse` into what it is known by and what it means.
fn list_of_hosts<T>(
    section: &Section<'_>,
    remedy: &str,
    parse: impl Fn(&str) -> Result<(String, T), (String, String)>,
) -> Vec<T> {
    let Some(field) = section.field("hosts") else {
        section.missing("hosts", remedy);
        return Vec::new();
    };
    if matches!(&field.node.value, Value::List(nodes) if nodes.is_empty()) {
        field.mistake("is empty", remedy);
    }
    let mut known: Vec<(String, T)> = Vec::new();
    for item in field.items("- ") {
        let Some(text) = item.text() else { continue };
        match parse(&text) {
            Ok((name, _)) if known.iter().any(|(other, _)| *other == name) => {
                item.mistake(format!("{} stands twice", shown(&name)), "keep one");
            }
            Ok(host) => known.push(host),
            Err((found, remedy)) => item.mistake(found, remedy),
        }
    }
    known.into_iter().map(|(_, host)| host).collect()
}

/// The log-in of the URLs, which must be one.
fn one_login(section: &Section<'_>, urls: &[BaseUrl]) -> Option<(String, Secret)> {
    let mut logins = urls.iter().filter_map(|url| url.login.as_ref());
    let first = logins.next()?;
    if logins.any(|login| login != first)
        && let Some(field) = section.field("hosts")
    {
        field.mistake(
            "two log-ins at once: the URLs name different ones",
            "use `username` and `password` for all",
        );
    }
    Some(first.clone())
}

fn warn_of_plain_login(field: &Field<'_>, urls: &[BaseUrl], login: &Login) {
    if matches!(login, Login::None) {
        return;
    }
    for url in urls.iter().filter(|url| !url.encrypted && !url.loopback) {
        let (found, remedy) = plain_login(&url.url);
        field.warn(found, remedy);
    }
}

/// The warning for a log-in that leaves this machine in the clear.
pub(super) fn plain_login(url: &str) -> (String, &'static str) {
    (
        format!("the log-in goes to {} unencrypted, readable for everyone on the way", shown(url)),
        "use https, or a network that nobody else shares",
    )
}

fn index(section: &Section<'_>) -> Option<String> {
    let field = section.not_null("index")?;
    let template = field.text()?;
    match index::check(&template) {
        Ok(()) => Some(template),
        Err((found, remedy)) => {
            field.mistake(found, remedy);
            None
        }
    }
}

pub(super) fn tls(section: &Section<'_>, urls: &[BaseUrl]) -> Tls {
    let given = |name| section.field(name).and_then(|field| Some((field, field.path()?)));
    let verify = match section.choice("verify") {
        "none" => Verify::None,
        _ => Verify::Full,
    };
    if let (Verify::None, Some(field)) = (verify, section.field("verify")) {
        let (found, remedy) = VERIFY_NONE;
        field.warn(found, remedy);
    }
    let (ca, certificate, key) = (given("ca"), given("certificate"), given("key"));
    for (field, path) in [&ca, &certificate].into_iter().flatten() {
        if let Err((found, remedy)) = check_certificates(path) {
            field.mistake(found, remedy);
        }
    }
    if let Some((field, path)) = &key {
        check_key(field, path);
    }
    match (section.has("certificate"), section.has("key")) {
        (true, false) => section.missing("key", "a `certificate` needs its `key`"),
        (false, true) => section.missing("certificate", "a `key` needs its `certificate`"),
        _ => {}
    }
    let any = ["ca", "certificate", "key"].into_iter().any(|name| section.has(name));
    if (any || verify == Verify::None) && !urls.is_empty() && urls.iter().all(|url| !url.encrypted) {
        section.walk.warn(
            section.at,
            &section.path,
            "is not used: every host is plain http",
            "write https:// hosts",
        );
    }
    let path = |given: Option<(&Field<'_>, PathBuf)>| given.map(|(_, path)| path);
    Tls { ca: path(ca), certificate: path(certificate), key: path(key), verify }
}

const VERIFY_NONE: (&str, &str) = (
    "the server's certificate is not checked: anyone on the way can read and change everything",
    "name the authority in `tls.ca` and remove this key",
);

/// Opening a FIFO would wait for its writer, so this asks first.
fn regular(path: &Path) -> Result<(), (String, String)> {
    let shown = super::mistake::shown_path(path);
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err((format!("`{shown}` is not a regular file"), "name a PEM file".into())),
        Err(error) => {
            let found = format!("the file `{shown}` cannot be read: {}", reason(&error));
            Err((found, "name a file this user can read".into()))
        }
    }
}

/// Whether the file holds PEM certificates only a reader of certificates could object to later.
pub(super) fn check_certificates(path: &Path) -> Result<(), (String, String)> {
    let shown = super::mistake::shown_path(path);
    regular(path)?;
    let certificates =
        CertificateDer::pem_file_iter(path).and_then(|found| found.collect::<Result<Vec<_>, _>>());
    match certificates {
        Ok(found) if !found.is_empty() => Ok(()),
        Ok(_) => Err((
            format!("the file `{shown}` holds no certificate"),
            "name a PEM file with `BEGIN CERTIFICATE`".into(),
        )),
        Err(rustls::pki_types::pem::Error::Io(error)) => Err((
            format!("the file `{shown}` cannot be read: {}", reason(&error)),
            "name a file this user can read".into(),
        )),
        Err(_) => {
            Err((format!("the file `{shown}` is not PEM"), "name a PEM file with `BEGIN CERTIFICATE`".into()))
        }
    }
}

/// Whether the file holds a private key; notes it where not.
pub(super) fn check_key(field: &Field<'_>, path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let shown = super::mistake::shown_path(path);
    if let Err((found, remedy)) = regular(path) {
        field.mistake(found, remedy);
        return false;
    }
    let key = PrivateKeyDer::from_pem_file(path);
    let is_key = key.is_ok();
    match key {
        Ok(_) => {}
        Err(rustls::pki_types::pem::Error::Io(error)) => {
            field.mistake(
                format!("the file `{shown}` cannot be read: {}", reason(&error)),
                "name a file this user can read",
            );
        }
        Err(_) => field.mistake(
            format!("the file `{shown}` holds no private key"),
            "name a PEM file with an unencrypted `BEGIN … PRIVATE KEY`",
        ),
    }
    if let Ok(metadata) = std::fs::metadata(path) {
        login::warn_of_wide_mode(field, path, metadata.permissions().mode() & 0o777);
    }
    is_key
}
