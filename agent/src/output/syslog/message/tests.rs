use super::*;
use regex::Regex;

const DOCUMENT: &str = r#"{"@timestamp":"2026-08-21T10:15:30.123456789Z","message":"GET /simple 200","ecs":{"version":"8.17.0"},"log":{"level":"info","logger":"demo_service::http","file":{"path":"logs/demo.log"},"offset":1024},"host":{"name":"web-1"},"service":{"name":"demo-service","environment":"dev"},"process":{"pid":4711},"event":{"dataset":"app","created":"2026-08-21T10:15:30.200Z""#;

fn document(members: &str) -> String {
    format!("{DOCUMENT}{members}}}}}")
}

fn write(dialect: &Dialect, document: &str) -> Vec<String> {
    Writer::new(dialect, "web-1").write(document.as_bytes()).unwrap().texts
}

#[test]
fn shape_a_is_the_published_message_byte_for_byte() {
    let written = write(&Dialect::Logsearch, &document(r#","duration":3000000"#));
    let expected = r#"<14>1 2026-08-21T10:15:30.123456Z web-1 demo-service 4711 - [agent@32473 type="json" host="web-1" service="demo-service" environment="dev" path="logs/demo.log" offset="1024"] {"timestamp":"2026-08-21T10:15:30.123Z","level":"INFO","logger":"demo_service::http","message":"GET /simple 200","duration_ms":3}"#;
    assert_eq!(written, [expected]);
    assert_eq!(expected.len(), 304);
}

#[test]
fn shape_b_is_the_published_message_byte_for_byte() {
    let app = CloudFoundry {
        app_id: "7c1f0a54-6d0c-4a0e-9d55-0b1a2c3d4e5f".into(),
        app_name: "demo-service".into(),
        org: "Demo".into(),
        space: "Dev".into(),
        instance: "0".into(),
        source_type: "APP/PROC/WEB".into(),
        origin: "rep".into(),
        deployment: "compose".into(),
        job: "web".into(),
        job_index: "0".into(),
        ip: "10.0.0.7".into(),
    };
    let expected = r#"<14>1 2026-08-21T10:15:30.123456Z web-1 doppler 4711 - - {"event_type":"LogMessage","timestamp":1787307330123456789,"msg":"{\"timestamp\":\"2026-08-21T10:15:30.123Z\",\"level\":\"INFO\",\"logger\":\"demo_service::http\",\"message\":\"GET /simple 200\"}","level":"info","message_type":"OUT","source_type":"APP/PROC/WEB","source_instance":"0","cf_app_id":"7c1f0a54-6d0c-4a0e-9d55-0b1a2c3d4e5f","cf_app_name":"demo-service","cf_org_name":"Demo","cf_space_name":"Dev","origin":"rep","deployment":"compose","job":"web","job_index":"0","ip":"10.0.0.7","time":"2026-08-21T10:15:30Z"}"#;
    assert_eq!(write(&Dialect::CloudFoundry(Box::new(app)), &document("")), [expected]);
}

#[test]
fn shape_c_is_the_published_message_byte_for_byte() {
    let metric = r#"{"@timestamp":"2026-08-21T10:15:30Z","event":{"kind":"metric"},"host":{"name":"web-1"},"service":{"name":"demo-service"},"process":{"pid":1},"agent":{"queue":{"events":42}}}"#;
    let expected = r#"<13>1 2026-08-21T10:15:30Z web-1 demo-service - - [agent@32473 type="metric" host="web-1"] agent.queue.events 42 1787307330"#;
    assert_eq!(write(&Dialect::Logsearch, metric), [expected]);
}

#[test]
fn rfc_5424_carries_the_whole_document() {
    let written = write(
        &Dialect::Rfc5424,
        r#"{"@timestamp":"2026-08-21T10:15:30.5Z","log":{"level":"error"},"message":"m"}"#,
    );
    assert_eq!(
        written,
        [
            r#"<11>1 2026-08-21T10:15:30.500Z web-1 blueox - - - {"@timestamp":"2026-08-21T10:15:30.5Z","log":{"level":"error"},"message":"m"}"#
        ]
    );
}

#[test]
fn what_else_an_event_has_stands_behind_what_logsearch_lifts() {
    let members = r#","outcome":"failure"},"error":{"type":"Timeout","message":"5s","stack_trace":"at a\nat b"},"labels":{"user":"u1"},"x":{"y":1"#;
    let written = write(&Dialect::Logsearch, &document(members));
    let (_, json) = written[0].split_once("] ").unwrap();
    let expected = r#"{"timestamp":"2026-08-21T10:15:30.123Z","level":"INFO","logger":"demo_service::http","message":"GET /simple 200","exception":"Timeout: 5s\nat a\nat b","event":{"outcome":"failure"},"labels":{"user":"u1"},"x":{"y":1}}"#;
    assert_eq!(json, expected);
}

#[test]
fn what_cannot_be_a_message_is_refused() {
    let writer = Writer::new(&Dialect::Logsearch, "web-1");
    assert_eq!(writer.write(b"[]").unwrap_err(), NoMessage::NotAnObject);
    let long = format!("{{\"message\":\"{}\"}}", "x".repeat(LOGSEARCH_MAX));
    assert!(matches!(writer.write(long.as_bytes()).unwrap_err(), NoMessage::TooLong { .. }));
}

/// What Logsearch's ingestor makes of a line: its two steps of patterns, in the syntax of this crate. From
/// `syslog_standard.conf` of cloudfoundry-community/logsearch-boshrelease and the patterns that ship with Logstash.
#[derive(Debug, PartialEq)]
struct Parsed {
    host: String,
    program: String,
    procid: String,
    parameters: Vec<(String, String)>,
    message: String,
}

fn logsearch(line: &str) -> Result<Parsed, &'static str> {
    let label = "[0-9A-Za-z][0-9A-Za-z-]{0,62}";
    let whole = format!(
        r"(?:[0-9]+ )?<(?:[1-9][0-9]*)>\s*(?:(?P<version>[0-9]+) )?(?:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]+)?(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})) (?P<host>{label}(?:\.{label})*\.?) (?P<program>.*?)(?:\[(?:[1-9][0-9]*)\])?:? (?P<rest>.*)"
    );
    let found = Regex::new(&whole).unwrap();
    let found = found.captures(line).ok_or("_grokparsefailure")?;
    let behind =
        Regex::new(r"^(?P<procid>.*?) (?:.*?)(?: (?P<sd>(?:\[.*?\])+)| -)? (?P<message>.*)").unwrap();
    let behind = behind.captures(found.name("rest").unwrap().as_str()).ok_or("5424")?;
    let mut parameters = Vec::new();
    if let Some(sd) = behind.name("sd") {
        let element = Regex::new(r"\[(?:.*?) (?P<raw>[^\]]+)\]").unwrap();
        let raw = element.captures(sd.as_str()).ok_or("5424/sds")?;
        let pairs = Regex::new(r#"([^ =]+)="([^"]*)""#).unwrap();
        parameters =
            pairs.captures_iter(&raw["raw"]).map(|pair| (pair[1].to_owned(), pair[2].to_owned())).collect();
    }
    Ok(Parsed {
        host: found["host"].to_owned(),
        program: found["program"].to_owned(),
        procid: behind["procid"].to_owned(),
        parameters,
        message: behind["message"].to_owned(),
    })
}

/// The patterns do refuse what the reference says they refuse: else the test below would show nothing.
#[test]
fn the_published_patterns_break_on_what_is_said_to_break_them() {
    let line = |head: &str, sd: &str, message: &str| format!("{head} {sd} {message}");
    let good = "<14>1 2026-08-21T10:15:30Z web-1 app 1 -";
    assert!(logsearch(&line(good, "-", "{}")).is_ok());
    for head in [
        "<14>1 2026-08-21T10:15:30Z - app 1 -",
        "<14>1 - web-1 app 1 -",
        "<0>1 2026-08-21T10:15:30Z web-1 app 1 -",
        "<14>1 2026-08-21T10:15:30Z web_1 app 1 -",
    ] {
        assert_eq!(logsearch(&line(head, "-", "{}")), Err("_grokparsefailure"), "{head}");
    }
    assert_eq!(logsearch(&line(good, "[id@1]", "{}")), Err("5424/sds"));
    let cut = logsearch(&line(good, r#"[id@1 a="1]2" b="3"]"#, "{}")).unwrap();
    assert!(cut.parameters.is_empty() || cut.message != "{}", "{cut:?}");
    let two = logsearch(&line(good, r#"[id@1 a="1"][id@2 b="2"]"#, "{}")).unwrap();
    assert_eq!(two.parameters, [("a".to_owned(), "1".to_owned())]);
    let shifted = logsearch("<14>1 2026-08-21T10:15:30Z web-1 my app 1 - - {}").unwrap();
    assert_ne!(shifted.procid, "1");
}

/// Each row of the reference's table "what breaks it", met by an event that has it.
#[test]
fn events_that_would_break_logsearch_arrive_whole() {
    let check = |shipper: &str, host: &str, service: &str, environment: &str, message: &str| {
        let document = serde_json::json!({
            "@timestamp": "2026-08-21T10:15:30.000Z", "message": message, "log": {"level": "warn"},
            "host": {"name": host}, "service": {"name": service, "environment": environment},
        });
        let writer = Writer::new(&Dialect::Logsearch, shipper);
        let written = writer.write(document.to_string().as_bytes()).unwrap().texts.remove(0);
        assert!(
            !written.contains('\n') && !written.contains('\u{feff}'.to_string().as_str())
                || message.contains('\u{feff}')
        );
        let parsed = logsearch(&written).unwrap_or_else(|tag| panic!("{tag}: {written}"));
        assert!(parsed.message.starts_with("{\""), "{parsed:?}");
        let json: Value = serde_json::from_str(&parsed.message).unwrap();
        assert_eq!(json["message"], message);
        assert_eq!(parsed.parameters.len(), 4, "{parsed:?}");
        parsed
    };
    let parameter = |parsed: &Parsed, name: &str| {
        parsed.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap()
    };
    assert_eq!(check("shop_web_1", "shop_web_1", "shop", "dev", "m").host, "shop-web-1");
    assert_eq!(check("-", "-", "shop", "dev", "m").host, "localhost");
    assert_eq!(check("", "", "shop", "dev", "m").host, "localhost");
    assert_eq!(check("a..b_", "h", "shop", "dev", "m").host, "a.b-");
    let quoted = check("web-1", "h", "shop", r#"a]b"c\d"#, "m");
    assert_eq!(parameter(&quoted, "environment"), "a_b_c_d");
    assert_eq!(check("web-1", "h", "my app", "dev", "m").program, "my_app");
    assert_eq!(check("web-1", "h", "a[1]:", "dev", "m").program, "a_1__");
    check("web-1", "h", "shop", "dev", "[swallowed] as structured data");
    check("web-1", "h", "shop", "dev", "two\nlines, and\r\nmore");
    check("web-1", "h", "shop", "dev", "\u{feff}a byte order mark");
    check("web-1", "h", "shop", "dev", "# a comment, or so");
    check("web-1", "h", "shop", "dev", "");
    let nameless =
        Writer::new(&Dialect::Logsearch, "web-1").write(br#"{"@timestamp":"2026-08-21T10:15:30Z"}"#).unwrap();
    assert!(logsearch(&nameless.texts[0]).unwrap().message.starts_with("{\""));
    for level in ["fatal", "error", "warn", "info", "debug", "trace", ""] {
        let document =
            format!(r#"{{"@timestamp":"2026-08-21T10:15:30Z","log":{{"level":"{level}"}},"message":"m"}}"#);
        logsearch(&write(&Dialect::Logsearch, &document)[0]).unwrap();
    }
}
