//! Was an event stored before its data stream rolled over?
//!
//! Ids are unique per backing index only. An event that may have been sent while `.ds-…-000001` was written to is not
//! refused by `.ds-…-000002`. So before such an event is sent, its id is looked up in the indices from the last known one
//! up to the one that is written to now. That one answers 409 by itself, unless the stream rolls over between look-up and
//! request: where few events are in doubt, it is looked into too.

use super::answer::{Answer, Head, Whole};
use super::client::{Call, Client};
use crate::file::identity::ID_LEN;
use jiff::Timestamp;
use reqwest::StatusCode;
use serde::Deserialize;
use std::collections::HashSet;

/// Ids in one `_mget`: answers stay far below the client's bound.
const IDS_A_REQUEST: usize = 1000;

/// Most indices that are looked into, the newest ones.
const MAX_OLDER: usize = 16;

/// What a look-up found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// These ids are stored in older backing indices.
    Ids(HashSet<String>),
    /// It is no data stream, so there is no rollover.
    NoDataStream,
    /// The server does not let us look, or cannot; the text says why.
    NotAllowed(String),
}

/// Which backing indices to look into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Where<'a> {
    /// The first one; empty where it is not known: all of them.
    pub(super) known: &'a str,
    /// Also the one written to now.
    pub(super) written: bool,
}

/// Looks `ids` up in backing indices of `stream`.
///
/// An error is that of the host: no connection, no usable answer, a status of 429 or 5xx.
pub(super) async fn look_up(
    client: &Client,
    host: usize,
    stream: &str,
    place: Where<'_>,
    ids: &[[u8; ID_LEN]],
) -> Result<Found, Answer> {
    let call = Call { path: &["_data_stream", stream], query: None, body: None };
    let (status, body) = client.call(host, call).await?;
    if status == StatusCode::NOT_FOUND {
        return Ok(Found::NoDataStream);
    }
    if let Some(reason) = refusal(status, &body)? {
        return Ok(Found::NotAllowed(reason));
    }
    let Ok(streams) = serde_json::from_slice::<DataStreams>(&body) else {
        return Ok(Found::NotAllowed("the answer to `_data_stream` cannot be read".to_owned()));
    };
    let mut found = HashSet::new();
    for index in streams.to_look_into(stream, place) {
        for ids in ids.chunks(IDS_A_REQUEST) {
            let path = [index, "_mget"];
            let call = Call {
                path: &path,
                query: Some("_source=false&filter_path=docs._id,docs.found"),
                body: Some(body_of(ids)),
            };
            let (status, body) = client.call(host, call).await?;
            if status == StatusCode::NOT_FOUND {
                break; // Retention removed the index meanwhile.
            }
            if let Some(reason) = refusal(status, &body)? {
                return Ok(Found::NotAllowed(reason));
            }
            let Ok(documents) = serde_json::from_slice::<Documents>(&body) else {
                return Ok(Found::NotAllowed("the answer to `_mget` cannot be read".to_owned()));
            };
            found.extend(
                documents.docs.into_iter().filter(|document| document.found).map(|document| document.id),
            );
        }
    }
    Ok(Found::Ids(found))
}

/// Trouble of the host is an error, another refusal a text.
fn refusal(status: StatusCode, body: &[u8]) -> Result<Option<String>, Answer> {
    if status.is_success() {
        return Ok(None);
    }
    let head = Head { status: status.as_u16(), retry_after: None, location: None };
    let whole = Whole::read(head, body, Timestamp::UNIX_EPOCH);
    match status.as_u16() {
        429 | 500.. => Err(Answer::Whole(whole)),
        _ => Ok(Some(whole.summary())),
    }
}

fn body_of(ids: &[[u8; ID_LEN]]) -> String {
    let ids: Vec<&str> = ids.iter().map(|id| std::str::from_utf8(id).expect("ids are base64")).collect();
    serde_json::json!({ "ids": ids }).to_string()
}

#[derive(Debug, Deserialize)]
struct DataStreams {
    data_streams: Vec<DataStream>,
}

#[derive(Debug, Deserialize)]
struct DataStream {
    name: String,
    indices: Vec<BackingIndex>,
}

#[derive(Debug, Deserialize)]
struct BackingIndex {
    index_name: String,
}

#[derive(Debug, Deserialize)]
struct Documents {
    #[serde(default)]
    docs: Vec<Document>,
}

#[derive(Debug, Deserialize)]
struct Document {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    found: bool,
}

impl DataStreams {
    /// Backing indices stand in the order of their making, the one written to last. If retention removed the known one,
    /// all that are there are younger than it.
    fn to_look_into(&self, stream: &str, place: Where<'_>) -> Vec<&str> {
        let Some(stream) = self.data_streams.iter().find(|candidate| candidate.name == stream) else {
            return Vec::new();
        };
        let indices: Vec<&str> = stream.indices.iter().map(|index| index.index_name.as_str()).collect();
        let end = if place.written { indices.len() } else { indices.len().saturating_sub(1) };
        let start = indices.iter().position(|index| *index == place.known).unwrap_or(0);
        indices[start.max(end.saturating_sub(MAX_OLDER)).min(end)..end].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn older(indices: &[&str], known: &str) -> Vec<String> {
        let indices: Vec<_> =
            indices.iter().map(|name| serde_json::json!({"index_name": name, "index_uuid": "u"})).collect();
        let answer =
            serde_json::json!({"data_streams": [{"name": "s", "indices": indices, "generation": 3}]});
        let streams: DataStreams = serde_json::from_value(answer).unwrap();
        let look =
            |written| streams.to_look_into("s", Where { known, written }).into_iter().map(str::to_owned);
        let written = indices.last().map(|index| index["index_name"].as_str().unwrap().to_owned());
        let mut with_written: Vec<String> = look(true).collect();
        assert_eq!(with_written.pop(), written);
        assert_eq!(with_written, look(false).collect::<Vec<_>>());
        with_written
    }

    #[test]
    fn only_indices_from_the_known_one_up_to_the_written_one_are_looked_into() {
        assert!(older(&["1"], "1").is_empty(), "no rollover");
        assert!(older(&["1", "2"], "2").is_empty(), "no rollover since");
        assert_eq!(older(&["1", "2"], "1"), ["1"]);
        assert_eq!(older(&["1", "2", "3", "4"], "2"), ["2", "3"]);
        assert_eq!(older(&["3", "4"], "1"), ["3"], "the known one is gone");
        assert!(older(&[], "1").is_empty());
    }

    #[test]
    fn captured_data_streams_of_both_engines_are_read() {
        for engine in ["elasticsearch", "opensearch"] {
            let path =
                format!("{}/tests/data/bulk/{engine}-data-stream-get.json", env!("CARGO_MANIFEST_DIR"));
            let streams: DataStreams = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            assert_eq!(streams.data_streams[0].name, "logs-demo-default");
            assert!(
                streams.to_look_into("logs-demo-default", Where { known: "gone", written: false }).is_empty()
            );
        }
    }
}
