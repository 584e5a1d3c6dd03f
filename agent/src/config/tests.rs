use super::key::{Key, Kind};
use super::*;
use std::time::Duration;

const ES: &str = "output: {elasticsearch: {hosts: [http://localhost:9200]}}\n";
const INPUT: &str = "inputs: [{paths: [/nowhere/*.log]}]\n";

fn with(text: &str, variables: &[(&str, &str)]) -> Result<Checked, Mistakes> {
    let environment = Environment::of(variables);
    resolve(text, Path::new("t.yaml"), Path::new("/base"), &environment, root::Replace::default())
}

fn good(text: &str) -> Checked {
    with(text, &[]).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes}"))
}

/// The text has exactly these mistakes, each told by a piece of its line.
fn bad(text: &str, pieces: &[&str]) {
    let mistakes = with(text, &[]).expect_err(text).to_string();
    let lines: Vec<_> = mistakes.lines().collect();
    assert_eq!(lines.len(), pieces.len(), "{text}\n{mistakes}");
    for (line, piece) in lines.iter().zip(pieces) {
        assert!(line.contains(piece), "{text}\nwanted: {piece}\nfound: {line}");
        assert!(line.contains("; "), "a remedy: {line}");
    }
}

fn bad_input(entry: &str, piece: &str) {
    bad(&format!("{ES}inputs: [{{paths: [/nowhere/*.log], {entry}}}]\n"), &[piece]);
}

fn bad_output(entry: &str, piece: &str) {
    bad(&format!("{INPUT}output: {{elasticsearch: {{{entry}}}}}\n"), &[piece]);
}

fn bad_root(entry: &str, piece: &str) {
    bad(&format!("{INPUT}{ES}{entry}\n"), &[piece]);
}

#[test]
fn sample_file_is_valid_and_states_the_defaults() {
    let sample = good(include_str!("../../blueox.sample.yaml"));
    let least = good(
        "inputs: [{paths: [/var/log/**/*.log]}]\noutput: {elasticsearch: {hosts: [http://127.0.0.1:9200]}}\n",
    );
    assert_eq!(format!("{:?}", sample.config), format!("{:?}", least.config));
    assert_eq!(sample.warnings, []);
}

#[test]
fn defaults_without_a_file_are_those_of_the_tables() {
    let arguments = arguments::from_arguments(
        &["/nowhere/*.log".into()],
        "http://localhost:9200",
        Path::new("/base"),
        &Environment::of(&[]),
    );
    let written = good(&format!("{INPUT}{ES}"));
    assert_eq!(format!("{:?}", arguments.unwrap().config), format!("{:?}", written.config));
}

#[test]
fn a_stream_is_read_from_its_queue_and_has_no_settings_of_files() {
    let checked = good(&format!("{ES}inputs: [{{type: stdin}}]\nstate: {{path: '/st[a]te'}}\n"));
    assert_eq!(checked.config.inputs[0].paths, ["/st[[]a[]]te/queue/stdin/*.lines"]);
    let refused = "does not go with `type: stdin`";
    bad(
        &format!("{ES}inputs: [{{type: stdin, paths: [/a], exclude: [b], read_from: end}}]\n"),
        &[refused, refused, refused],
    );
    bad(&format!("{ES}inputs: [{{type: stdin}}, {{type: stdin}}]\n"), &["inputs[0] reads the same stream"]);
    bad(
        &format!("{ES}inputs: [{{paths: ['/s/**']}}, {{type: stdin}}]\nstate: {{path: /s}}\n"),
        &["the dead letters in", "the queues in"],
    );
}

#[test]
fn sample_file_names_every_key() {
    fn check(sample: &str, keys: &[Key]) {
        for key in keys {
            match key.kind {
                Kind::Later { off: None } => {}
                Kind::Section(below) | Kind::Sections(below) => {
                    assert!(sample.contains(&format!("{}:", key.name)), "{}", key.name);
                    check(sample, below);
                }
                // The one secret that goes without an example.
                _ if key.name == "token" => {}
                _ if ["username", "password"].contains(&key.name) => assert!(sample.contains(key.name)),
                _ => assert!(sample.contains(&format!("{}:", key.name)), "{}", key.name),
            }
        }
    }
    check(include_str!("../../blueox.sample.yaml"), &root::KEYS);
}

