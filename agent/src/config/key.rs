//! The closed language of the configuration: every key, its kind, default and bounds, in one table a section.
//!
//! The tables stand beside the code that reads their section. They answer unknown keys, hold the numbers and are the
//! reference page `docs/configuration.md`.

/// A key of a section.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) kind: Kind,
    /// Meaning and effect, one paragraph of the reference page.
    pub(super) doc: &'static str,
}

/// What a key takes. Defaults and bounds are written as the operator would write them.
#[derive(Debug)]
pub(super) enum Kind {
    /// A mapping with these keys.
    Section(&'static [Key]),
    /// A list of mappings with these keys.
    Sections(&'static [Key]),
    /// Text; the default in words for the page.
    Text { default: &'static str },
    /// A list of texts.
    Texts { default: &'static str },
    /// A mapping from names to values of the operator's own.
    Fields,
    /// Text that is never shown, or `{file: PATH}`.
    Secret,
    /// Bytes.
    Size { default: &'static str, min: &'static str, max: &'static str },
    /// Time.
    Duration { default: &'static str, min: &'static str, max: &'static str },
    /// A whole number.
    Integer { default: u64, min: u64, max: u64 },
    /// `true` or `false`.
    Bool { default: bool },
    /// One of some words; `later` ones are planned, not built.
    Choice { default: &'static str, values: &'static [&'static str], later: &'static [&'static str] },
    /// Planned, not built; `off` is the one value that means "without it", where there is one.
    Later { off: Option<&'static str> },
}

/// A key; shorthand for the tables.
pub(super) const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, doc }
}

/// A planned key.
pub(super) const fn later(name: &'static str, doc: &'static str) -> Key {
    Key { name, kind: Kind::Later { off: None }, doc }
}

/// The key of the table nearest to a name that is in none, if one is near enough to be meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '.', ' '], "_");
    let wanted = plain(name);
    if wanted.chars().count() > 64 {
        return None;
    }
    known
        .map(|key| (strsim::damerau_levenshtein(&wanted, &plain(key)), key))
        .filter(|(distance, key)| *distance <= (key.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["paths", "exclude", "read_from", "max_line", "id"];
        let check = |name, expected| assert_eq!(nearest(name, known.into_iter()), expected, "{name}");
        check("path", Some("paths"));
        check("Paths", Some("paths"));
        check("readfrom", Some("read_from"));
        check("read-from", Some("read_from"));
        check("max.line", Some("max_line"));
        check("excldue", Some("exclude"));
        check("colour", None);
        check("", None);
    }
}
