//! `blueox selftest`: a line with a random id, sent and looked for.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected comes")]

#[path = "support/scripted_server.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with other tests")]
mod scripted_server;

use scripted_server::{Act, Request, ScriptedServer};
use std::process::Output;

async fn selftest(arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_blueox"));
    command.arg("selftest").args(arguments).env_remove("BLUEOX_API_KEY").kill_on_drop(true);
    command.output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The id in `blueox selftest <id>`.
fn id_sent(request: &Request) -> String {
    let document = request.text().lines().nth(1).unwrap().to_owned();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    document["message"].as_str().unwrap().strip_prefix("blueox selftest ").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_is_sent_and_waited_for_until_a_search_finds_it() {
    let mut searches = 0;
    let server = ScriptedServer::start(move |request| {
        if request.target.contains("_bulk") {
            return Some(Act::bulk(request, |_, _| 201));
        }
        searches += 1;
        let found = u32::from(searches > 2);
        Some(Act::json(200, format!("{{\"hits\":{{\"total\":{{\"value\":{found}}}}}}}")))
    })
    .await;
    let output = selftest(&["--to", &server.url()]).await;
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    let requests = server.requests();
    let id = id_sent(&requests[0]);
    assert!(out.contains(&format!("{id}: acknowledged after")), "{out}");
    assert!(out.contains(&format!("{id}: searchable after")), "{out}");
    let searches: Vec<_> = requests.iter().filter(|request| request.target.contains("_search")).collect();
    assert_eq!(searches.len(), 3);
    assert!(searches.iter().all(|search| search.text().contains(&id)));
}

#[tokio::test]
async fn without_a_place_to_look_the_acknowledgement_is_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.ndjson");
    let output = selftest(&["--to", &format!("file:{}", path.display())]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let (out, written) = (text(&output.stdout), std::fs::read_to_string(path).unwrap());
    let (id, rest) = out.split_once(": ").unwrap();
    assert!(rest.starts_with("acknowledged after") && written.contains(id), "{out}{written}");
}

#[tokio::test]
async fn wrong_destinations_are_wrong_usage() {
    for arguments in [&["--to", "nowhere"][..], &["--to", "stdout:", "--elasticsearch", "es1"]] {
        assert_eq!(selftest(arguments).await.status.code(), Some(2), "{arguments:?}");
    }
}