#[test]
fn every_key_of_the_tables_is_read() {
    // A list of lists fits no key: each one that is read says so.
    fn keys(path: &str, table: &'static [Key], out: &mut Vec<(String, String)>) {
        for key in table {
            let full = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
            let before = out.len();
            match key.kind {
                Kind::Section(below) => keys(&full, below, out),
                Kind::Sections(below) => keys(&format!("{full}[0]"), below, out),
                _ => out.push((full.clone(), "[[]]".into())),
            }
            for (_, text) in &mut out[before..] {
                *text = match key.kind {
                    Kind::Sections(_) => format!("{}: [{{{text}}}]", key.name),
                    Kind::Section(_) => format!("{}: {{{text}}}", key.name),
                    _ => format!("{}: {text}", key.name),
                };
            }
        }
    }
    let mut all = Vec::new();
    keys("", &root::KEYS, &mut all);
    assert!(all.len() > 40, "{}", all.len());
    for (path, text) in all {
        // Of another type the whole section is refused.
        let text = match path.starts_with("inputs[0].tls.") {
            true => text.replacen("[{", "[{type: syslog, ", 1),
            false => text,
        };
        let mistakes = with(&format!("{text}\n"), &[]).expect_err(&text);
        assert!(
            mistakes.0.iter().any(|mistake| mistake.key.starts_with(&path)),
            "{path}: {text}\n{mistakes}"
        );
    }
}

#[test]
fn multiline_takes_one_pattern_and_no_container() {
    for entry in ["multiline: {}", "multiline: {start: a, continues: b}"] {
        bad_input(entry, "not exactly one of `start` and `continues`");
    }
    bad_input("multiline: {start: '('}", "is no valid pattern");
    bad_input("multiline: {start: a}, container: cri", "does not go with `container`");
    good(&format!("inputs: [{{paths: [/nowhere/*.log], multiline: {{start: '^a'}}}}]\n{ES}"));
}

#[test]
fn mistakes_in_processors_are_found_where_they_are() {
    let cases = [
        ("{}", "processors[0]: is not exactly one processor"),
        ("{drop: {field: a, is: [b]}, keep: {field: a, is: [b]}}", "is not exactly one processor"),
        ("{drop: {field: a}}", "processors[0].drop: asks for not exactly one of `is` and `matches`"),
        ("{drop: {field: a, is: [b], matches: c}}", "not exactly one of"),
        ("{drop: {is: [b]}}", "processors[0].drop.field: is missing"),
        ("{keep: {field: a, matches: '('}}", "is no valid pattern: unclosed group"),
        (r"{keep: {field: a, matches: '(a)\1'}}", "is no valid pattern"),
        ("{keep: {field: a, matches: '((a{100}){100}){100}'}}", "takes more than 1 MiB compiled"),
        ("{redact: {secrets: [aws_keys]}}", "unknown kind of secret `aws_keys`"),
        ("{redact: {patterns: ['[']}}", "processors[0].redact.patterns[0]"),
        ("{rename: {from: a}}", "processors[0].rename.to: is missing"),
        ("{sample: {one_in: 0}}", "processors[0].sample.one_in"),
    ];
    for (processor, expected) in cases {
        bad_root(&format!("processors: [{processor}]"), expected);
    }
    good(&format!("{INPUT}{ES}processors: [{{redact: {{}}}}, {{sample: {{}}}}, {{rate_limit: {{}}}}]\n"));
}

#[test]
fn bounds_and_defaults_of_the_tables_are_valid() {
    fn check(keys: &[Key]) {
        for key in keys {
            match key.kind {
                Kind::Section(below) | Kind::Sections(below) => check(below),
                Kind::Size { default, min, max } => {
                    let [default, min, max] = [default, min, max].map(|text| unit::size(text).unwrap());
                    assert!(min <= default && default <= max, "{}", key.name);
                }
                Kind::Duration { default, min, max } => {
                    let [default, min, max] = [default, min, max].map(|text| unit::duration(text).unwrap());
                    assert!(min <= default && default <= max, "{}", key.name);
                }
                Kind::Integer { default, min, max } => {
                    assert!(min <= default && default <= max, "{}", key.name)
                }
                Kind::Choice { default, values, .. } => assert!(values.contains(&default), "{}", key.name),
                _ => {}
            }
        }
    }
    check(&root::KEYS);
}

