//! The import request, and what its answer means: a 200 can be a failure.

use super::SavedObject;
use crate::SetupError;
use crate::transport::{Reply, one_line};
use serde_json::Value;

/// A multipart form with one file: content type and bytes.
pub(super) fn form(objects: &[&SavedObject]) -> (String, Vec<u8>) {
    let file: String = objects.iter().flat_map(|object| [object.line.as_str(), "\n"]).collect();
    let boundary = boundary(&file);
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"boards.ndjson\"\r\nContent-Type: application/ndjson";
    let body = format!("--{boundary}\r\n{head}\r\n\r\n{file}\r\n--{boundary}--\r\n");
    (format!("multipart/form-data; boundary={boundary}"), body.into_bytes())
}

/// A text that the file does not hold.
fn boundary(file: &str) -> String {
    let candidates = (0u64..).map(|number| format!("blueox-boards-{number}"));
    candidates.into_iter().find(|candidate| !file.contains(candidate.as_str())).unwrap_or_default()
}

/// What was imported.
pub(super) fn outcome(reply: &Reply, expected: usize) -> Result<(), SetupError> {
    let body = reply.json();
    let Some(success) = body["success"].as_bool() else {
        let found = format!("status {}, {}", reply.status, reply.reason());
        return Err(SetupError::Unreadable { doing: "import the boards".to_owned(), found });
    };
    let count = body["successCount"].as_u64().unwrap_or(0);
    if success && count == expected as u64 {
        return Ok(());
    }
    let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    Err(SetupError::Import { count, expected, found: describe(errors), remedy: remedy(errors) })
}

fn describe(errors: &[Value]) -> String {
    if errors.is_empty() {
        return "it names no error".to_owned();
    }
    let texts = errors.iter().map(|error| {
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        let mut line =
            format!("{} {}: {}", text(&error["type"]), text(&error["id"]), text(&error["error"]["type"]));
        if let Some(message) = error["error"]["message"].as_str() {
            line.push_str(&format!(" ({message})"));
        }
        for reference in error["error"]["references"].as_array().into_iter().flatten() {
            line.push_str(&format!(" {} {}", text(&reference["type"]), text(&reference["id"])));
        }
        one_line(&line)
    });
    texts.collect::<Vec<_>>().join("; ")
}

fn remedy(errors: &[Value]) -> &'static str {
    let has = |kind: &str| errors.iter().any(|error| error["error"]["type"] == kind);
    if has("missing_references") {
        "what is named there is missing in this space: import it or run this again"
    } else if has("conflict") || has("ambiguous_conflict") {
        "the object exists in another space: remove it there or choose that space with --space"
    } else if has("unsupported_type") {
        "this Kibana lacks the plugin for that type"
    } else {
        "look into Kibana's log, then run this again"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str) -> Result<(), SetupError> {
        outcome(&Reply { status: 200, body: body.as_bytes().to_vec() }, 2)
    }

    #[test]
    fn only_a_success_of_every_object_is_one() {
        assert_eq!(check(r#"{"success":true,"successCount":2,"warnings":[]}"#), Ok(()));
        for body in [
            r#"{"success":true,"successCount":1}"#,
            r#"{"success":false,"successCount":0,"errors":[]}"#,
            "{}",
            "<html>",
            r#"{"success":false,"successCount":0,"errors":[{"type":"dashboard","id":"x","error":{"type":"unknown","message":"no"}}]}"#,
        ] {
            assert!(check(body).is_err(), "{body}");
        }
    }

    #[test]
    fn each_error_is_named_with_what_it_misses() {
        let body = r#"{"success":false,"successCount":0,"errors":[{"type":"dashboard","id":"x","meta":{"title":"X"},
            "error":{"type":"missing_references","references":[{"type":"index-pattern","id":"logs-app"}]}}]}"#;
        let error = check(body).unwrap_err().to_string();
        assert!(error.contains("dashboard x: missing_references index-pattern logs-app"), "{error}");
        assert!(error.contains("imported 0 of 2"), "{error}");
    }

    #[test]
    fn a_form_holds_every_line_and_a_boundary_that_stands_nowhere_in_it() {
        let objects = super::super::saved_objects(
            "{\"type\":\"dashboard\",\"id\":\"blueox-boards-0\",\"attributes\":{\"title\":\"T\"},\"references\":[]}",
        );
        let (kind, body) = form(&objects.iter().collect::<Vec<_>>());
        assert_eq!(kind, "multipart/form-data; boundary=blueox-boards-1");
        let text = String::from_utf8(body).unwrap();
        assert!(
            text.contains(&format!("\r\n\r\n{}\n\r\n--blueox-boards-1--\r\n", objects[0].line)),
            "{text}"
        );
    }
}
