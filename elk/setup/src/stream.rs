//! Data streams.

use crate::SetupError;
use crate::cluster::{Cluster, ask_json};
use crate::object::{NAME, RetentionBy, retention};
use crate::transport::{Method, Request, Transport};
use serde_json::{Value, json};

/// The right to look at data streams.
const LOOK: &str = "the index privilege `view_index_metadata` on the data streams";

/// A data stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// The index template that makes its next backing index.
    pub template: String,
    /// The backing index that is written to.
    pub write_index: String,
    /// `data_retention` of its lifecycle.
    pub retention: Option<String>,
}

/// Every data stream, by name.
pub fn streams(transport: &mut dyn Transport) -> Result<Vec<Stream>, SetupError> {
    let target = "/_data_stream?filter_path=data_streams.name,data_streams.template,data_streams.lifecycle,data_streams.indices.index_name";
    let body = ask_json(transport, &Request::new(Method::Get, target), "list the data streams", LOOK)?;
    let body = body.unwrap_or_default();
    let all = body["data_streams"].as_array().into_iter().flatten();
    let mut streams: Vec<Stream> = all.filter_map(stream).collect();
    streams.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(streams)
}

fn stream(answer: &Value) -> Option<Stream> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(Stream {
        name: text(&answer["name"])?,
        template: text(&answer["template"]).unwrap_or_default(),
        write_index: text(&answer["indices"].as_array()?.last()?["index_name"])?,
        retention: text(&answer["lifecycle"]["data_retention"]),
    })
}

/// Every data stream whose index template is ours, by name.
pub fn our_streams(transport: &mut dyn Transport) -> Result<Vec<Stream>, SetupError> {
    let mut streams = streams(transport)?;
    streams.retain(Stream::has_our_template);
    Ok(streams)
}

impl Stream {
    /// Whether the index template of this set-up makes its backing indices.
    pub fn has_our_template(&self) -> bool {
        self.template == NAME
    }

    /// Whether the lifecycle in the index template, which only new streams take, is not this one's.
    pub fn keeps_otherwise(&self, cluster: &Cluster, wanted: &str) -> bool {
        retention(cluster) == RetentionBy::Template && self.retention.as_deref() != Some(wanted)
    }

    /// Sets how long its events are kept.
    pub fn set_retention(&self, transport: &mut dyn Transport, wanted: &str) -> Result<(), SetupError> {
        let request = Request::new(Method::Put, format!("/_data_stream/{}/_lifecycle", self.name));
        let request = request.json(&json!({"data_retention": wanted}));
        let doing = format!("set the retention of data stream {}", self.name);
        found(
            &doing,
            ask_json(
                transport,
                &request,
                &doing,
                "the index privilege `manage_data_stream_lifecycle` on it",
            )?,
        )
    }

    /// Number of its documents.
    pub fn count(&self, transport: &mut dyn Transport) -> Result<u64, SetupError> {
        let doing = format!("count the documents of data stream {}", self.name);
        let request = Request::new(Method::Get, format!("/{}/_count", self.name));
        let body =
            ask_json(transport, &request, &doing, "the index privilege `read` on it")?.unwrap_or_default();
        body["count"].as_u64().ok_or_else(|| SetupError::Unreadable { doing, found: body.to_string() })
    }

    /// Deletes it with all its documents.
    pub fn delete(&self, transport: &mut dyn Transport) -> Result<(), SetupError> {
        let doing = format!("delete data stream {}", self.name);
        let request = Request::new(Method::Delete, format!("/_data_stream/{}", self.name));
        ask_json(transport, &request, &doing, "the index privilege `delete_index` on it")?;
        Ok(())
    }

    /// Blocks of the index that is written to, such as `read_only_allow_delete`.
    pub fn blocks(&self, transport: &mut dyn Transport) -> Result<Vec<String>, SetupError> {
        let doing = format!("look for blocks of data stream {}", self.name);
        let target = format!("/{}/_settings?flat_settings=true", self.write_index);
        let body = ask_json(transport, &Request::new(Method::Get, target), &doing, LOOK)?.unwrap_or_default();
        let settings = body[&self.write_index]["settings"].as_object().into_iter().flatten();
        let blocks = settings.filter(|(name, value)| name.starts_with("index.blocks.") && *value == "true");
        Ok(blocks.map(|(name, _)| name.clone()).collect())
    }

    /// Mappings of each backing index, by its name.
    pub fn mappings(&self, transport: &mut dyn Transport) -> Result<Vec<(String, Value)>, SetupError> {
        let doing = format!("look at the fields of data stream {}", self.name);
        let target = format!("/{}/_mapping", self.name);
        let body = ask_json(transport, &Request::new(Method::Get, target), &doing, LOOK)?.unwrap_or_default();
        let indices = body.as_object().into_iter().flatten();
        Ok(indices.map(|(index, body)| (index.clone(), body["mappings"].clone())).collect())
    }
}

/// What was there a moment ago and now answers 404.
fn found(doing: &str, body: Option<Value>) -> Result<(), SetupError> {
    let gone =
        || SetupError::Refused { doing: doing.to_owned(), status: 404, found: "it is gone".to_owned() };
    body.map(drop).ok_or_else(gone)
}
