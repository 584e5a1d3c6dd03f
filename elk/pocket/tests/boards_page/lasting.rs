//! A page that stays open takes no more memory, and how soon a page shows something.

use crate::browser::{Browser, Memory};
use crate::page::Page;
use crate::{BOARDS, events, filled, open};
use std::time::Duration;

/// Refreshes with a new request each, so that there is something to draw.
async fn refresh(browser: &mut Browser, page: &Page, times: u16) {
    for at in 0..times {
        page.write([events::request("shop", 0, if at % 4 == 0 { 500 } else { 200 })]);
        let loads = browser.value("Number(document.body.dataset.loads)").await;
        browser.press("r").await;
        browser.until(&format!("Number(document.body.dataset.loads) > {loads}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn sixty_refreshes_do_not_let_the_page_grow() {
    let page = filled().await;
    let mut browser = Browser::start().await;
    browser.screen(1440, 1300, "dark").await;
    open(&mut browser, &page, "app-service-overview?refresh=0").await;
    refresh(&mut browser, &page, 10).await;
    let first = browser.memory().await;
    // What scripts make once and keep is there by then.
    refresh(&mut browser, &page, 20).await;
    let early = browser.memory().await;
    refresh(&mut browser, &page, 30).await;
    let late = browser.memory().await;
    println!("after 10 refreshes {first:?}, after 30 {early:?}, after 60 {late:?}");
    assert_steady(early, late);
    assert_eq!(browser.problems, Vec::<String>::new());
}

/// As it is used, by the board's own refresh, each with new requests. For a minute; `BOARD_SECONDS=300` makes it longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn a_board_that_refreshes_by_itself_does_not_grow() {
    const EVERY: Duration = Duration::from_secs(1);
    let page = filled().await;
    let mut browser = Browser::start().await;
    browser.screen(1440, 1300, "dark").await;
    open(&mut browser, &page, "app-service-overview?refresh=1000").await;
    let seconds = std::env::var("BOARD_SECONDS").map_or(60, |text| text.parse().expect("whole seconds"));
    watch(&page, Duration::from_secs(60), EVERY).await;
    let early = browser.memory().await;
    let loads = "Number(document.body.dataset.loads)";
    let before = browser.value(loads).await.as_f64().unwrap();
    watch(&page, Duration::from_secs(seconds), EVERY).await;
    let late = browser.memory().await;
    let refreshes = browser.value(loads).await.as_f64().unwrap() - before;
    println!("after a minute {early:?}, after {seconds} s and {refreshes} refreshes more {late:?}");
    assert!(refreshes >= 10.0, "the board refreshed {refreshes} times");
    assert_steady(early, late);
    assert_eq!(browser.problems, Vec::<String>::new());
}

/// Lets the board refresh by itself, with a request more every so often.
async fn watch(page: &Page, time: Duration, every: Duration) {
    let end = tokio::time::Instant::now() + time;
    let mut at = 0u32;
    while tokio::time::Instant::now() < end {
        page.write([events::request("shop", 0, if at.is_multiple_of(4) { 500 } else { 200 })]);
        at += 1;
        tokio::time::sleep(every).await;
    }
}

/// A page that kept each drawing would be larger by a fifth.
fn assert_steady(early: Memory, late: Memory) {
    assert!(early.heap > 0.0 && early.nodes > 0.0);
    for (name, early, late) in [
        ("heap", early.heap, late.heap),
        ("nodes", early.nodes, late.nodes),
        ("listeners", early.listeners, late.listeners),
    ] {
        assert!(late < early * 1.12, "{name} grew from {early} to {late}");
    }
}

/// Speed is printed and not judged, for it is the machine's too: `-- --ignored --nocapture first_paint`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn first_paint_is_told() {
    let page = filled().await;
    for board in BOARDS {
        let mut browser = Browser::start().await;
        browser.screen(1440, 1000, "dark").await;
        open(&mut browser, &page, &format!("{board}?refresh=0")).await;
        let painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime";
        browser.until(painted).await;
        let painted = browser.value(painted).await.as_f64().unwrap();
        let drawn = browser.value("performance.now()").await.as_f64().unwrap();
        println!("{board}: first paint after {painted:.0} ms, all panels before {drawn:.0} ms");
        assert!(painted > 0.0 && painted < drawn, "the page says when it painted");
    }
}
