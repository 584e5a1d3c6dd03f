//! Clients that say half a request and wait hold nothing that others need.

mod support;

use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use support::Server;

/// Of each kind; together they stay below the 256 connections there are.
const CLIENTS: usize = 80;

fn half(server: &Server, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    stream.write_all(text.as_bytes()).expect("half a request");
    stream
}

#[test]
fn half_heads_and_half_bodies_do_not_block_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let head = "POST /_bulk HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n";
    // Each announces as much as a body may be: were that set aside, one would be enough to keep all others out.
    let announced = format!("{head}Content-Length: {}\r\n\r\n{{\"create\"", 64 << 20);
    let slow: Vec<TcpStream> = (0..CLIENTS)
        .flat_map(|_| [half(&server, head), half(&server, &announced), half(&server, "GET /_cat")])
        .collect();
    for number in 0..20 {
        let document = json!({"number": number});
        let (status, answer) = server.send(
            "POST",
            "/_bulk?refresh=true",
            &format!("{}\n{document}\n", json!({"index": {"_index": "quick"}})),
        );
        assert!(status == 200 && answer["errors"] == false, "{status} {answer}");
    }
    assert_eq!(server.good("GET", "/quick/_count", &Value::Null)["count"], 20);
    drop(slow);
    assert_eq!(server.good("GET", "/quick/_count", &Value::Null)["count"], 20);
}
