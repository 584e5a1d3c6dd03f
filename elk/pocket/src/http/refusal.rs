//! Refusals of a request as a whole, in the shapes of Elasticsearch 8.19: most are no objects but sentences.

use super::call::Call;
use super::reply::Reply;
use crate::store::ApiError;
use base64::Engine;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde_json::json;

/// The log-ins there are, as Elasticsearch offers them.
const OFFERED: [&str; 2] = ["Basic realm=\"security\", charset=\"UTF-8\"", "ApiKey"];

/// 401; `given` is the header that fits none of the log-ins.
pub(super) fn unauthenticated(given: Option<&[u8]>, target: &str) -> Reply {
    let reason = match given.map(user_of) {
        None => format!("missing authentication credentials for REST request [{target}]"),
        Some(Some(user)) => format!("unable to authenticate user [{user}] for REST request [{target}]"),
        Some(None) => "unable to authenticate with provided credentials and anonymous access is not allowed for this request".to_owned(),
    };
    let mut error = ApiError::new(401, "security_exception", reason);
    error.details.insert("header".to_owned(), json!({"WWW-Authenticate": OFFERED}));
    let mut reply = Reply::error(&error);
    reply.headers = OFFERED.map(|offer| (WWW_AUTHENTICATE, HeaderValue::from_static(offer))).to_vec();
    reply
}

/// The user of a `Basic` header.
fn user_of(header: &[u8]) -> Option<String> {
    let coded = header.strip_prefix(b"Basic ")?;
    let login = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(coded).ok()?).ok()?;
    login.split_once(':').map(|(user, _)| user.to_owned())
}

/// 406 for a body that says of itself it is no JSON, or says nothing.
pub(super) fn check_content_type(headers: &HeaderMap, body: &[u8]) -> Result<(), Reply> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let known = matches!(
        essence.as_str(),
        "application/json"
            | "application/x-ndjson"
            | "application/*"
            | "application/vnd.elasticsearch+json"
            | "application/vnd.elasticsearch+x-ndjson"
    );
    if body.is_empty() || known {
        return Ok(());
    }
    Err(sentence(406, format!("Content-Type header [{kind}] is not supported")))
}

fn sentence(status: u16, sentence: String) -> Reply {
    Reply::json(status, &json!({"error": sentence, "status": status}))
}

/// 405 for an address that answers other methods, 400 for one that answers none.
pub(super) fn no_handler(call: &Call) -> Reply {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let (target, method) = (&call.target, &call.method);
    let allowed = methods(&path);
    if allowed.is_empty() {
        let error = format!("no handler found for uri [{target}] and method [{method}]");
        return Reply::json(400, &json!({ "error": error }));
    }
    let names = allowed.join(", ");
    let error = format!("Incorrect HTTP method for uri [{target}] and method [{method}], allowed: [{names}]");
    let mut reply = sentence(405, error);
    // Names of methods are fit for a header.
    reply.headers.extend(HeaderValue::from_str(&allowed.join(",")).map(|value| (ALLOW, value)));
    reply
}

/// What an address of Elasticsearch answers, of those this store has.
pub(super) fn methods(path: &[&str]) -> &'static [&'static str] {
    match path {
        ["_license" | "_xpack" | "_stats" | "_nodes", ..] | ["_cluster", "health", ..] | ["_cat", _, ..] => {
            &["GET"]
        }
        ["_index_template" | "_component_template" | "_data_stream"] => &["GET"],
        ["_ingest", "pipeline"] | ["_ilm", "policy"] | ["_resolve", "index", _] => &["GET"],
        ["_ingest", "pipeline", _] | ["_ilm", "policy", _] | ["_data_stream", _] => &["GET", "PUT", "DELETE"],
        ["_index_template" | "_component_template", _] => &["GET", "POST", "PUT", "DELETE", "HEAD"],
        ["_bulk"] | [_, "_bulk"] | [_, "_create", _] => &["POST", "PUT"],
        ["_search" | "_msearch" | "_count" | "_field_caps" | "_mget" | "_refresh"]
        | [_, "_search" | "_msearch" | "_count" | "_field_caps" | "_mget" | "_refresh"] => &["GET", "POST"],
        ["_aliases"] | [_, "_doc" | "_rollover"] | [_, "_update", _] => &["POST"],
        [_, "_doc", _] => &["GET", "POST", "PUT", "DELETE", "HEAD"],
        [index] if !index.starts_with('_') => &["GET", "PUT", "DELETE", "HEAD"],
        _ => &[],
    }
}
