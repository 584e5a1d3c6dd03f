//! `${NAME}` and `${NAME:-default}` inside values.
//!
//! Expanded after the YAML is read and once only: what a variable holds is text, whatever it looks like.

/// What is wrong with the references of one value. Names variables, never what they hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpandError {
    #[error("the environment variable `{0}` is not set")]
    Unset(String),
    #[error("the environment variable `{0}` is not UTF-8")]
    NotText(String),
    #[error("`${{` is not closed by `}}`")]
    NotClosed,
    #[error("a reference has no valid variable name")]
    BadName,
}

/// A variable: `None` unset, `Some(Err(()))` not UTF-8.
pub(super) type Variable = Option<Result<String, ()>>;

/// Looks a variable up.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Variable;

/// The text with its references replaced, and whether there were any. `$${` stands for a literal `${`; like a shell's, the
/// default also takes the place of an empty variable.
pub(super) fn expand(text: &str, lookup: Lookup<'_>) -> Result<(String, bool), ExpandError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut replaced = false;
    while let Some(start) = rest.find("${") {
        if rest[..start].ends_with('$') {
            out.push_str(&rest[..start]);
            out.push('{');
            rest = &rest[start + 2..];
            continue;
        }
        out.push_str(&rest[..start]);
        let inside = &rest[start + 2..];
        let end = inside.find('}').ok_or(ExpandError::NotClosed)?;
        out.push_str(&value(&inside[..end], lookup)?);
        replaced = true;
        rest = &inside[end + 1..];
    }
    out.push_str(rest);
    Ok((out, replaced))
}

fn value(reference: &str, lookup: Lookup<'_>) -> Result<String, ExpandError> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if !is_name(name) {
        return Err(ExpandError::BadName);
    }
    match (lookup(name), default) {
        (Some(Err(())), _) => Err(ExpandError::NotText(name.to_owned())),
        (Some(Ok(text)), None) => Ok(text),
        (Some(Ok(text)), Some(_)) if !text.is_empty() => Ok(text),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(ExpandError::Unset(name.to_owned())),
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Variable {
        match name {
            "A" => Some(Ok("alpha".into())),
            "EMPTY" => Some(Ok(String::new())),
            "YAML" => Some(Ok("x: [1]\n${A}".into())),
            "BINARY" => Some(Err(())),
            _ => None,
        }
    }

    #[test]
    fn references_are_replaced_once() {
        let check = |text: &str, expected: &str, replaced: bool| {
            assert_eq!(expand(text, &lookup), Ok((expected.to_owned(), replaced)), "{text:?}");
        };
        check("plain $A {A} $", "plain $A {A} $", false);
        check("<${A}|${A}>", "<alpha|alpha>", true);
        check("${NONE:-one two}", "one two", true);
        check("${NONE:-}", "", true);
        check("${EMPTY:-x}${EMPTY}", "x", true);
        check("${A:-x}", "alpha", true);
        check("${YAML}", "x: [1]\n${A}", true);
        check("$${A} ${A}", "${A} alpha", true);
    }

    #[test]
    fn bad_references_are_errors() {
        assert_eq!(expand("${NONE}", &lookup), Err(ExpandError::Unset("NONE".into())));
        assert_eq!(expand("${BINARY:-x}", &lookup), Err(ExpandError::NotText("BINARY".into())));
        assert_eq!(expand("a ${A", &lookup), Err(ExpandError::NotClosed));
        for text in ["${}", "${1A}", "${A B}", "${${A}}", "${A-x}"] {
            assert_eq!(expand(text, &lookup), Err(ExpandError::BadName), "{text}");
        }
    }
}
