//! Line and column of what is wrong in a body.

use crate::store::{ApiError, At};
use serde_json::json;

/// Line and column, each from 1; columns are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

impl Place {
    fn of(body: &[u8], at: usize) -> Self {
        let before = &body[..at];
        let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        Self { line: memchr::memchr_iter(b'\n', before).count() + 1, column: at - start + 1 }
    }
}

/// The error with the place of the key it names. A key that is more than once in the body gives none: a tree does not
/// tell which of them it was.
pub(super) fn located(mut error: ApiError, body: &[u8]) -> ApiError {
    let found = match &error.at {
        None => return error,
        Some(At::Key(key)) => only(body, key).map(|(key, _)| key),
        Some(At::Value(key)) => only(body, key).map(|(_, value)| value),
    };
    let Some(Place { line, column }) = found.map(|at| Place::of(body, at)) else { return error };
    if error.kind == "x_content_parse_exception" {
        error.reason = format!("[{line}:{column}] {}", error.reason);
    } else {
        error.details.insert("line".to_owned(), json!(line));
        error.details.insert("col".to_owned(), json!(column));
    }
    if let Some(cause) = error.details.get_mut("caused_by") {
        let reason = cause["reason"].as_str().unwrap_or_default();
        cause["reason"] = json!(format!("[{line}:{column}] {reason}"));
    }
    error
}

/// Where the only key of this name and its value begin.
fn only(body: &[u8], name: &str) -> Option<(usize, usize)> {
    let mut found = None;
    let mut at = 0;
    while let Some(start) = memchr::memchr(b'"', &body[at..]).map(|start| at + start) {
        let end = end_of_string(body, start)?;
        at = end;
        let Some(colon) = skip_space(body, end).filter(|at| body[*at] == b':') else { continue };
        let is_it = serde_json::from_slice::<String>(&body[start..end]).is_ok_and(|text| text == name);
        if is_it && found.replace((start, skip_space(body, colon + 1)?)).is_some() {
            return None;
        }
    }
    found
}

fn end_of_string(body: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match body.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn skip_space(body: &[u8], from: usize) -> Option<usize> {
    body[from..].iter().position(|byte| !byte.is_ascii_whitespace()).map(|more| from + more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_where_there_is_one_of_them() {
        let place = |body: &str, name| {
            only(body.as_bytes(), name)
                .map(|(key, value)| (Place::of(body.as_bytes(), key), Place::of(body.as_bytes(), value)))
        };
        let at = |line, column| Place { line, column };
        assert_eq!(place("{\n \"a\" : 1}", "a"), Some((at(2, 2), at(2, 8))));
        assert_eq!(place(r#"{"x":"a","a":{}}"#, "a"), Some((at(1, 10), at(1, 14))));
        assert_eq!(place(r#"{"x":"\"a\":1","a":2}"#, "a"), Some((at(1, 16), at(1, 20))));
        assert_eq!(place(r#"{"a":{"a":1}}"#, "a"), None);
        assert_eq!(place(r#"{"b":1"#, "a"), None);
    }
}
