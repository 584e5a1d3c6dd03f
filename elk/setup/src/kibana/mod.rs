//! The boards in Kibana.

mod import;

mod saved;

pub use saved::{SavedObject, boards, saved_objects};

use crate::SetupError;
use crate::cluster::{Version, ask, await_reply, is_settled};
use crate::difference::{Difference, differences};
use crate::transport::{Method, Reply, Request, Transport};
use serde_json::{Value, json};
use std::fmt;

/// Without it Kibana takes no request that changes something.
const HEADERS: &[(&str, &str)] = &[("kbn-xsrf", "blueox")];

/// The oldest version that reads the boards.
const OLDEST: Version = Version::new(8, 9);

/// The right that reading and writing boards takes.
const RIGHT: &str = "a role with all of Kibana's `Dashboard`, `Discover`, `Data View Management` and `Saved Objects Management` in the space";

/// A Kibana that is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kibana {
    /// Base URL.
    pub url: String,
    /// Its version.
    pub version: Version,
    /// Id of the space; `None` is the default space.
    pub space: Option<String>,
}

impl fmt::Display for Kibana {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kibana {} at {}", self.version, self.url)?;
        match &self.space {
            Some(space) => write!(f, ", space {space}"),
            None => Ok(()),
        }
    }
}

/// A request to Kibana, with the header it asks for.
fn request(method: Method, target: impl Into<String>) -> Request {
    Request { headers: HEADERS, ..Request::new(method, target) }
}

impl Kibana {
    /// Waits until Kibana is available, then looks at its version and for the space.
    pub fn await_ready(transport: &mut dyn Transport, space: Option<&str>) -> Result<Self, SetupError> {
        let status = await_reply(transport, &request(Method::Get, "/api/status"), is_available)?;
        let url = transport.url().to_owned();
        let version = version(&url, &status)?;
        if version < OLDEST {
            return Err(SetupError::TooOld { url, product: "Kibana", found: version, oldest: OLDEST });
        }
        let space = space.filter(|space| *space != "default").map(str::to_owned);
        let kibana = Self { url, version, space };
        kibana.find_space(transport)?;
        Ok(kibana)
    }

    fn find_space(&self, transport: &mut dyn Transport) -> Result<(), SetupError> {
        let Some(space) = &self.space else { return Ok(()) };
        let target = format!("/api/spaces/space/{space}");
        let reply =
            ask(transport, &request(Method::Get, target), &format!("look for the space {space}"), RIGHT)?;
        match reply.status {
            404 => Err(SetupError::Space { url: self.url.clone(), space: space.clone() }),
            _ => Ok(()),
        }
    }

    /// Path in the space.
    fn in_space(&self, path: &str) -> String {
        match &self.space {
            Some(space) => format!("/s/{space}{path}"),
            None => path.to_owned(),
        }
    }

    /// Where a person opens a board.
    pub fn board_url(&self, board: &SavedObject) -> String {
        format!("{}{}", self.url, self.in_space(&format!("/app/dashboards#/view/{}", board.id)))
    }

    /// What of an object is not as in the file; `None` where it is not there at all.
    pub fn differences(
        &self,
        transport: &mut dyn Transport,
        object: &SavedObject,
    ) -> Result<Option<Vec<Difference>>, SetupError> {
        let Some(found) = self.export(transport, object)? else { return Ok(None) };
        let wanted = json!({"attributes": object.attributes, "references": object.references});
        let found = json!({
            "attributes": saved::readable(&found["attributes"]),
            "references": saved::by_name(&found["references"]),
        });
        Ok(Some(differences(&wanted, &found, &[])))
    }

    /// An object as Kibana has it. The export is the one stable way to read one.
    fn export(
        &self,
        transport: &mut dyn Transport,
        object: &SavedObject,
    ) -> Result<Option<Value>, SetupError> {
        let doing = format!("read {}", object.label());
        let body = json!({
            "objects": [{"type": object.kind, "id": object.id}],
            "includeReferencesDeep": false,
            "excludeExportDetails": true,
        });
        let request = request(Method::Post, self.in_space("/api/saved_objects/_export")).json(&body);
        let reply =
            transport.send(&request).map_err(|silence| SetupError::of_silence(&self.url, &silence))?;
        match reply.status {
            200 => match reply.json() {
                found @ Value::Object(_) => Ok(Some(found)),
                _ => Err(SetupError::Unreadable { doing, found: reply.reason() }),
            },
            400 if is_missing(&reply) => Ok(None),
            _ => Err(SetupError::of_reply(&self.url, &doing, RIGHT, &reply)),
        }
    }

    /// Writes all objects, replacing those that are there. Either all are written or none.
    pub fn import(&self, transport: &mut dyn Transport, objects: &[&SavedObject]) -> Result<(), SetupError> {
        let target = self.in_space("/api/saved_objects/_import?overwrite=true");
        let body = Some(import::form(objects));
        let request = Request { body, ..request(Method::Post, target) };
        let reply = ask(transport, &request, "import the boards", RIGHT);
        import::outcome(&reply?, objects.len())
    }

    /// Removes an object; one that is gone already is removed too.
    pub fn delete(&self, transport: &mut dyn Transport, object: &SavedObject) -> Result<(), SetupError> {
        let target = self.in_space(&format!("/api/saved_objects/{}/{}?force=true", object.kind, object.id));
        ask(transport, &request(Method::Delete, target), &format!("remove {}", object.label()), RIGHT)?;
        Ok(())
    }

    /// Whether an object is there.
    pub fn has(&self, transport: &mut dyn Transport, object: &SavedObject) -> Result<bool, SetupError> {
        Ok(self.export(transport, object)?.is_some())
    }
}

/// An export of something that is not there is a 400 whose attributes name a 404.
fn is_missing(reply: &Reply) -> bool {
    let objects = &reply.json()["attributes"]["objects"];
    objects[0]["error"]["statusCode"] == 404
}

/// Kibana answers 503 while it starts; behind a log-in that is refused waiting helps nobody.
fn is_available(reply: &Reply) -> Result<(), String> {
    is_settled(reply)?;
    match reply.json()["status"]["overall"]["level"].as_str() {
        None | Some("available" | "degraded") => Ok(()),
        Some(level) => Err(format!("Kibana is {level}")),
    }
}

fn version(url: &str, status: &Reply) -> Result<Version, SetupError> {
    if status.status == 401 || status.status == 403 {
        return Err(SetupError::of_reply(url, "see what answers there", RIGHT, status));
    }
    let body = status.json();
    let number = body["version"]["number"].as_str().and_then(Version::parse);
    if number.is_none() && body["status"]["overall"]["level"].is_string() {
        let found = "it names its version only to those who are logged in".to_owned();
        return Err(SetupError::LogIn { url: url.to_owned(), found });
    }
    number.ok_or_else(|| SetupError::Stranger {
        url: url.to_owned(),
        expected: "Kibana",
        found: format!("status {}, {}", status.status, status.reason()),
    })
}
