//! `blueox once`: against a server that refuses it says so once and ends with the code that scripts look at; and it ends
//! only when the last line is out.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected comes")]

#[path = "support/scripted_server.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with other tests")]
mod scripted_server;

use scripted_server::{Act, ScriptedServer};
use std::process::Stdio;
use tokio::process::Command;

#[tokio::test]
async fn a_held_index_ends_the_run_with_one_word_and_75() {
    let server = ScriptedServer::start(|request| Some(Act::bulk(request, |_, _| 403))).await;
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("app.log");
    std::fs::write(&log, "one\ntwo\nthree\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_blueox"))
        .arg("once")
        .arg(&log)
        .args(["--to", &server.url()])
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{said}");
    assert_eq!(said.matches("giving up").count(), 1, "{said}");
    assert!(said.contains("3 not delivered"), "{said}");
}

#[tokio::test]
async fn the_last_line_arrives_however_it_ends() {
    const LINES: usize = 20_000;
    // Nothing ends the first; the second may have a stack trace to come.
    for last in ["no end", "2026-11-24 10:00:00 ERROR the last\n"] {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("app.log");
        let lines = "{\"v\":0,\"name\":\"shop\",\"msg\":\"m\",\"level\":30}\n".repeat(LINES);
        std::fs::write(&log, lines + last).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_blueox"))
            .current_dir(directory.path())
            .arg("once")
            .arg(&log)
            .args(["--to", "stdout:"])
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let shipped = String::from_utf8_lossy(&output.stdout);
        assert_eq!(shipped.lines().count(), LINES + 1, "{last:?}");
        assert!(shipped.lines().any(|line| line.contains(last.trim_end())), "{last:?}");
    }
}
