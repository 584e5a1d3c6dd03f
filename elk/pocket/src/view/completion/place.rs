//! Where in a KQL text the cursor is.
//!
//! The text is unfinished, so this is no parser of the language (crate `dashboards`): it only knows what can stand next.

/// What can be written at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A name of a field, or a word to look for.
    Term,
    /// After a name that ended at this byte: an operator; after a word that is no field, `and` or `or`.
    AfterName { name: String, end: usize },
    /// A value of this field.
    Value { field: String },
    /// After a whole clause: `and` or `or`.
    AfterValue,
    /// Something that cannot be guessed: a number to compare with, a word to look for.
    Nothing,
}

/// A place, and what is typed of the word at the cursor already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) place: Place,
    /// Byte at which that word begins.
    pub(super) from: usize,
    pub(super) prefix: String,
}

/// Where the end of `before` is.
pub(super) fn find(before: &str) -> Spot {
    let mut place = Place::Term;
    // Fields of the brackets that are open; `None` groups clauses.
    let mut open: Vec<Option<String>> = Vec::new();
    let mut rest = before;
    loop {
        rest = rest.trim_start();
        let from = before.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            return Spot { place, from, prefix: String::new() };
        };
        let (token, after) = match first {
            '"' => quoted(rest),
            '(' | ')' | '{' | '}' | ':' => rest.split_at(1),
            '<' | '>' => rest.split_at(if rest[1..].starts_with('=') { 2 } else { 1 }),
            _ => rest.split_at(word_end(rest)),
        };
        let is_word = first != '"' && !"(){}:<>".contains(first);
        // What the cursor touches is not finished yet.
        let unfinished = first == '"' && (token.len() < 2 || !token.ends_with('"'));
        if after.is_empty() && (is_word || unfinished) {
            return Spot { place, from, prefix: unescaped(token.trim_start_matches('"')) };
        }
        place = next(place, token, from, &mut open);
        rest = after;
    }
}

fn next(place: Place, token: &str, from: usize, open: &mut Vec<Option<String>>) -> Place {
    let end = from + token.len();
    let group = |open: &[Option<String>]| open.last().cloned().flatten();
    match (token, place) {
        ("(", Place::Value { field }) => {
            open.push(Some(field.clone()));
            Place::Value { field }
        }
        ("(" | "{", _) => {
            open.push(None);
            Place::Term
        }
        (")" | "}", _) => {
            open.pop();
            Place::AfterValue
        }
        (":", Place::AfterName { name, .. }) => Place::Value { field: name },
        (":" | "<" | ">" | "<=" | ">=", _) => Place::Nothing,
        _ if ["and", "or", "not"].contains(&token.to_lowercase().as_str()) => match group(open) {
            Some(field) => Place::Value { field },
            None => Place::Term,
        },
        (_, Place::Term) if !token.starts_with('"') => Place::AfterName { name: unescaped(token), end },
        _ => Place::AfterValue,
    }
}

/// A text in quotes, to its end or to that of what is written.
fn quoted(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return text.split_at(at + 1),
            _ => escaped = character == '\\' && !escaped,
        }
    }
    text.split_at(text.len())
}

fn word_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if !escaped && (character.is_whitespace() || "(){}:<>\"".contains(character)) {
            return at;
        }
        escaped = character == '\\' && !escaped;
    }
    text.len()
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(field: &str) -> Place {
        Place::Value { field: field.to_owned() }
    }

    #[test]
    fn the_place_of_the_cursor_is_found() {
        let name = |name: &str, end| Place::AfterName { name: name.to_owned(), end };
        for (before, place, from, prefix) in [
            ("", Place::Term, 0, ""),
            ("ser", Place::Term, 0, "ser"),
            ("service.name ", name("service.name", 12), 13, ""),
            ("service.name:", value("service.name"), 13, ""),
            ("service.name: \"sh", value("service.name"), 14, "sh"),
            ("service.name: sh", value("service.name"), 14, "sh"),
            ("service.name: \"shop\"", Place::AfterValue, 20, ""),
            ("service.name: \"shop\" an", Place::AfterValue, 21, "an"),
            ("a: \"x\" and lo", Place::Term, 11, "lo"),
            ("a: (\"x\" or \"y", value("a"), 11, "y"),
            ("a: (\"x\" or \"y\") ", Place::AfterValue, 16, ""),
            ("(a: 1 or not b", Place::Term, 13, "b"),
            ("status >= ", Place::Nothing, 10, ""),
            ("status>=5", Place::Nothing, 8, "5"),
            ("timeout an", name("timeout", 7), 8, "an"),
            ("a: \"say \\\"hi", value("a"), 3, "say \"hi"),
            ("ä: \"ö", value("ä"), 4, "ö"),
            ("\"some words\" ", Place::AfterValue, 13, ""),
        ] {
            let expected = Spot { place, from, prefix: prefix.to_owned() };
            assert_eq!(find(before), expected, "{before}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_place_within_it(before in "[a-b:\"\\\\ (){}<>=äand]{0,40}") {
            let spot = find(&before);
            prop_assert!(before.is_char_boundary(spot.from));
        }
    }
}
