//! The agent's API key.

use crate::SetupError;
use crate::cluster::ask_json;
use crate::transport::{Method, Request, Transport};
use serde_json::{Value, json};

/// Name of every key made here.
const NAME: &str = "logs-app-writer";

/// The right that making, looking up and invalidating a key takes.
pub(crate) const PRIVILEGE: &str = "manage_api_key";

fn needed() -> String {
    format!("the cluster privilege `{PRIVILEGE}`, logged in by name and password (a key cannot make a key)")
}

/// A key, once made; nobody can read it from the cluster again.
pub struct NewKey {
    /// Its id.
    pub id: String,
    /// What the agent logs in with: base64 of `id:key`.
    pub encoded: String,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewKey {{ id: {:?}, encoded: \"***\" }}", self.id)
    }
}

/// Whether the key is known, valid, and may do what `role` says.
pub fn is_good(transport: &mut dyn Transport, id: &str, role: &Value) -> Result<bool, SetupError> {
    let request = Request::new(Method::Get, format!("/_security/api_key?id={}", encode(id)));
    let body = ask_json(transport, &request, "look up the agent's API key", &needed())?.unwrap_or_default();
    let key = &body["api_keys"][0];
    let granted = &key["role_descriptors"][NAME];
    let same = crate::difference::differences(role, granted, &["indices", "cluster"]).is_empty();
    Ok(key["invalidated"] == false && same)
}

/// Makes a key that may do what `role` says.
pub fn create(transport: &mut dyn Transport, role: &Value) -> Result<NewKey, SetupError> {
    let doing = "make an API key for the agent";
    let body =
        json!({"name": NAME, "role_descriptors": {NAME: role}, "metadata": {"managed_by": "blueox setup"}});
    let request = Request::new(Method::Post, "/_security/api_key").json(&body);
    let body = ask_json(transport, &request, doing, &needed())?.unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    match (text("id"), text("encoded")) {
        (Some(id), Some(encoded)) => Ok(NewKey { id, encoded }),
        // The answer is not repeated: it may hold the key.
        _ => Err(SetupError::Unreadable { doing: doing.to_owned(), found: "it holds no key".to_owned() }),
    }
}

/// Ids of the valid keys made here.
pub fn valid(transport: &mut dyn Transport) -> Result<Vec<String>, SetupError> {
    let request = Request::new(Method::Get, format!("/_security/api_key?name={NAME}"));
    let body = ask_json(transport, &request, "look for the agent's API keys", &needed())?.unwrap_or_default();
    let keys = body["api_keys"].as_array().into_iter().flatten();
    let valid =
        keys.filter(|key| key["invalidated"] == false && key["metadata"]["managed_by"] == "blueox setup");
    Ok(valid.filter_map(|key| key["id"].as_str().map(str::to_owned)).collect())
}

/// Ends keys at once.
pub fn invalidate(transport: &mut dyn Transport, ids: &[String]) -> Result<(), SetupError> {
    let request = Request::new(Method::Delete, "/_security/api_key").json(&json!({"ids": ids}));
    ask_json(transport, &request, "invalidate the agent's API keys", &needed())?;
    Ok(())
}

/// Ids hold only letters, digits, `-` and `_`; what else a file may hold does not get into a URL.
fn encode(id: &str) -> String {
    id.chars().filter(|character| character.is_ascii_alphanumeric() || "-_".contains(*character)).collect()
}
