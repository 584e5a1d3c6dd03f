//! Who this instance is.

use super::Arguments;
use serde_json::Value;

/// What tells one instance from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) environment: Option<String>,
    pub(super) node: Option<String>,
}

impl Identity {
    /// From the flags and their variables, then `VERSION`, then `VCAP_APPLICATION` (Cloud Foundry), whose unreadable JSON counts
    /// as absent, as does what is empty.
    pub(super) fn resolve(arguments: &Arguments, variable: impl Fn(&str) -> Option<String>) -> Self {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let vcap: Value = variable("VCAP_APPLICATION")
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default();
        let text = |key: &str| vcap[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let instance = || Some(format!("{}/{}", text("application_name")?, vcap["instance_index"].as_u64()?));
        Self {
            name: given(&arguments.name)
                .or_else(|| text("application_name"))
                .unwrap_or_else(|| env!("CARGO_PKG_NAME").to_owned()),
            version: given(&arguments.version)
                .or_else(|| given(&variable("VERSION")))
                .or_else(|| text("application_version"))
                .unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
            environment: given(&arguments.environment).or_else(|| text("space_name")),
            node: given(&arguments.instance).or_else(instance),
        }
    }
}
