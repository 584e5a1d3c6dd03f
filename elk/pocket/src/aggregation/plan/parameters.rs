//! The parameters of one aggregation.

use crate::store::ApiError;
use serde_json::{Map, Value};

/// The parameters of one aggregation, every one of which must be asked for.
pub(super) struct Parameters<'a> {
    name: &'a str,
    pub(super) map: &'a Map<String, Value>,
}

impl<'a> Parameters<'a> {
    pub(super) fn new(name: &'a str, value: &'a Value, known: &[&str]) -> Result<Self, ApiError> {
        let map =
            value.as_object().ok_or_else(|| ApiError::parsing(format!("[{name}] must be an object")))?;
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) if key == "script" => {
                Err(ApiError::unsupported(&format!("[script] in aggregation [{name}]")))
            }
            Some(key) => Err(ApiError::new(
                400,
                "x_content_parse_exception",
                format!("[{name}] unknown field [{key}]"),
            )
            .at_key(key)),
            None => Ok(Self { name, map }),
        }
    }

    pub(super) fn field(&self) -> Result<String, ApiError> {
        self.text("field").ok_or_else(|| {
            ApiError::illegal(format!(
                "Required one of fields [field, script], but none were specified in [{}]",
                self.name
            ))
        })
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.map.get(key).and_then(Value::as_str).map(str::to_owned)
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, ApiError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_f64()
                .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
                .map(Some)
                .ok_or_else(|| ApiError::parsing(format!("[{}] failed to parse field [{key}]", self.name))),
        }
    }

    pub(super) fn whole(&self, key: &str, default: u64) -> Result<u64, ApiError> {
        match self.number(key)? {
            None => Ok(default),
            Some(number) if number >= 0.0 && number.fract() == 0.0 => Ok(number as u64),
            Some(number) => Err(ApiError::illegal(format!(
                "[{key}] must be 0 or greater. Found [{number}] in [{}]",
                self.name
            ))),
        }
    }

    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        self.map.get(key).and_then(Value::as_bool).unwrap_or(default)
    }
}
