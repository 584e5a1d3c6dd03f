//! `output.syslog`.

use super::address::host_port;
use super::key::{Key, Kind, key};
use super::mistake::shown;
use super::output::{TLS, tls};
use super::root::host_name;
use super::section::{Field, Section};
use super::{Address, CloudFoundry, Dialect, Environment, Syslog, Tls, Transport};

static CLOUD_FOUNDRY: [Key; 10] = [
    key("app_id", Kind::Text { default: "`application_id` of `VCAP_APPLICATION`" }, "`cf_app_id`."),
    key("app_name", Kind::Text { default: "`application_name` of `VCAP_APPLICATION`" }, "`cf_app_name`."),
    key(
        "org",
        Kind::Text { default: "`organization_name` of `VCAP_APPLICATION`" },
        "`cf_org_name`; part of the index name.",
    ),
    key(
        "space",
        Kind::Text { default: "`space_name` of `VCAP_APPLICATION`" },
        "`cf_space_name`; part of the index name.",
    ),
    key(
        "instance",
        Kind::Text { default: "`instance_index` of `VCAP_APPLICATION`, `CF_INSTANCE_INDEX`, else 0" },
        "`source_instance` and `job_index`, a whole number.",
    ),
    key("source_type", Kind::Text { default: "`APP/PROC/WEB`" }, "`source_type`."),
    key("origin", Kind::Text { default: "`rep`" }, "`origin`."),
    key("deployment", Kind::Text { default: "`cf`" }, "`deployment`."),
    key("job", Kind::Text { default: "`web`" }, "`job`."),
    key("ip", Kind::Text { default: "`CF_INSTANCE_INTERNAL_IP`, `CF_INSTANCE_IP`, else 127.0.0.1" }, "`ip`."),
];

pub(super) static KEYS: [Key; 4] = [
    key(
        "url",
        Kind::Text { default: "required" },
        "`tcp://host:port`, `tls://host:port` or `udp://host:port`; without a port 5514, with TLS 6514.",
    ),
    key(
        "dialect",
        Kind::Choice { default: "logsearch", values: &["logsearch", "rfc5424"], later: &[] },
        "`logsearch`: what Logsearch's filters take apart, one message a line, metrics as lines of their own. `rfc5424`: the ECS \
         document as the message, with octet counting over TCP and TLS.",
    ),
    key("tls", Kind::Section(&TLS), "Certificates; for `tls://`."),
    key(
        "cloud_foundry",
        Kind::Section(&CLOUD_FOUNDRY),
        "Messages for Logsearch's Cloud Foundry add-on, as an app's own. Taken where this key is there or the variable \
         `VCAP_APPLICATION` is set; only with the dialect `logsearch`.",
    ),
];

/// Reads the section.
pub(super) fn resolve(section: &Section<'_>) -> Option<Syslog> {
    let dialect = dialect(section);
    let tls = tls(&section.section("tls"), &[]);
    let Some(field) = section.field("url") else {
        section.missing("url", "name the receiver, such as `url: tcp://logsearch:5514`");
        return None;
    };
    let (transport, address) =
        destination(&field.text()?, tls).map_err(|(found, remedy)| field.mistake(found, remedy)).ok()?;
    if !matches!(transport, Transport::Tls(_)) && section.has("tls") {
        section.walk.warn(field.at, &section.path_of("tls"), "is not used", "write a tls:// URL");
    }
    Some(Syslog { shipper: host_name(), transport, address, dialect })
}

/// Reads `tcp://host:port` and its like.
pub(super) fn destination(url: &str, tls: Tls) -> Result<(Transport, Address), (String, String)> {
    let remedy = "write it like `tcp://logsearch:5514`, with tcp, tls or udp";
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err((format!("{} is no URL: it has no scheme", shown(url)), remedy.to_owned()));
    };
    let (transport, port) = match scheme {
        "tcp" => (Transport::Tcp, 5514),
        "udp" => (Transport::Udp, 5514),
        "tls" => (Transport::Tls(tls), 6514),
        _ => return Err((format!("{} has another scheme", shown(url)), remedy.to_owned())),
    };
    Ok((transport, host_port(rest, port)?))
}

fn dialect(section: &Section<'_>) -> Dialect {
    let below = section.section("cloud_foundry");
    let is_stated = section.field("cloud_foundry").is_some();
    let is_plain = section.choice("dialect") == "rfc5424";
    if is_plain && is_stated {
        below.walk.mistake(
            below.at,
            &below.path,
            "does not go with `dialect: rfc5424`",
            "remove one of them",
        );
    }
    if is_plain {
        return Dialect::Rfc5424;
    }
    let known = from_environment(section.walk.environment);
    if !is_stated && known.is_none() {
        return Dialect::Logsearch;
    }
    let known = known.unwrap_or_else(|| others(section.walk.environment));
    let given = |name: &str, known: &str| match below.text(name) {
        Some(text) => text,
        None => known.to_owned(),
    };
    let required = |name: &str, known: &str| {
        let text = given(name, known);
        if text.is_empty() {
            below.missing(name, "name it, or set VCAP_APPLICATION as Cloud Foundry does");
        }
        text
    };
    let instance = given("instance", &known.instance);
    if instance.parse::<u32>().is_err()
        && let Some(field) = below.field("instance")
    {
        not_a_number(field, &instance);
    }
    Dialect::CloudFoundry(Box::new(CloudFoundry {
        app_id: required("app_id", &known.app_id),
        app_name: required("app_name", &known.app_name),
        org: required("org", &known.org),
        space: required("space", &known.space),
        job_index: instance.clone(),
        instance,
        source_type: given("source_type", &known.source_type),
        origin: given("origin", &known.origin),
        deployment: given("deployment", &known.deployment),
        job: given("job", &known.job),
        ip: given("ip", &known.ip),
    }))
}

fn not_a_number(field: &Field<'_>, text: &str) {
    field.mistake(format!("{} is not a whole number", shown(text)), "write digits only");
}

/// The dialect of `--to`, which only the environment can refine.
pub(super) fn dialect_of(environment: &Environment<'_>) -> Dialect {
    from_environment(environment).map_or(Dialect::Logsearch, |app| Dialect::CloudFoundry(Box::new(app)))
}

/// Who this app is, where Cloud Foundry says so.
fn from_environment(environment: &Environment<'_>) -> Option<CloudFoundry> {
    let text = environment.text("VCAP_APPLICATION").ok()??;
    let application: serde_json::Value = serde_json::from_str(&text).ok()?;
    let known = |key: &str| match &application[key] {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let others = others(environment);
    let instance =
        Some(known("instance_index")).filter(|text| !text.is_empty()).unwrap_or(others.instance.clone());
    Some(CloudFoundry {
        app_id: known("application_id"),
        app_name: known("application_name"),
        org: known("organization_name"),
        space: known("space_name"),
        job_index: instance.clone(),
        instance,
        ..others
    })
}

/// What has a value without `VCAP_APPLICATION`.
fn others(environment: &Environment<'_>) -> CloudFoundry {
    let variable = |name: &str| environment.text(name).ok().flatten();
    let instance = variable("CF_INSTANCE_INDEX").unwrap_or_else(|| "0".into());
    let ip = variable("CF_INSTANCE_INTERNAL_IP").or_else(|| variable("CF_INSTANCE_IP"));
    CloudFoundry {
        job_index: instance.clone(),
        instance,
        source_type: "APP/PROC/WEB".into(),
        origin: "rep".into(),
        deployment: "cf".into(),
        job: "web".into(),
        ip: ip.unwrap_or_else(|| "127.0.0.1".into()),
        ..CloudFoundry::default()
    }
}
