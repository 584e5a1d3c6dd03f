//! Was an event stored before its data stream rolled over?
//!
//! Ids are unique per backing index only. An event that may have been sent while `.ds-…-000001` was written to is not
//! refused by `.ds-…-000002`. So before such an event is sent, its id is looked up in the indices from the last known one
//! up to, not including, the one that is written to now: that one answers 409 by itself.

use super::answer::{Answer, Head, Whole};
use super::client::{Call, Client};
use crate::file::identity::ID_LEN;
use jiff::Timestamp;
use reqwest::StatusCode;
use serde::Deserialize;
use std::collections::HashSet;

/// Ids in one `_mget`: answers stay far below the client's bound.
const IDS_A_REQUEST: usize = 1000;

/// Most older indices that are looked into, the newest ones.
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

/// Looks `ids` up in the backing indices of `stream` older than the one written to, from `known` on; where that is empty, in
/// all of them.
///
/// An error is that of the host: no connection, no usable answer, a status of 429 or 5xx.
pub(super) async fn look_up(
    client: &Client,
    host: usize,
    stream: &str,
    known: &str,
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
    for index in streams.older_than_written(stream, known) {
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
    /// all older ones are younger than it.
    fn older_than_written(&self, stream: &str, known: &str) -> Vec<&str> {
        let Some(stream) = self.data_streams.iter().find(|candidate| candidate.name == stream) else {
            return Vec::new();
        };
        let indices: Vec<&str> = stream.indices.iter().map(|index| index.index_name.as_str()).collect();
        let Some((_, older)) = indices.split_last() else { return Vec::new() };
        let from = match indices.iter().position(|index| *index == known) {
            Some(place) => place.min(older.len()),
            None => 0,
        };
        older[from.max(older.len().saturating_sub(MAX_OLDER))..].to_vec()
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
        streams.older_than_written("s", known).into_iter().map(str::to_owned).collect()
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
            assert!(streams.older_than_written("logs-demo-default", "gone").is_empty());
        }
    }
}
