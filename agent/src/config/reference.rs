//! The reference page of the configuration, made from the tables of keys.

use super::key::{Key, Kind};
use super::root;
use std::fmt::Write;

/// `docs/configuration.md` as it must read.
pub fn reference() -> String {
    let mut page = String::from(HEAD);
    write_table(&mut page, "", &root::KEYS);
    page.push_str(TAIL);
    page
}

fn write_table(page: &mut String, path: &str, keys: &[Key]) {
    for key in keys {
        let full = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        let level = if path.is_empty() { "##" } else { "###" };
        match &key.kind {
            Kind::Section(below) => {
                write_entry(page, level, &full, "a mapping", key.doc);
                write_table(page, &full, below);
            }
            Kind::Sections(below) => {
                write_entry(page, level, &full, "a list of mappings", key.doc);
                write_table(page, &format!("{full}[]"), below);
            }
            kind => write_entry(page, level, &full, &facts(kind), key.doc),
        }
    }
}

fn write_entry(page: &mut String, level: &str, full: &str, facts: &str, doc: &str) {
    let written = write!(page, "\n{level} `{full}`\n\n*{facts}*\n\n{doc}\n");
    debug_assert!(written.is_ok(), "writing to a string");
}

fn facts(kind: &Kind) -> String {
    match kind {
        Kind::Section(_) | Kind::Sections(_) => String::new(),
        Kind::Text { default } => format!("text, default {default}"),
        Kind::Texts { default } => format!("a list of texts, default {default}"),
        Kind::Fields => "a mapping, default empty".into(),
        Kind::Secret => "text or `{file: PATH}`, default none".into(),
        Kind::Size { default, min, max } => format!("size, default {default}, from {min} to {max}"),
        Kind::Duration { default, min, max } => format!("duration, default {default}, from {min} to {max}"),
        Kind::Integer { default, min, max } => {
            format!("whole number, default {default}, from {min} to {max}")
        }
        Kind::Bool { default } => format!("`true` or `false`, default `{default}`"),
        Kind::Choice { default, values, later } => {
            let mut text = format!("one of {}, default `{default}`", list(values));
            if !later.is_empty() {
                text.push_str(&format!("; later: {}", list(later)));
            }
            text
        }
        Kind::Later { off: Some(off) } => format!("comes later; only `{off}` is taken"),
        Kind::Later { off: None } => "comes later".into(),
    }
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

const HEAD: &str = "\
# Configuration

<!-- Made from the tables of keys in agent/src/config; `BLUEOX_WRITE_DOCS=1 cargo test -p blueox --test configuration_page` writes it. -->

One YAML file, named with `-c`. [`agent/blueox.sample.yaml`](../agent/blueox.sample.yaml) shows every key with its default.
`blueox check -c FILE` reads it, names every mistake with line, column, key and remedy, and ends with 0 if there is none, else
with 78. It touches neither network nor state; warnings do not change the exit code.

## How values are written

- **Sizes** are whole numbers with `B`, `KiB`, `MiB`, `GiB`, `TiB`, `KB`, `MB` or `GB`; without a unit they are bytes.
- **Durations** are whole numbers with `ms`, `s`, `m`, `h` or `d`.
- **Paths** that are relative begin at the directory of the configuration file. `~` is not expanded.
- **Variables**: `${NAME}` stands for an environment variable, `${NAME:-default}` for one that may be unset or empty; one
  that is unset and has no default is a mistake. They work inside values, not in keys, and what a variable holds is text and
  never read as YAML. A literal `${` is written `$${`.
- **Secrets** (`api_key`, `password`, `token`) are text or `{file: PATH}`; one line end behind the text in the file is
  ignored. A file that everyone can read is warned of. Secrets appear in no message.
- **Scalars keep their text.** YAML's surprises do not happen: where text is wanted `no`, `1e3`, `0644` and `2024-01-01` are
  that text; where a boolean is wanted only `true` and `false` are one (`yes`, `no`, `on`, `off` are mistakes); numbers are
  decimal digits (`1e3`, `0x10` and `1_000` are mistakes). `null`, `~` or nothing behind a key is a mistake except where this
  page gives it a meaning.
- Every key stands at most once. Unknown keys are mistakes. Anchors, aliases, tags and several documents in one file are not
  used. A file has at most 1 MiB and 32 levels.

Keys marked *comes later* are reserved: using one is a mistake until this page says otherwise.
";

const TAIL: &str = "
## Without a file

`blueox run PATH… --to URL` and `blueox once PATH… --to URL` need no file: every key has its default. With `-c FILE` as well, `--to` takes
the place of the whole `output` section, and paths take the place of those of the file's one input. `--to` is one of

| `--to` | output |
| --- | --- |
| `http://…`, `https://…` | Elasticsearch or OpenSearch |
| `file:PATH` | documents as NDJSON into a file |
| `stdout:` | documents as NDJSON on standard output |
| `logstash://HOST`, `logstashs://HOST` | Logstash's beats input, plain or by TLS; port 5044 unless one is given |
| `syslog+tcp://HOST`, `syslog+tls://HOST`, `syslog+udp://HOST` | Logsearch (with `VCAP_APPLICATION` in the environment as its Cloud Foundry add-on wants it); port 5514, by TLS 6514 |

The log-in comes from the environment, never from an argument: `BLUEOX_API_KEY`, or `BLUEOX_USERNAME` with `BLUEOX_PASSWORD`;
each also as `…_FILE`, the path of a file that holds it. `BLUEOX_CA` (or `BLUEOX_CA_FILE`) is the path of a PEM file of
authorities.

`blueox status` sends the token in `BLUEOX_TOKEN` (or the file `BLUEOX_TOKEN_FILE` names), where the agent has a `monitoring.token`.

`BLUEOX_LOG` sets what the agent logs of itself: `error`, `warn`, `info` (the default), `debug` or `trace`.
";
