//! Texts of boards: what of Markdown is drawn, and that nothing in them runs.

use crate::browser::Browser;
use crate::open;
use crate::page::Page;
use serde_json::{Value, json};

const TEXT: &str = "# Read *me*\nSome **loud** and *soft* words,\nand `a * b`.\n\n- one\n- [two](https://example.org/a)\n\n\
    1. first\n2. second\n\n```sh\nlet a = **1**;\n\nrun <b>\n```\n\n[bad](javascript:window.ran=1) <img src=x onerror=window.ran=1>";
const DRAWN: [&str; 6] = [
    "<h3>Read <em>me</em></h3>",
    "<p>Some <strong>loud</strong> and <em>soft</em> words, and <code>a * b</code>.</p>",
    "<ul><li>one</li><li><a href=\"https://example.org/a\" rel=\"noreferrer\">two</a></li></ul>",
    "<ol><li>first</li><li>second</li></ol>",
    "<pre>let a = **1**;\n\nrun &lt;b&gt;\n</pre>",
    "<p>bad &lt;img src=x onerror=window.ran=1&gt;</p>",
];

/// As a page of this server imports: the file as a form.
async fn import(browser: &mut Browser, ndjson: &str) {
    let expression = format!(
        "(() => {{ const form = new FormData(); form.append('file', new Blob([{}]), 'file.ndjson');
            return fetch('/api/saved_objects/_import', {{method: 'POST', headers: {{'kbn-xsrf': 'test'}}, body: form}}).then((answer) => answer.json()); }})()",
        json!(ndjson)
    );
    let told = browser.value(&expression).await;
    assert_eq!(told["success"], true, "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn markdown_is_drawn_and_nothing_in_it_runs() {
    let page = Page::serve().await;
    let vis = json!({"type": "markdown", "params": {"markdown": TEXT}});
    let panels = json!([{"type": "visualization", "panelIndex": "p", "gridData": {"x": 0, "y": 0, "w": 48, "h": 20, "i": "p"},
        "embeddableConfig": {"savedVis": vis}}]);
    let attributes = json!({"title": "Text", "panelsJSON": panels.to_string()});
    let mut browser = Browser::start().await;
    browser.screen(1440, 1000, "dark").await;
    open(&mut browser, &page, "app-logs?refresh=0").await;
    import(&mut browser, &json!({"type": "dashboard", "id": "text", "attributes": attributes}).to_string())
        .await;
    open(&mut browser, &page, "text?refresh=0").await;
    let drawn = browser
        .value("[...document.querySelectorAll('#panel-p .markdown > *')].map((node) => node.outerHTML)")
        .await;
    assert_eq!(drawn, json!(DRAWN));
    assert_eq!(browser.value("window.ran ?? null").await, Value::Null);
    assert_eq!(browser.problems, Vec::<String>::new());
}