#[test]
fn whole_configuration_keeps_what_was_written() {
    let checked = good(
        r#"
host: {id: web-1}
inputs:
  - id: shop
    paths: [logs/*.json, "/var/log/x[12].log"]
    exclude: ["*.tmp", /var/log/secret/**]
    format: bunyan
    read_from: end
    max_line: 64KiB
    timezone: "+02:00"
    fields: {service.name: shop, service: {environment: prod}, numeric: 1.50, flag: true, no_bool: no, zip: 0644, quoted: "1"}
    data_stream: {dataset: app.shop, namespace: prod}
output:
  elasticsearch:
    hosts: ["https://es1:9200/", "https://es2:9200/es"]
    api_key: "id:canary"
    tls: {verify: none}
    index: shop-%{+yyyy.MM.dd}
    compression: 6
    bulk: {max_bytes: 1MiB, linger: 1s, in_flight: 4}
state: {path: /var/lib/blueox, retention: 1d}
limits: {memory: 32MiB, open_files: 64, held_files: 2GiB, dead_letters: 10MB}
shutdown: {drain: 0}
monitoring: {listen: null, events: false}
"#,
    );
    let config = checked.config;
    assert_eq!(config.host_id, "web-1");
    let input = &config.inputs[0];
    assert_eq!(input.id.as_deref(), Some("shop"));
    assert_eq!(input.paths, ["/base/logs/*.json", "/var/log/x[12].log"]);
    assert_eq!(input.exclude, ["**/*.tmp", "/var/log/secret/**"]);
    assert_eq!(input.format.as_deref(), Some("bunyan"));
    assert_eq!((input.read_from, input.max_line), (ReadFrom::End, 65536));
    assert_eq!(input.timezone, jiff::tz::TimeZone::fixed(jiff::tz::offset(2)));
    let text = |text: &str| FieldValue::Text(text.into());
    let fields = [
        ("service.name", text("shop")),
        ("service.environment", text("prod")),
        ("numeric", FieldValue::Number("1.50".into())),
        ("flag", FieldValue::Bool(true)),
        ("no_bool", text("no")),
        ("zip", text("0644")),
        ("quoted", text("1")),
    ];
    assert_eq!(input.fields, fields.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!((input.dataset.as_str(), input.namespace.as_str()), ("app.shop", "prod"));
    let Output::Elasticsearch(output) = &config.output else { panic!("{:?}", config.output) };
    assert_eq!(output.hosts, ["https://es1:9200", "https://es2:9200/es"]);
    assert!(matches!(&output.login, Login::ApiKey(key) if key.reveal() == "id:canary"));
    assert_eq!(output.tls.verify, Verify::None);
    assert_eq!(output.index.as_deref(), Some("shop-%{+yyyy.MM.dd}"));
    assert_eq!((output.compression, output.bulk_bytes, output.in_flight), (6, 1 << 20, 4));
    assert_eq!(output.linger, Duration::from_secs(1));
    assert_eq!(config.state.path, Path::new("/var/lib/blueox"));
    assert_eq!(config.state.retention, Duration::from_secs(86_400));
    let limits = &config.limits;
    assert_eq!((limits.memory, limits.open_files), (32 << 20, 64));
    assert_eq!((limits.held_files, limits.dead_letters), (2 << 30, 10_000_000));
    assert_eq!(config.drain, Duration::ZERO);
    assert!(config.monitoring.listen.is_none() && !config.monitoring.events);
    let [warning] = &checked.warnings[..] else { panic!("{:?}", checked.warnings) };
    assert!(warning.to_string().contains("tls.verify: the server's certificate is not checked"), "{warning}");
}

// C01, C02, C07
#[test]
fn all_mistakes_are_shown_at_once_in_the_order_of_the_file() {
    bad(
        "inputs:\n  - path: [/a]\n    max_line: 10x\n    format: jsn\noutput:\n  elasticsearch:\n    hosts: [es1]\nlimits: {memory: 0}\nshutdown: 5s\ncolour: red\n",
        &[
            "t.yaml:2:5: inputs[0]: unknown key `path`; did you mean `paths`?",
            "t.yaml:2:5: inputs[0].paths: is missing",
            "t.yaml:3:15: inputs[0].max_line: `10x` is not a size",
            "t.yaml:4:13: inputs[0].format: unknown value `jsn`",
            "t.yaml:7:13: output.elasticsearch.hosts[0]: `es1` is no URL",
            "t.yaml:8:18: limits.memory: `0` is too small; choose a value from 8MiB to 1TiB",
            "t.yaml:9:11: shutdown: expected a mapping, found a single value",
            "t.yaml:10:1: unknown key `colour`; known here: host, inputs",
        ],
    );
}

// C02
#[test]
fn missing_and_empty_parts_are_mistakes() {
    for text in ["", "# nothing\n", "---\n", "null\n"] {
        bad(text, &["t.yaml:1:1: the configuration is empty"]);
    }
    bad("{}\n", &["inputs: is missing", "output: is missing"]);
    bad("[]\n", &["expected a mapping, found a list", "inputs: is missing", "output: is missing"]);
    bad(ES, &["inputs: is missing"]);
    bad(INPUT, &["output: is missing"]);
    bad(&format!("{ES}inputs: []\n"), &["inputs: is empty"]);
    bad(&format!("{ES}inputs: {{}}\n"), &["inputs: expected a list, found a mapping"]);
    bad(&format!("{ES}inputs: [{{paths: []}}]\n"), &["inputs[0].paths: is empty"]);
    bad(
        &format!("{ES}inputs: [{{paths: /a}}]\n"),
        &["inputs[0].paths: expected a list, found a single value"],
    );
    bad(
        &format!("{ES}inputs: [{{paths: [[/a]]}}]\n"),
        &["inputs[0].paths[0]: expected a single value, found a list"],
    );
    bad(&format!("{ES}inputs: [{{paths: }}]\n"), &["inputs[0].paths: expected a list, found nothing"]);
    bad(&format!("{INPUT}output:\n"), &["output: names no output"]);
    bad(&format!("{INPUT}output: {{stdout: {{}}, file: {{path: /x}}}}\n"), &["output: 2 outputs"]);
    bad_output("", "hosts: is missing");
    bad_output("hosts: []", "hosts: is empty");
    assert!(matches!(good(&format!("{INPUT}output: {{stdout: }}\n")).config.output, Output::Stdout));
    good(&format!("{INPUT}{ES}limits:\nhost:\n"));
}

#[test]
fn syslog_listens_on_loopback_unless_an_address_is_named() {
    let syslog = |keys: &str| format!("{ES}inputs: [{{type: syslog{keys}}}]\n");
    for (keys, expected) in [("", "127.0.0.1:5514"), (", protocol: tcp, listen: '[::]:601'", "[::]:601")] {
        let checked = good(&syslog(keys));
        let Source::Syslog { listen, .. } = checked.config.inputs[0].source else { panic!("{keys}") };
        assert_eq!(listen.to_string(), expected);
        assert!(
            checked.config.inputs[0].paths[0].ends_with(&format!("/queue/syslog-{}/*.lines", listen.port()))
        );
    }
    for (keys, found) in [
        (", listen: 5514", "inputs[0].listen: `5514` has no port"),
        (", listen: localhost", "has no port"),
        (", listen: 'logs:5514'", "names no IP address"),
        (", listen: 127.0.0.1:0", "has the port 0"),
        (", listen: 127.0.0.1:70000", "the port `70000`"),
        (", protocol: tls", "inputs[0].protocol"),
        (", protocol: udp, tls: {certificate: x, key: x}", "does not go with `protocol: udp`"),
        (", paths: [/a]", "does not go with `type: syslog`"),
        (", container: cri", "does not go with `type: syslog`"),
        (", multiline: {start: x}", "does not go with `type: syslog`"),
    ] {
        bad(&syslog(keys), &[found]);
    }
    bad(
        &format!("{ES}inputs: [{{type: stdin, listen: 127.0.0.1:1}}]\n"),
        &["does not go with `type: stdin`"],
    );
    // One port can be open for both, and each has a queue of its own.
    let both = good(&format!("{ES}inputs: [{{type: syslog}}, {{type: syslog, protocol: udp}}]\n"));
    let queues: Vec<_> = both.config.inputs.iter().filter_map(|input| input.source.queue()).collect();
    assert_eq!(queues, ["syslog-5514", "syslog-udp-5514"]);
    bad(
        &format!("{ES}inputs: [{{type: syslog}}, {{type: syslog, protocol: http}}]\n"),
        &["reads the same stream"],
    );
    bad(
        &format!("{ES}inputs: [{{type: syslog}}, {{type: syslog, listen: 0.0.0.0:5514}}]\n"),
        &["reads the same stream"],
    );
}

#[test]
fn certificates_of_a_listener_are_looked_at() {
    let tls = |keys: &str| format!("{ES}inputs: [{{type: syslog, tls: {keys}}}]\n");
    let (certificate, key) = ("inputs[0].tls.certificate: is missing", "inputs[0].tls.key: is missing");
    bad(&tls("{}"), &[certificate, key]);
    bad(&tls("{ca: /nowhere.pem}"), &[certificate, key, "unknown key `ca`"]);
    bad(
        &tls("{certificate: /nowhere.pem, key: /nowhere.key, client_ca: /etc}"),
        &[
            "inputs[0].tls.certificate: the file `/nowhere.pem` cannot be read",
            "inputs[0].tls.key: the file `/nowhere.key` cannot be read",
            "inputs[0].tls.client_ca: `/etc` is not a regular file",
        ],
    );
    bad(&format!("{ES}inputs: [{{type: stdin, tls: {{}}}}]\n"), &["does not go with `type: stdin`"]);
}

#[test]
fn what_this_version_does_not_have_comes_later() {
    for entry in ["encoding: latin1", "ignore_older: 1d"] {
        bad_input(entry, "comes later");
    }
    for name in ["headers: {a: b}", "proxy: x", "cloud_id: x", "pipeline: x"] {
        bad_output(&format!("hosts: [http://localhost:1], {name}"), "comes later");
    }
    good(&format!("{INPUT}{ES}processors: []\n"));
}

// C07, C11, C20
#[test]
fn scalars_are_typed_by_their_key() {
    bad_root("monitoring: {events: yes}", "`yes` is neither `true` nor `false`");
    bad_root("monitoring: {events: no}", "`no` is neither");
    bad_root("limits: {open_files: 1e3}", "`1e3` is not a whole number");
    bad_root("limits: {open_files: 0x10}", "not a whole number");
    bad_root("limits: {open_files: -5}", "not a whole number");
    bad_root("limits: {open_files: 7}", "too small");
    bad_root("limits: {memory: 1ZB}", "it has an unknown unit");
    bad_root("limits: {memory: -1MiB}", "it is negative");
    bad_root("limits: {memory: 99999999999999999999GiB}", "too large to count");
    bad_root("limits: {memory: }", "has no value");
    bad_root("shutdown: {drain: 5}", "it has no unit");
    bad_root("shutdown: {drain: 1h}", "too large");
    assert_eq!(good(&format!("{INPUT}{ES}limits: {{open_files: 0644}}\n")).config.limits.open_files, 644);
    assert_eq!(good(&format!("{INPUT}{ES}host: {{id: no}}\n")).config.host_id, "no");
    let date = good(&format!(
        "{INPUT}output: {{elasticsearch: {{hosts: ['http://[::1]:1'], index: 2024-01-01}}}}\n"
    ));
    assert!(
        matches!(date.config.output, Output::Elasticsearch(Elasticsearch { index: Some(index), .. }) if index == "2024-01-01")
    );
}

// C05
#[test]
fn variables_expand_to_text_that_is_never_read_as_yaml() {
    let text = format!(
        "{ES}inputs: [{{paths: [\"${{DIR:-/nowhere}}/*.log\"], fields: {{a: \"${{V}}\", b: '${{N}}', n: \"${{N}}\"}}}}]\n"
    );
    let variables = [("V", "x: [1, 2]\n- &a"), ("N", "12")];
    let config = with(&text, &variables).unwrap().config;
    assert_eq!(config.inputs[0].paths, ["/nowhere/*.log"]);
    let text_of = |text: &str| FieldValue::Text(text.into());
    let fields = [("a", text_of("x: [1, 2]\n- &a")), ("b", text_of("12")), ("n", text_of("12"))];
    assert_eq!(config.inputs[0].fields, fields.map(|(name, value)| (name.to_owned(), value)));
    bad_root(
        "host: {id: '${BLUEOX_NONE}'}",
        "host.id: the environment variable `BLUEOX_NONE` is not set; set it, or give a default",
    );
    bad_root("host: {id: '${'}", "not closed");
    let limit = format!("{INPUT}{ES}limits: {{memory: '${{M}}'}}\n");
    assert_eq!(with(&limit, &[("M", "64MiB")]).unwrap().config.limits.memory, 64 << 20);
    assert!(with(&limit, &[("M", "much")]).unwrap_err().to_string().contains("`much` is not a size"));
}

// C03, C08, C09
#[test]
fn inputs_are_checked() {
    bad_input("paths: [/b]", "the key `paths` stands twice");
    bad_input("fields: {a: [1]}", "fields.a: a list is no field value");
    bad_input("fields: [a]", "fields: expected a mapping");
    bad_input("fields: {a: 1, a.b: 2}", "clashes with the field `a`");
    bad_input("fields: {a.b: 1, a: {b: 2}}", "clashes with the field `a.b`");
    bad_input("fields: {'@timestamp': 1}", "the agent sets `@timestamp` itself");
    bad_input("fields: {data_stream: {dataset: x}}", "the agent sets `data_stream.dataset` itself");
    bad_input("fields: {a..b: 1}", "no field name");
    bad_input("fields: {a: }", "has no value");
    bad_input("timezone: Mars/Base", "unknown time zone `Mars/Base`");
    bad_input("timezone: '+2:00'", "unknown time zone");
    bad_input("data_stream: {dataset: App}", "not lower case; write `app`");
    bad_input("data_stream: {dataset: app-x}", "a character that data streams do not allow");
    bad_input("data_stream: {namespace: ''}", "1 to 100 bytes");
    bad_input("exclude: ['[']", "no valid glob");
    bad_input("id: ''", "id: is empty");
    bad(
        &format!("{ES}inputs: [{{paths: ['/a/[b']}}]\n"),
        &["inputs[0].paths[0]: `/a/[b` is no valid glob: unclosed character class"],
    );
    bad(&format!("{ES}inputs: [{{paths: ['~/x.log']}}]\n"), &["`~` is not expanded"]);
    bad(&format!("{ES}inputs: [{{paths: [/]}}]\n"), &["is a directory"]);
    bad(
        &format!("{ES}inputs: [{{paths: [/proc/version/x.log]}}]\n"),
        &["cannot be looked up: not a directory"],
    );
    bad(
        &format!("{ES}inputs: [{{id: a, paths: ['/a/*']}}, {{id: a, paths: ['/b/*']}}]\n"),
        &["inputs[1].id: two inputs have the id `a`"],
    );
    let other = good(&format!("{ES}inputs: [{{paths: ['/nowhere/*'], data_stream: {{dataset: nginx}}}}]\n"));
    assert!(other.warnings[0].to_string().contains("`nginx` is neither `app` nor `app.<name>`"));
}

// C06, C12, C21
#[test]
fn one_log_in_at_most_and_a_loud_word_where_it_is_in_the_clear() {
    let host = "hosts: [https://es1]";
    bad_output(&format!("{host}, api_key: 'a:b', username: u, password: p"), "two log-ins at once");
    bad_output("hosts: ['https://u:p@es1'], api_key: 'a:b'", "two log-ins at once");
    bad_output("hosts: ['https://u:p@es1', 'https://u:q@es2']", "two log-ins at once");
    bad_output(&format!("{host}, username: u"), "elasticsearch.password: is missing");
    bad_output(&format!("{host}, password: p"), "elasticsearch.username: is missing");
    bad_output(&format!("{host}, api_key: ''"), "api_key: is empty");
    bad_output(&format!("{host}, api_key: \"a\\r\\nX: y\""), "api_key: holds a line break");
    bad_output(
        &format!("{host}, api_key: {{file: /nowhere/key}}"),
        "api_key.file: the file `/nowhere/key` cannot be read: no such file",
    );
    let warned = |entry: &str, piece: &str| {
        let checked = good(&format!("{INPUT}output: {{elasticsearch: {{{entry}}}}}\n"));
        let warnings: Vec<_> = checked.warnings.iter().map(ToString::to_string).collect();
        assert!(warnings.len() == 1 && warnings[0].contains(piece), "{entry}: {warnings:?}");
    };
    warned("hosts: ['http://u:p@es1:9200']", "the log-in goes to `http://es1:9200` unencrypted");
    warned("hosts: ['http://10.0.0.1'], api_key: 'a:b'", "unencrypted");
    warned("hosts: ['https://es1'], api_key: canary", "neither `id:key` nor base64");
    let (found, _) = (
        good(&format!(
            "{INPUT}output: {{elasticsearch: {{hosts: ['http://es1'], tls: {{verify: none}}}}}}\n"
        )),
        (),
    );
    assert!(found.warnings.iter().any(|warning| warning.to_string().contains("every host is plain http")));
    for entry in
        ["hosts: ['http://u:p@127.0.0.1:9200']", "hosts: ['https://u:p@es1']", "hosts: ['http://es1']"]
    {
        assert_eq!(good(&format!("{INPUT}output: {{elasticsearch: {{{entry}}}}}\n")).warnings, [], "{entry}");
    }
}

#[test]
fn tls_files_are_read_at_the_start() {
    let host = "hosts: [https://es1]";
    bad_output(&format!("{host}, tls: {{ca: ca.pem}}"), "tls.ca: the file `/base/ca.pem` cannot be read");
    bad_output(&format!("{host}, tls: {{ca: /dev/null}}"), "`/dev/null` is not a regular file");
    bad_output(&format!("{host}, tls: {{ca: /proc/version}}"), "holds no certificate");
    bad(
        &format!("{INPUT}output: {{elasticsearch: {{{host}, tls: {{certificate: /x, key: }}}}}}\n"),
        &["tls.key: is missing", "tls.certificate: the file", "tls.key: has no value"],
    );
}

// C11
#[test]
fn sizes_have_to_fit_each_other() {
    bad_output(
        "hosts: [http://localhost:1], bulk: {in_flight: 20}",
        "limits.memory: 24MiB cannot hold 20 requests of 2MiB",
    );
    bad_output("hosts: [http://localhost:1], bulk: {in_flight: 0}", "in_flight: `0` is too small");
    bad_output("hosts: [http://localhost:1], compression: 10", "compression: `10` is too large");
}

// C23
#[test]
fn own_files_are_never_read_again() {
    bad(
        "inputs: [{paths: [/tmp/*.ndjson]}]\noutput: {file: {path: /tmp/out.ndjson}}\n",
        &["output.file.path: the output `/tmp/out.ndjson` is read by inputs[0]"],
    );
    good(
        "inputs: [{paths: [/tmp/*.ndjson], exclude: [out.ndjson]}]\noutput: {file: {path: /tmp/out.ndjson}}\n",
    );
    bad(&format!("inputs: [{{paths: ['**/*.ndjson']}}]\n{ES}"), &["state.path: the dead letters"]);
    bad(
        "inputs: [{paths: [/nowhere/*]}]\noutput: {file: {path: /tmp}}\n",
        &["output.file.path: is a directory"],
    );
    bad(
        "inputs: [{paths: [/nowhere/*]}]\noutput: {file: {path: /nowhere/x}}\n",
        &["its directory cannot be used"],
    );
    bad_root("state: {path: /proc/version}", "state.path: `/proc/version` is not a directory");
}

#[test]
fn status_page_beyond_loopback_needs_a_token() {
    bad_root("monitoring: {listen: 0.0.0.0:5066}", "can be reached from other machines");
    bad_root("monitoring: {listen: 5066}", "has no port");
    bad_root("monitoring: {listen: 127.0.0.1:70000}", "the port `70000`");
    let config = good(&format!("{INPUT}{ES}monitoring: {{listen: 0.0.0.0:5066, token: canary}}\n")).config;
    assert_eq!(config.monitoring.token.map(|token| token.reveal().to_owned()), Some("canary".into()));
}

// C14
#[test]
fn no_secret_is_in_a_debug_print_or_a_message() {
    let text = |output: &str| {
        format!("{INPUT}output: {{elasticsearch: {{{output}}}}}\nmonitoring: {{token: CANARY}}\n")
    };
    for output in [
        "hosts: ['http://u:CANARY@es1'] ",
        "hosts: ['http://es1'], api_key: CANARY",
        "hosts: ['http://es1'], username: u, password: CANARY",
    ] {
        let checked = good(&text(output));
        assert!(!format!("{checked:?}").contains("CANARY"), "{checked:?}");
    }
    for output in [
        "hosts: ['http://u:CANARY@es1:99999']",
        "hosts: ['http//u:CANARY@es1']",
        "hosts: ['u:CANARY@es1']",
        "hosts: ['http://u:CANARY @es1']",
        "hosts: ['http://u:CANARY/x@es1']",
        "hosts: 'http://u:CANARY@es1'",
        "hosts: [{'http://u:CANARY@es1': x}]",
        "'http://u:CANARY@es1': x",
        "hosts: ['http://es1'], api_key: [CANARY]",
        "hosts: ['http://es1'], api_key: {CANARY_KEY: CANARY, fil: CANARY}",
        "hosts: ['http://es1'], api_key: \"CANARY\\n\"",
        "hosts: ['http://es1'], password: CANARY",
        "hosts: ['http://es1'], pasword: CANARY",
        "hosts: ['http://es1'], api_key: *CANARY",
        "hosts: ['http://es1'], api_key: &x CANARY",
        "hosts: ['http://es1'], api_key: @CANARY",
    ] {
        let mistakes = with(&text(output), &[]).expect_err(output);
        let shown = format!("{mistakes} {mistakes:?}").replace("CANARY_KEY", "");
        assert!(!shown.contains("CANARY"), "{output}: {shown}");
    }
}

#[test]
fn log_in_of_the_command_line_comes_from_the_environment() {
    let to = |to: &str, variables: &[(&str, &str)]| {
        arguments::from_arguments(
            &["/nowhere/*.log".into()],
            to,
            Path::new("/base"),
            &Environment::of(variables),
        )
    };
    let login = |variables: &[(&str, &str)]| match to("https://es1", variables).unwrap().config.output {
        Output::Elasticsearch(output) => output.login,
        other => panic!("{other:?}"),
    };
    assert!(matches!(login(&[]), Login::None));
    assert!(matches!(login(&[("BLUEOX_API_KEY", "")]), Login::None));
    assert!(matches!(login(&[("BLUEOX_API_KEY", "a:b")]), Login::ApiKey(key) if key.reveal() == "a:b"));
    let basic = login(&[("BLUEOX_USERNAME", "u"), ("BLUEOX_PASSWORD", "p")]);
    assert!(
        matches!(basic, Login::Basic { username, password } if username == "u" && password.reveal() == "p")
    );
    let invalid = |variables: &[(&str, &str)], piece: &str| match to("https://es1", variables) {
        Err(ConfigError::Invalid(mistakes)) => assert!(mistakes.to_string().contains(piece), "{mistakes}"),
        other => panic!("{other:?}"),
    };
    invalid(&[("BLUEOX_USERNAME", "u")], "BLUEOX_PASSWORD: is not set");
    invalid(&[("BLUEOX_PASSWORD", "p")], "BLUEOX_USERNAME: is not set");
    invalid(&[("BLUEOX_API_KEY", "k"), ("BLUEOX_USERNAME", "u"), ("BLUEOX_PASSWORD", "p")], "two log-ins");
    invalid(&[("BLUEOX_API_KEY", "k"), ("BLUEOX_API_KEY_FILE", "/x")], "are both set");
    invalid(
        &[("BLUEOX_API_KEY_FILE", "/nowhere/k")],
        "BLUEOX_API_KEY_FILE: the file `/nowhere/k` cannot be read",
    );
    invalid(&[("BLUEOX_CA", "/nowhere/ca.pem")], "BLUEOX_CA: the file `/nowhere/ca.pem` cannot be read");
    let clear = to("http://es1", &[("BLUEOX_API_KEY", "a:b")]).unwrap();
    assert!(
        clear.warnings[0].to_string().contains("arguments: --to: the log-in goes to"),
        "{:?}",
        clear.warnings
    );
}

#[test]
fn destinations_of_the_command_line() {
    let to = |to: &str| {
        arguments::from_arguments(&["/nowhere/*.log".into()], to, Path::new("/base"), &Environment::of(&[]))
    };
    assert!(matches!(to("stdout:").unwrap().config.output, Output::Stdout));
    for (text, path) in [("file:out", "/base/out"), ("file:/x/out", "/x/out"), ("file:///x/out", "/x/out")] {
        assert!(
            matches!(to(text).unwrap().config.output, Output::File(found) if found == Path::new(path)),
            "{text}"
        );
    }
    for (text, shown, is_tls) in [
        ("logstash://h:1", "h:1", false),
        ("logstashs://h", "h:5044", true),
        ("logstash://[::1]", "[::1]:5044", false),
    ] {
        let Output::Logstash(logstash) = to(text).unwrap().config.output else { panic!("{text}") };
        assert_eq!((logstash.hosts[0].to_string().as_str(), logstash.tls.is_some()), (shown, is_tls));
    }
    for (text, shown) in
        [("syslog+tcp://h:1", "h:1"), ("syslog+tls://h", "h:6514"), ("syslog+udp://h", "h:5514")]
    {
        let Output::Syslog(syslog) = to(text).unwrap().config.output else { panic!("{text}") };
        assert_eq!((syslog.address.to_string().as_str(), syslog.dialect), (shown, Dialect::Logsearch));
    }
    for text in [
        "",
        "es1:9200",
        "ftp://x",
        "http://",
        "http://es1:70000",
        "stdout",
        "file:",
        "https://u:CANARY@es1",
        "logstash",
        "logstash://",
        "logstash://u:CANARY@h",
        "syslog+tcp://h:0",
        "syslog+tcp",
        "syslog://h",
    ] {
        match to(text) {
            Err(ConfigError::Usage(message)) => assert!(!message.contains("CANARY"), "{message}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn outputs_other_than_elasticsearch_are_read() {
    let output = |text: &str| good(&format!("{INPUT}output: {{{text}}}\n")).config.output;
    let Output::Logstash(logstash) = output("logstash: {hosts: [a, 'b:7'], tls: {}, pipelining: 3}") else {
        panic!()
    };
    let hosts: Vec<String> = logstash.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(
        (hosts, logstash.tls.is_some(), logstash.pipelining, logstash.compression),
        (vec!["a:5044".into(), "b:7".into()], true, 3, 1)
    );
    let Output::Logstash(plain) = output("logstash: {hosts: [a]}") else { panic!() };
    assert!(plain.tls.is_none());
    let Output::Http(http) = output("http: {url: 'http://me:pw@localhost:8080/'}") else { panic!() };
    assert!(http.url == "http://localhost:8080" && matches!(http.login, Login::Basic { .. }));
    let Output::Syslog(syslog) = output("syslog: {url: 'udp://h', dialect: rfc5424}") else { panic!() };
    assert!(matches!(syslog.transport, Transport::Udp) && syslog.dialect == Dialect::Rfc5424);
}

#[test]
fn mistakes_in_other_outputs_are_named() {
    for (text, words) in [
        ("logstash: {}", "output.logstash.hosts: is missing"),
        ("logstash: {hosts: []}", "output.logstash.hosts: is empty"),
        ("logstash: {hosts: ['http://a']}", "is a URL"),
        ("logstash: {hosts: [a, 'a:5044']}", "stands twice"),
        ("logstash: {hosts: [a], pipelining: 9}", "too large"),
        ("logstash: {hosts: [a], tls: {ca: /nowhere.pem}}", "cannot be read"),
        ("http: {}", "output.http.url: is missing"),
        ("http: {url: 'tcp://a'}", "another scheme"),
        ("syslog: {}", "output.syslog.url: is missing"),
        ("syslog: {url: 'h:1'}", "no scheme"),
        ("syslog: {url: 'tcp://h', dialect: rfc5424, cloud_foundry: {}}", "does not go with"),
        (
            "syslog: {url: 'tcp://h', cloud_foundry: {app_id: i, app_name: a, space: s}}",
            "output.syslog.cloud_foundry.org: is missing",
        ),
        ("logstash: {hosts: [a]}, stdout: {}", "keep exactly one"),
    ] {
        bad(&format!("{INPUT}output: {{{text}}}\n"), &[words]);
    }
}

#[test]
fn cloud_foundry_says_who_the_app_is() {
    let vcap = r#"{"application_id":"id-1","application_name":"shop","organization_name":"Demo","space_name":"Dev","instance_index":2}"#;
    let variables = [("VCAP_APPLICATION", vcap), ("CF_INSTANCE_IP", "10.0.0.7")];
    let found = syslog::dialect_of(&Environment::of(&variables));
    let Dialect::CloudFoundry(app) = found else { panic!("{found:?}") };
    let expected = ("id-1", "shop", "Demo", "Dev", "2", "2", "10.0.0.7");
    let found =
        (&*app.app_id, &*app.app_name, &*app.org, &*app.space, &*app.instance, &*app.job_index, &*app.ip);
    assert_eq!(found, expected);
    assert_eq!(syslog::dialect_of(&Environment::of(&[("VCAP_APPLICATION", "{")])), Dialect::Logsearch);
}
