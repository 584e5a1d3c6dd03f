//! The search box offers how to go on, and keys alone are enough.

use crate::browser::Browser;
use crate::{filled, open};
use serde_json::{Value, json};

const SELECTED: &str = "document.querySelector('.choice[aria-selected=true]')?.id ?? null";

async fn completes_by_keys(browser: &mut Browser) {
    browser.press("/").await;
    browser.write("service.na").await;
    browser.until("document.querySelector('#choice-0 bdi')?.textContent === 'service.name'").await;
    assert_eq!(browser.value("document.getElementById('query').getAttribute('aria-expanded')").await, "true");
    browser.press("ArrowDown").await;
    assert_eq!(browser.value(SELECTED).await, "choice-0");
    let announced = "document.getElementById('query').getAttribute('aria-activedescendant')";
    assert_eq!(browser.value(announced).await, "choice-0");
    browser.press("Enter").await;
    browser.until("document.querySelector('#choice-0 bdi')?.textContent === ':'").await;
    browser.press("Tab").await;
    browser
        .until("[...document.querySelectorAll('.choice bdi')].some((one) => one.textContent === '\"stock\"')")
        .await;
    browser.write("\"sto").await;
    browser.until("document.querySelectorAll('.choice').length === 1").await;
    browser.press("Tab").await;
    assert_eq!(browser.value("document.getElementById('query').value").await, "service.name: \"stock\" ");
    browser.until("document.querySelector('#choice-0 bdi')?.textContent === 'and'").await;
    // Esc closes the list and nothing else; Enter then searches.
    browser.press("Escape").await;
    assert_eq!(browser.value("document.getElementById('choices').hidden").await, true);
    assert_eq!(browser.value("document.activeElement.id").await, "query");
    browser.press("Enter").await;
    browser.until("decodeURIComponent(location.href).includes('service.name:+\"stock\"')").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn the_search_box_completes_on_both_pages() {
    let page = filled().await;
    let mut browser = Browser::start().await;
    browser.screen(1440, 1000, "dark").await;
    open(&mut browser, &page, "app-service-overview?refresh=0").await;
    completes_by_keys(&mut browser).await;
    browser.until("document.querySelectorAll('#panel-services tbody tr').length === 1").await;
    browser.open(&page.url("?live=0")).await;
    completes_by_keys(&mut browser).await;
    assert_eq!(browser.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn hostile_values_are_offered_as_text() {
    const MARKUP: &str = "<img src=x onerror=window.ran=1>\"\\and";
    let page = filled().await;
    page.write([json!({"service": {"name": MARKUP}})]);
    let mut browser = Browser::start().await;
    browser.screen(400, 900, "light").await;
    browser.open(&page.url("?live=0")).await;
    browser.press("/").await;
    browser.write("service.name: \"<").await;
    browser.until("document.querySelectorAll('.choice').length === 1").await;
    browser.press("Tab").await;
    browser.press("Enter").await;
    browser.until("document.querySelectorAll('#list .line').length === 1").await;
    assert_eq!(browser.value("window.ran ?? null").await, Value::Null);
    assert_eq!(browser.problems, Vec::<String>::new());
}
