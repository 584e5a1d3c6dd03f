//! A request, taken apart.

use super::room::Room;
use crate::store::ApiError;
use bytes::Bytes;
use hyper::Method;
use serde_json::Value;
use std::collections::BTreeMap;

/// A request with its body read and inflated.
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query as they were written.
    pub(super) target: String,
    /// Parts of the path, decoded.
    pub(super) path: Vec<String>,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) body: Bytes,
    /// Room for what is made of it.
    pub(super) room: Room,
}

impl Call {
    pub(super) fn new(method: Method, target: &hyper::Uri, body: Bytes, room: Room) -> Self {
        let path = target.path().split('/').filter(|part| !part.is_empty()).map(decode).collect();
        let pairs = target.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let parameters = pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "true")))
            .map(|(key, value)| (decode(key), decode(&value.replace('+', " "))))
            .collect();
        Self { method, target: target.to_string(), path, parameters, body, room }
    }

    /// The body as JSON; null where it is empty.
    pub(super) fn json(&self) -> Result<Value, ApiError> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|error| ApiError::no_json(&self.body, &error))
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.parameters.get(key).is_some_and(|value| value != "false")
    }

    pub(super) fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters.get(key).map(String::as_str)
    }

    /// Whether the writer wants to find its documents at once.
    pub(super) fn wants_refresh(&self) -> bool {
        self.parameter("refresh").is_some_and(|value| matches!(value, "" | "true" | "wait_for"))
    }
}

/// Percent-decoding; what is not a code stays.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
