//! The Logs page in a browser: what it promises to who reads logs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod browser;

mod page;

use browser::Browser;
use page::Page;
use serde_json::{Value, json};
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LINES: &str = "document.querySelectorAll('#list > .line')";
const MESSAGES: &str =
    "[...document.querySelectorAll('#list > .line > .row .message')].map((node) => node.textContent)";

fn line(level: &str, service: &str, message: &str) -> Value {
    json!({"log": {"level": level}, "service": {"name": service}, "message": message})
}

/// Four lines of two services.
async fn shop() -> Page {
    let page = Page::serve().await;
    page.write([
        line("info", "shop", "cart opened"),
        line("error", "shop", "cart lost"),
        line("warn", "billing", "invoice late"),
        line("info", "billing", "invoice written"),
    ]);
    page
}

async fn ask(page: &Page, head: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(page.address).await.unwrap();
    stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn every_answer_forbids_foreign_scripts_and_frames() {
    let page = Page::serve().await;
    for path in ["/logs", "/assets/logs.js", "/api/logs/lines", "/api/logs/lines?q=%28", "/nowhere"] {
        let answer = ask(&page, &format!("GET {path} HTTP/1.1\r\nHost: localhost")).await;
        assert!(
            answer.contains("content-security-policy: default-src 'none'; script-src 'self'"),
            "{answer}"
        );
        assert!(answer.contains("x-content-type-options: nosniff"), "{answer}");
    }
    let foreign = ask(&page, "GET /api/logs/lines HTTP/1.1\r\nHost: evil.example").await;
    assert!(foreign.starts_with("HTTP/1.1 403"), "{foreign}");
    let unread = ask(&page, "GET /api/logs/lines?size=-1 HTTP/1.1\r\nHost: localhost").await;
    assert!(unread.starts_with("HTTP/1.1 400") && unread.contains("\"kind\":\"request\""), "{unread}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn new_lines_appear_by_themselves_until_the_reader_pauses() {
    let page = Page::serve().await;
    let mut browser = Browser::start().await;
    browser.open(&page.url("")).await;
    browser.until("document.body.innerText.includes('No lines yet')").await;
    page.write([line("info", "shop", "first")]);
    browser.until(&format!("{MESSAGES}[0] === 'first'")).await;
    page.write([line("info", "shop", "second")]);
    browser.until(&format!("{MESSAGES}.join() === 'second,first'")).await;
    browser.press(" ").await;
    browser.until("document.getElementById('live-name').textContent === 'Paused'").await;
    assert_eq!(browser.value("location.search").await, "?live=0");
    page.write([line("info", "shop", "third")]);
    // Whoever follows again sees what came meanwhile.
    browser.press(" ").await;
    browser.until(&format!("{MESSAGES}.join() === 'third,second,first'")).await;
    assert_eq!(browser.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn search_and_filters_narrow_the_lines_and_the_address_holds_them() {
    let page = shop().await;
    let mut browser = Browser::start().await;
    browser.open(&page.url("")).await;
    browser.until(&format!("{LINES}.length === 4")).await;
    browser.value("document.querySelector('[data-key=service][data-value=shop]').click()").await;
    browser.until(&format!("{MESSAGES}.join() === 'cart lost,cart opened'")).await;
    browser.value("document.querySelector('[data-key=level][data-value=error]').click()").await;
    browser.until(&format!("{MESSAGES}.join() === 'cart lost'")).await;
    assert_eq!(browser.value("location.search").await, "?level=error&service=shop");
    browser.value("history.back(), history.back()").await;
    browser.until(&format!("{LINES}.length === 4")).await;

    browser.press("/").await;
    browser.write("invoice and not log.level: \"warn\"").await;
    browser.press("Enter").await;
    browser.until(&format!("{MESSAGES}.join() === 'invoice written'")).await;
    browser.until("document.querySelector('#list mark').textContent === 'invoice'").await;
    let address = browser.value("location.href").await;
    browser.open(address.as_str().unwrap()).await;
    browser.until(&format!("{MESSAGES}.join() === 'invoice written'")).await;
    assert_eq!(
        browser.value("document.getElementById('query').value").await,
        "invoice and not log.level: \"warn\""
    );

    browser.open(&page.url("?q=zzz")).await;
    browser.until("document.body.innerText.includes('Nothing matches')").await;
    browser.value("document.querySelector('#state button').click()").await;
    browser.until(&format!("{LINES}.length === 4")).await;
    assert_eq!(browser.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn a_search_that_cannot_be_read_says_where() {
    let page = shop().await;
    let mut browser = Browser::start().await;
    browser.open(&page.url("?q=log.level%3A%20%28")).await;
    browser.until("document.getElementById('query-fault').textContent.includes('ends at byte 12')").await;
    // The browser's own note of the status 400 is the only problem.
    assert!(
        browser.problems.iter().all(|problem| problem.contains("status of 400")),
        "{:?}",
        browser.problems
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn a_line_opens_by_keys_with_its_fields_json_and_neighbours() {
    let page = shop().await;
    let mut browser = Browser::start().await;
    browser.open(&page.url("?service=shop")).await;
    browser.until(&format!("{LINES}.length === 2")).await;
    browser.press("j").await;
    browser.press("j").await;
    browser.press("k").await;
    browser.press("Enter").await;
    browser.until("document.querySelector('.fields')?.innerText.includes('/var/log/shop.log')").await;
    assert_eq!(browser.value("document.querySelector('.open .message').textContent").await, "cart lost");
    browser.value("document.querySelector('[data-tab=json]').click()").await;
    browser.until("document.querySelector('.json')?.textContent.includes('\"level\": \"error\"')").await;
    // The neighbours are of the file, whatever the filters.
    browser.value("document.querySelector('[data-tab=around]').click()").await;
    browser.until("document.querySelectorAll('.around .line').length === 4").await;
    assert_eq!(
        browser.value("document.querySelector('.around .here .message').textContent").await,
        "cart lost"
    );

    let address = browser.value("location.href").await;
    browser.open(address.as_str().unwrap()).await;
    browser.until("document.querySelectorAll('.around .line').length === 4").await;
    browser.press("Escape").await;
    browser.until("document.querySelector('.document') === null").await;
    assert_eq!(browser.value("location.search").await, "?service=shop&live=0");
    assert_eq!(browser.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn dragging_over_the_chart_zooms_in() {
    let page = shop().await;
    let mut browser = Browser::start().await;
    browser.screen(1440, 900, "light").await;
    browser.open(&page.url("?live=0")).await;
    browser.until("document.querySelectorAll('#volume .bar').length > 50").await;
    browser.mouse("mousePressed", 200.0, 200.0).await;
    browser.mouse("mouseMoved", 300.0, 200.0).await;
    browser.mouse("mouseReleased", 400.0, 200.0).await;
    browser.until("location.search.includes('from=20')").await;
    browser.until("document.body.innerText.includes('No lines in this time')").await;
    assert_eq!(browser.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn hostile_lines_are_shown_and_do_nothing() {
    let page = Page::serve().await;
    let script = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>";
    let mut markup = line("<b>info</b>", "<svg onload=window.hit=1>", script);
    markup["labels"] =
        json!({"\"><img src=x onerror=window.hit=1>": script, "link": "javascript:window.hit=1"});
    page.write([
        markup,
        line("info", "shop", "\u{1b}[31mred\u{1b}[0m bell\u{7} end"),
        line("info", "shop", "user \u{202e}gpj.exe done"),
        line("info", "shop", &"x".repeat(100_000)),
        line("info", "shop", "شكرا ✓ 👩‍🚀"),
        line("info", "shop", "two\nlines\r\nof text"),
    ]);
    let mut browser = Browser::start().await;
    browser.screen(1440, 900, "dark").await;
    browser.open(&page.url("")).await;
    browser.until(&format!("{LINES}.length === 6")).await;
    let shown = browser.value(MESSAGES).await;
    assert_eq!(shown[5], script);
    assert_eq!(shown[4], "␛[31mred␛[0m bell␇ end");
    assert_eq!(shown[3], "user ⟨202E⟩gpj.exe done");
    for at in 0..6 {
        browser.value(&format!("{LINES}[{at}].firstChild.click()")).await;
        browser.until(&format!("{LINES}[{at}].querySelector('.fields') !== null")).await;
    }
    assert_eq!(browser.value("window.hit ?? null").await, Value::Null);
    assert_eq!(
        browser
            .value("document.querySelectorAll('main img, main script, main svg, .facets img').length")
            .await,
        0
    );
    assert_eq!(browser.value("document.documentElement.scrollWidth <= innerWidth").await, true);
    assert_eq!(browser.problems, Vec::<String>::new());
}

/// Writes the pictures to `target/tmp/logs-page`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn every_view_fits_the_screen_in_both_colours() {
    let page = shop().await;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("logs-page");
    std::fs::create_dir_all(&folder).unwrap();
    let mut browser = Browser::start().await;
    let opened = "?live=0&open=.ds-logs-app-default-DAY-000001%2Fline-1";
    let day = browser.value("new Date().toISOString().slice(0, 10).replaceAll('-', '.')").await;
    let opened = opened.replace("DAY", day.as_str().unwrap());
    let around = format!("{opened}&tab=around");
    let views =
        [("lines", "?live=0"), ("opened", &opened), ("around", &around), ("nothing", "?live=0&q=zzz")];
    for (width, scheme) in [(1440, "dark"), (1440, "light"), (400, "dark"), (400, "light")] {
        browser.screen(width, 900, scheme).await;
        for (name, rest) in views {
            browser.open(&page.url(rest)).await;
            if rest.contains("open=") {
                browser.until("document.querySelector('.tab-body[aria-busy=false]')").await;
            }
            assert_eq!(
                browser.value("document.documentElement.scrollWidth <= innerWidth").await,
                true,
                "{name} {width}"
            );
            std::fs::write(folder.join(format!("{name}-{width}-{scheme}.png")), browser.picture().await)
                .unwrap();
        }
        browser.open(&page.url("?live=0")).await;
        browser.mouse("mouseMoved", f64::from(width) - 40.0, 200.0).await;
        browser
            .until("document.getElementById('tooltip').getBoundingClientRect().right > innerWidth / 2")
            .await;
        browser.value("document.querySelector('#range summary').click()").await;
        std::fs::write(folder.join(format!("range-{width}-{scheme}.png")), browser.picture().await).unwrap();
        browser.press("Escape").await;
        browser.press("?").await;
        browser.until("document.getElementById('keys').open").await;
        std::fs::write(folder.join(format!("keys-{width}-{scheme}.png")), browser.picture().await).unwrap();
    }
    assert_eq!(browser.problems, Vec::<String>::new());
}
