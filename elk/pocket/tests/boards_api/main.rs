//! The boards over HTTP, without a browser: what Kibana's clients are answered.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../logs_page/page.rs"]
#[allow(dead_code, reason = "shared with the suites in a browser")]
mod page;

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod support;

mod direct;

mod kept;

mod foreign;

use direct::{Direct, XSRF};
use elk_setup::kibana::{Kibana, SavedObject, boards, saved_objects};
use page::Page;
use serde_json::{Value, json};

fn markdown(id: &str, text: &str) -> String {
    let vis = json!({"type": "markdown", "title": "", "params": {"markdown": text}, "data": {"aggs": [], "searchSource": {}}});
    let panels = json!([{
        "type": "visualization", "panelIndex": "p", "gridData": {"x": 0, "y": 0, "w": 48, "h": 5, "i": "p"},
        "embeddableConfig": {"savedVis": vis},
    }, {
        "type": "map", "panelIndex": "m", "gridData": {"x": 0, "y": 5, "w": 48, "h": 5, "i": "m"}, "embeddableConfig": {},
    }]);
    let attributes = json!({"title": "Mine", "panelsJSON": panels.to_string()});
    json!({"type": "dashboard", "id": id, "attributes": attributes, "references": []}).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_set_up_of_kibana_works_here_too() {
    let page = Page::serve().await;
    let mut transport = Direct::to(page.address);
    let kibana = Kibana::await_ready(&mut transport, None).unwrap();
    let objects = boards();
    // The boards come with the program, so nothing is to be done.
    for object in &objects {
        assert_eq!(kibana.differences(&mut transport, object).unwrap(), Some(Vec::new()), "{}", object.id);
    }
    kibana.import(&mut transport, &objects.iter().collect::<Vec<_>>()).unwrap();
    let errors: &SavedObject = objects.iter().find(|object| object.id == "app-errors").unwrap();
    kibana.delete(&mut transport, errors).unwrap();
    assert!(!kibana.has(&mut transport, errors).unwrap());
    assert_eq!(transport.get("/api/boards").1["boards"].as_array().unwrap().len(), 4);
    kibana.import(&mut transport, &[errors]).unwrap();
    assert_eq!(transport.get("/api/boards").1["boards"].as_array().unwrap().len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_imported_board_is_shown_with_the_reasons_for_what_is_not() {
    let page = Page::serve().await;
    let transport = Direct::to(page.address);
    let board = markdown("mine", "# Hello");
    assert_eq!(saved_objects(&board).len(), 1);
    assert_eq!(transport.import(&board, "", &XSRF).1["success"], true);
    let (status, layout) = transport.get("/api/boards/mine");
    assert_eq!(status, 200);
    assert_eq!(layout["panels"][0]["text"], json!([{"tag": "h3", "nodes": ["Hello"]}]));
    assert_eq!(layout["panels"][1]["kind"], "unsupported");
    assert!(layout["panels"][1]["reason"].as_str().unwrap().contains("map"), "{layout}");
    // Again only where it is asked for.
    let (_, again) = transport.import(&board, "", &XSRF);
    assert_eq!(again["errors"][0]["error"]["type"], "conflict");
    assert_eq!(transport.import(&board, "?overwrite=true", &XSRF).1["successCount"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_imported_changes_nothing() {
    let page = Page::serve().await;
    let transport = Direct::to(page.address);
    let board = markdown("mine", "text");
    let (status, told) = transport.import(&format!("{board}\n{{broken"), "", &XSRF);
    assert_eq!(status, 400);
    assert!(told["message"].as_str().unwrap().contains("line 2"), "{told}");
    assert_eq!(transport.import(&board, "", &[]).0, 400, "without kbn-xsrf");
    let search = json!({"type": "search", "id": "s", "attributes": {"title": "S"}, "references": [
        {"type": "index-pattern", "id": "nowhere", "name": "kibanaSavedObjectMeta.searchSourceJSON.index"},
    ]});
    let (_, told) = transport.import(&format!("{board}\n{search}"), "", &XSRF);
    assert_eq!(told["success"], false);
    assert_eq!(told["errors"][0]["error"]["references"][0]["id"], "nowhere");
    let large = markdown("large", &"x".repeat(17 << 20));
    // The server does not read to the end what it will not take; that can break the connection before the answer is read.
    assert!(!transport.try_import(&large, "", &XSRF).is_ok_and(|reply| reply.status != 413));
    assert_eq!(transport.get("/api/boards/large").0, 404);
    assert_eq!(transport.get("/api/boards/mine").0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_asked_is_told_by_its_kind() {
    let page = Page::serve().await;
    let transport = Direct::to(page.address);
    let panel = "/api/boards/app-errors/panels/errors-by-type?asked=";
    for (asked, kind, word) in [
        ("%7B%22q%22%3A%22a%3A%20%28%22%7D", "query", "byte"),
        ("%7B%22from%22%3A%22never%22%7D", "time", "never"),
        ("%7B%22filters%22%3A%5B%22%28%22%5D%7D", "request", "the filter `(`"),
        ("%7B%22zone%22%3A%22Mars%2FBase%22%7D", "store", "Mars/Base"),
        ("%7B", "request", "asked"),
    ] {
        let (status, told) = transport.get(&format!("{panel}{asked}"));
        assert!((400..500).contains(&status), "{told}");
        assert_eq!(told["error"]["kind"], kind, "{told}");
        assert!(told["error"]["reason"].as_str().unwrap().contains(word), "{told}");
    }
    assert_eq!(transport.get("/api/boards/none").1["error"]["kind"], "unknown");
    assert_eq!(
        transport.get("/api/boards/app-errors/panels/none?asked=%7B%7D").1["error"]["kind"],
        "unknown"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_text_is_completed_by_what_is_stored() {
    let page = Page::serve().await;
    page.write((0..9).map(|at| json!({"service": {"name": if at % 3 == 0 { "shop \"x\"" } else { "stock" }}, "http": {"response": {"status_code": 500 + at}}, "message": "m"})));
    let transport = Direct::to(page.address);
    for (before, expected) in [
        ("service.name%20", r#"[": ",": * "]"#),
        ("service.name%3A%20", r#"["\"stock\" ","\"shop \\\"x\\\"\" "]"#),
        ("service.name%3A%20%22sh", r#"["\"shop \\\"x\\\"\" "]"#),
        ("service.name%3A%20%22stock%22%20", r#"["and ","or "]"#),
        ("http.response.status_code%20%3E%3D%205", "[]"),
        ("http.response.status_code%3A%20507", r#"["507 "]"#),
        ("nowhere%3A%20", "[]"),
    ] {
        let (status, told) = transport.get(&format!("/api/complete?before={before}"));
        assert_eq!(status, 200, "{told}");
        let texts: Vec<&Value> =
            told["choices"].as_array().unwrap().iter().map(|choice| &choice["text"]).collect();
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(json!(texts), expected, "{before}: {told}");
    }
    // Names that begin so come first.
    let (_, told) = transport.get("/api/complete?before=a%3A1%20and%20service.na");
    assert_eq!(
        told["choices"][0],
        json!({"kind": "field", "text": "service.name", "from": 8, "detail": "keyword"})
    );
    let long = "x".repeat(5000);
    assert_eq!(transport.get(&format!("/api/complete?before={long}")).0, 400);
}
