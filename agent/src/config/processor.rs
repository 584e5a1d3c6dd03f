//! `processors`: what happens to events on the way.

use super::key::{Key, Kind, key};
use super::mistake::shown;
use super::section::Section;
use super::{Condition, Processor, RateLimit, Redact, Sample, Secrets, Test};
use regex::{Regex, RegexBuilder};

/// Most memory a pattern of the operator may take once compiled.
const PATTERN_BYTES: usize = 1 << 20;

static CONDITION: [Key; 3] = [
    key(
        "field",
        Kind::Text { default: "required" },
        "Name of the field in the finished document, such as `log.level` or `labels.tenant`.",
    ),
    key(
        "is",
        Kind::Texts { default: "none" },
        "Values of which the field has one. Numbers are compared as they are written.",
    ),
    key(
        "matches",
        Kind::Text { default: "none" },
        "Regular expression that is found in the value, in the syntax of the Rust crate `regex`. Its time is linear in the text.",
    ),
];

static RENAME: [Key; 2] = [
    key(
        "from",
        Kind::Text { default: "required" },
        "Key as the line writes it; members of objects with a dot.",
    ),
    key(
        "to",
        Kind::Text { default: "required" },
        "Its new name. An ECS name gets the value if it has the right shape, any other name becomes a label.",
    ),
];

static REDACT: [Key; 3] = [
    key(
        "secrets",
        Kind::Texts { default: "all" },
        "Which of `aws_key`, `bearer_token` and `card_number` (by issuer and check digit) to replace.",
    ),
    key(
        "patterns",
        Kind::Texts { default: "none" },
        "Regular expressions of your own. Where one has a group, only the first group is replaced.",
    ),
    key("with", Kind::Text { default: "`***`" }, "What stands in the place of a secret."),
];

static SAMPLE: [Key; 2] = [
    key(
        "one_in",
        Kind::Integer { default: 10, min: 1, max: 1_000_000 },
        "One event in so many goes on, and says in `numeric_labels.sample_rate` how many it stands for. Lines of level error \
         and fatal and failed requests all go on. Events of one `trace.id` stay together.",
    ),
    key(
        "slow",
        Kind::Duration { default: "1s", min: "0", max: "1h" },
        "Events that took this long all go on too.",
    ),
];

static RATE_LIMIT: [Key; 3] = [
    key(
        "events",
        Kind::Integer { default: 1000, min: 1, max: 1_000_000_000 },
        "Most events that go on in that time.",
    ),
    key("per", Kind::Duration { default: "1s", min: "100ms", max: "1d" }, "The time."),
    key(
        "by",
        Kind::Text { default: "none" },
        "Field whose values are counted each for themselves, such as `service.name`; beyond 1000 values the rest share one count.",
    ),
];

/// Each entry of the list has one of these keys.
pub(super) static KEYS: [Key; 6] = [
    key("drop", Kind::Section(&CONDITION), "Events for which this holds end here, counted as filtered."),
    key("keep", Kind::Section(&CONDITION), "Only events for which this holds go on."),
    key("rename", Kind::Section(&RENAME), "A key of the application by another name, before it is mapped."),
    key(
        "redact",
        Kind::Section(&REDACT),
        "Replaces secrets in all values of an event. The log file, and a dead letter, keep the line as it was written.",
    ),
    key("sample", Kind::Section(&SAMPLE), "Thins out what is neither wrong nor slow."),
    key("rate_limit", Kind::Section(&RATE_LIMIT), "A bound against floods."),
];

/// Reads one entry of `processors`; `None` after a mistake.
pub(super) fn resolve(section: &Section<'_>) -> Option<Processor> {
    let mut given = KEYS.iter().filter(|key| section.field(key.name).is_some());
    let remedy = "write one of drop, keep, rename, redact, sample, rate_limit in each item of the list";
    let (Some(key), None) = (given.next(), given.next()) else {
        section.walk.mistake(section.at, &section.path, "is not exactly one processor", remedy);
        return None;
    };
    let inner = section.section(key.name);
    match key.name {
        "drop" => condition(&inner).map(Processor::Drop),
        "keep" => condition(&inner).map(Processor::Keep),
        "rename" => {
            let (from, to) = (required(&inner, "from"), required(&inner, "to"));
            Some(Processor::Rename { from: from?, to: to? })
        }
        "redact" => Some(Processor::Redact(redact(&inner))),
        "sample" => {
            Some(Processor::Sample(Sample { one_in: inner.integer("one_in"), slow: inner.duration("slow") }))
        }
        _ => Some(Processor::RateLimit(RateLimit {
            events: inner.integer("events"),
            per: inner.duration("per"),
            by: inner.text("by"),
        })),
    }
}

fn required(section: &Section<'_>, name: &str) -> Option<String> {
    let Some(field) = section.field(name) else {
        section.missing(name, "name a field");
        return None;
    };
    let text = field.text()?;
    if text.is_empty() || text.len() > 256 {
        field.mistake("is empty or longer than 256 bytes", "name a field");
        return None;
    }
    Some(text)
}

fn condition(section: &Section<'_>) -> Option<Condition> {
    let field = required(section, "field");
    let test = match (section.field("is"), section.field("matches")) {
        (Some(values), None) => Test::Is(values.items("- ").iter().filter_map(|item| item.text()).collect()),
        (None, Some(pattern)) => Test::Matches(compile(pattern)?),
        _ => {
            let remedy = "write `is: [value, …]` or `matches: 'pattern'` beside `field`";
            section.walk.mistake(
                section.at,
                &section.path,
                "asks for not exactly one of `is` and `matches`",
                remedy,
            );
            return None;
        }
    };
    Some(Condition { field: field?, test })
}

fn redact(section: &Section<'_>) -> Redact {
    let items = |name: &str| section.field(name).map(|field| field.items("- ")).unwrap_or_default();
    let secrets = match section.field("secrets") {
        None => Secrets::ALL.to_vec(),
        Some(_) => items("secrets").iter().filter_map(secret).collect(),
    };
    let patterns = items("patterns").iter().filter_map(compile).collect();
    Redact { secrets, patterns, with: section.text("with").unwrap_or_else(|| "***".into()) }
}

fn secret(item: &super::section::Field<'_>) -> Option<Secrets> {
    let name = item.text()?;
    let found = Secrets::named(&name);
    if found.is_none() {
        let known = Secrets::ALL.map(Secrets::name).join(", ");
        item.mistake(format!("unknown kind of secret {}", shown(&name)), format!("use some of: {known}"));
    }
    found
}

fn compile(field: &super::section::Field<'_>) -> Option<Regex> {
    let pattern = field.text()?;
    checked(field, &pattern, RegexBuilder::new(&pattern).size_limit(PATTERN_BYTES).build())
}

/// A pattern for lines, which may hold any bytes.
pub(super) fn bytes_pattern(field: &super::section::Field<'_>) -> Option<regex::bytes::Regex> {
    let pattern = field.text()?;
    checked(field, &pattern, regex::bytes::RegexBuilder::new(&pattern).size_limit(PATTERN_BYTES).build())
}

fn checked<R>(field: &super::section::Field<'_>, pattern: &str, built: Result<R, regex::Error>) -> Option<R> {
    match built {
        Ok(regex) => Some(regex),
        Err(regex::Error::CompiledTooBig(_)) => {
            field.mistake(
                format!("{} takes more than 1 MiB compiled", shown(pattern)),
                "lower its repetitions",
            );
            None
        }
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            field.mistake(
                format!("{} is no valid pattern: {reason}", shown(pattern)),
                "correct it; look-around and back-references do not exist",
            );
            None
        }
    }
}
