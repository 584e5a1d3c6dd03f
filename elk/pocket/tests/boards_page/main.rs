//! The boards in a browser: what they promise to who looks at them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../logs_page/browser.rs"]
mod browser;

#[path = "../logs_page/page.rs"]
#[allow(dead_code, reason = "shared with the suite of the Logs page")]
mod page;

mod completion;

mod events;

mod lasting;

mod markdown;

use browser::Browser;
use page::Page;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Ids of the boards that come with the program.
const BOARDS: [&str; 5] =
    ["app-service-overview", "app-endpoint-detail", "app-errors", "app-logs", "app-saturation"];
/// Panels that still wait, or that failed.
const UNSETTLED: &str =
    "[...document.querySelectorAll('[data-state=loading], [data-state=failed]')].map((panel) => panel.id)";

/// What cannot be read, reached or told from its ground, as a list.
const FLAWS: &str = include_str!("looks.js");

/// Opens a board. A change behind `#` alone would leave the page as it is, so each has an address of its own.
async fn open(browser: &mut Browser, page: &Page, rest: &str) {
    static OPENED: AtomicU32 = AtomicU32::new(0);
    let number = OPENED.fetch_add(1, Ordering::Relaxed);
    browser.open(&format!("http://{}/app/dashboards?{number}#/view/{rest}", page.address)).await;
}

async fn filled() -> Page {
    let page = Page::serve().await;
    page.write(events::quarter_of_an_hour());
    page
}

/// A panel's answer, asked for as the page asks.
async fn panel(browser: &mut Browser, board: &str, panel: &str, asked: &Value) -> Value {
    let address = format!("/api/boards/{board}/panels/{panel}");
    let expression = format!(
        "fetch({} + '?' + new URLSearchParams({{asked: {}}})).then((answer) => answer.json())",
        json!(address),
        json!(asked.to_string())
    );
    browser.value(&expression).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn every_board_draws_every_panel_in_both_colours_and_on_a_phone() {
    let page = filled().await;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("boards-page");
    std::fs::create_dir_all(&folder).unwrap();
    let mut browser = Browser::start().await;
    for (width, height, scheme) in
        [(1440, 1300, "dark"), (1440, 1300, "light"), (400, 900, "dark"), (400, 900, "light")]
    {
        browser.screen(width, height, scheme).await;
        for board in BOARDS {
            open(&mut browser, &page, &format!("{board}?refresh=0")).await;
            assert_eq!(browser.value(UNSETTLED).await, json!([]), "{board} {width} {scheme}");
            let empty = "[...document.querySelectorAll('[data-state=empty]')].map((panel) => panel.id)";
            assert_eq!(browser.value(empty).await, json!([]), "{board} has data for each panel");
            let drawn = "[...document.querySelectorAll('.canvas')].every((place) => place.querySelector('canvas').height > 20)";
            assert_eq!(browser.value(drawn).await, true, "{board} {width}");
            assert_eq!(browser.value(FLAWS).await, json!([]), "{board} {width} {scheme}");
            let picture = browser.picture().await;
            std::fs::write(folder.join(format!("{board}-{width}-{scheme}.png")), picture).unwrap();
        }
    }
    assert_eq!(browser.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn figures_are_those_of_the_events() {
    let page = filled().await;
    let mut browser = Browser::start().await;
    browser.screen(1440, 1300, "dark").await;
    open(&mut browser, &page, "app-service-overview?refresh=0").await;
    let table = panel(&mut browser, "app-service-overview", "services", &json!({})).await;
    let names: Vec<&str> =
        table["cells"].as_array().unwrap().iter().map(|row| row[0]["v"].as_str().unwrap()).collect();
    // Every tenth request of `shop` fails, none of `stock`.
    assert_eq!(names, ["shop", "stock"]);
    assert_eq!(table["cells"][0][1 + 1]["v"], 0.1);
    assert_eq!(table["cells"][1][1 + 1]["v"], 0.0);
    let shown = "document.querySelector('#panel-services tbody tr td:nth-child(3)').textContent";
    assert_eq!(browser.value(shown).await, "10.00%");
    let rate = "document.querySelector('#panel-error-rate .tile-value').textContent";
    assert_eq!(browser.value(rate).await, "5.00%");
    // The same service has the same colour on every panel, but where failures are counted: there all are red.
    let mut color = Vec::new();
    for (board, id) in [
        ("app-service-overview", "latency-by-service"),
        ("app-logs", "lines-by-service"),
        ("app-service-overview", "failed-by-service"),
        ("app-errors", "errors-by-service"),
    ] {
        let drawing = panel(&mut browser, board, id, &json!({})).await;
        let series = drawing["series"].as_array().unwrap();
        let shop = series.iter().find(|series| series["name"] == "shop").unwrap();
        color.push(shop["color"].as_str().unwrap().to_owned());
    }
    assert_eq!((&color[0], &color[2]), (&color[1], &color[3]));
    assert_ne!(color[0], color[2]);
    assert_eq!(browser.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn clicks_filter_all_panels_and_the_address_holds_them() {
    let page = filled().await;
    let mut browser = Browser::start().await;
    browser.screen(1440, 1300, "light").await;
    open(&mut browser, &page, "app-service-overview?refresh=0").await;
    browser.value("[...document.querySelectorAll('#panel-services .value-filter')].find((one) => one.textContent === 'stock').click()").await;
    browser.until("document.querySelectorAll('#panel-services tbody tr').length === 1").await;
    browser.until("document.querySelector('#panel-error-rate .tile-value').textContent === '0.00%'").await;
    let hash = browser.value("location.hash").await;
    assert!(hash.as_str().unwrap().contains("filter=service.name%3A+%22stock%22"), "{hash}");
    // The opposite shows the other service, and a link takes the filter along.
    browser.value("document.querySelector('.pill button').click()").await;
    browser.until("document.querySelector('#panel-services td').textContent === 'shop'").await;
    browser
        .value(
            "[...document.querySelectorAll('.links a')].find((one) => one.textContent === 'Errors').click()",
        )
        .await;
    browser
        .until("document.getElementById('title').textContent === 'Errors' && document.querySelector('.pill')")
        .await;
    browser.value("history.go(-3)").await;
    browser.until("document.querySelectorAll('#panel-services tbody tr').length === 2").await;

    // A control.
    browser.value("document.querySelector('[data-control=service] summary').click()").await;
    browser.until("document.querySelectorAll('[data-control=service] .option').length >= 2").await;
    browser.value("document.querySelector('[data-control=service] .option[data-value=stock]').click()").await;
    browser.until("document.querySelectorAll('#panel-services tbody tr').length === 1").await;
    browser.press("Escape").await;

    // The query bar, and what it says of a text that is no query.
    browser.press("/").await;
    browser.write("service.name: (").await;
    browser.press("Enter").await;
    browser.until("document.getElementById('query').getAttribute('aria-invalid') === 'true'").await;
    browser.until("document.getElementById('query-fault').textContent.includes('byte 15')").await;
    // It is said once, not by every panel.
    browser.until("document.querySelectorAll('[data-state=failed]').length > 5").await;
    assert_eq!(browser.value("document.querySelectorAll('.panel-note:not([hidden])').length").await, 0);
    assert_eq!(browser.problems.iter().filter(|problem| !problem.contains("400")).count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn dragging_over_a_chart_zooms_and_the_crosshair_stands_on_all() {
    let page = filled().await;
    let mut browser = Browser::start().await;
    browser.screen(1440, 1000, "dark").await;
    open(&mut browser, &page, "app-service-overview?refresh=0").await;
    let place = "JSON.parse(JSON.stringify(document.querySelector('#panel-latency-by-service .canvas').getBoundingClientRect()))";
    let place = browser.value(place).await;
    let at = |share: f64| {
        (
            place["x"].as_f64().unwrap() + place["width"].as_f64().unwrap() * share,
            place["y"].as_f64().unwrap() + place["height"].as_f64().unwrap() / 2.0,
        )
    };
    let (x, y) = at(0.6);
    browser.mouse("mouseMoved", x, y).await;
    browser.until("!document.getElementById('tooltip').hidden").await;
    browser.until("document.getElementById('tooltip').textContent.includes('shop')").await;
    assert_eq!(browser.value("document.querySelectorAll('.crosshair:not([hidden])').length").await, 5);
    let (from, to) = (at(0.4), at(0.7));
    browser.mouse("mousePressed", from.0, from.1).await;
    browser.mouse("mouseMoved", (from.0 + to.0) / 2.0, to.1).await;
    browser.mouse("mouseMoved", to.0, to.1).await;
    browser.mouse("mouseReleased", to.0, to.1).await;
    browser.until("/from=2\\d{3}-.*to=2\\d{3}-/u.test(location.hash)").await;
    let span = "(() => { const given = new URLSearchParams(location.hash.split('?')[1]); return Date.parse(given.get('to')) - Date.parse(given.get('from')); })()";
    let span = browser.value(span).await.as_f64().unwrap();
    assert!((3.0 * 60e3..7.0 * 60e3).contains(&span), "{span} ms of 15 minutes");
    assert_eq!(browser.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn a_refresh_shows_what_came_without_drawing_the_page_anew() {
    let page = filled().await;
    let mut browser = Browser::start().await;
    browser.screen(1440, 1000, "dark").await;
    open(&mut browser, &page, "app-service-overview?refresh=1000").await;
    browser.value("window.kept = document.querySelector('#panel-latency-by-service canvas')").await;
    page.write([events::request("billing", 0, 500)]);
    browser.until("document.querySelector('#panel-services').textContent.includes('billing')").await;
    let same = "window.kept === document.querySelector('#panel-latency-by-service canvas') && window.kept.isConnected";
    assert_eq!(browser.value(same).await, true);
    let loads = browser.value("Number(document.body.dataset.loads)").await.as_u64().unwrap();
    browser.until(&format!("Number(document.body.dataset.loads) > {}", loads + 3)).await;
    assert_eq!(browser.value("document.querySelectorAll('canvas').length").await, 5);
    browser.press(" ").await;
    browser.until("document.getElementById('live-name').textContent === 'Paused'").await;
    assert_eq!(browser.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn hostile_names_and_values_are_text() {
    const MARKUP: &str = "<img src=x onerror=window.ran=1>{a|b}{c}<script>window.ran=1</script>";
    let page = filled().await;
    page.write((0..20).map(|at| events::hostile(MARKUP, at)));
    let mut browser = Browser::start().await;
    browser.screen(1440, 1300, "dark").await;
    for board in BOARDS {
        open(&mut browser, &page, &format!("{board}?refresh=0")).await;
        assert_eq!(browser.value(UNSETTLED).await, json!([]), "{board}");
        assert_eq!(browser.value("document.querySelectorAll('main img, main script').length").await, 0);
        // Every tooltip of every chart is told once.
        browser.value("for (const place of document.querySelectorAll('.canvas[tabindex]')) { place.focus(); place.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true})); }").await;
        assert_eq!(browser.value("window.ran ?? null").await, Value::Null, "{board}");
    }
    let shown = browser.value("document.querySelector('main').textContent.includes('onerror')").await;
    assert_eq!(shown, true, "the text itself is shown");
    let evil = "app-service-overview?refresh=0&full=%3Cb%3E&filter=a%3A+%22%3Cimg+src%3Dx+onerror%3Dwindow.ran%3D1%3E%22";
    open(&mut browser, &page, evil).await;
    assert_eq!(
        browser.value("document.querySelector('.pill bdi').textContent").await,
        "a: \"<img src=x onerror=window.ran=1>\""
    );
    assert_eq!(browser.value("window.ran ?? null").await, Value::Null);
    assert_eq!(browser.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn a_panel_can_be_inspected_and_shown_alone() {
    let page = filled().await;
    let mut browser = Browser::start().await;
    browser.screen(1440, 1000, "dark").await;
    open(&mut browser, &page, "app-service-overview?refresh=0").await;
    browser.value("document.querySelector('#panel-services [title=Inspect]').click()").await;
    browser
        .until("document.getElementById('inspect-content').textContent.includes('\"aggregations\"')")
        .await;
    assert_eq!(
        browser
            .value("document.getElementById('inspect-content').textContent.includes('POST /logs-app')")
            .await,
        true
    );
    browser.value("document.querySelector('#inspect form button').click()").await;
    browser.value("document.querySelector('#panel-services [title=\"Full screen\"]').click()").await;
    browser.until("document.querySelector('#panel-services.full').clientHeight > 800").await;
    browser.press("Escape").await;
    browser.until("!document.querySelector('.full')").await;
    assert_eq!(browser.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn a_board_without_data_says_so_and_the_list_shows_all() {
    let page = Page::serve().await;
    let mut browser = Browser::start().await;
    browser.screen(1440, 1000, "dark").await;
    for board in BOARDS {
        open(&mut browser, &page, &format!("{board}?refresh=0")).await;
        assert_eq!(browser.value(UNSETTLED).await, json!([]), "{board}");
    }
    browser.until("document.querySelectorAll('[data-state=empty]').length > 5").await;
    browser.open(&format!("http://{}/app/dashboards", page.address)).await;
    browser.until("document.querySelectorAll('.board-card').length === 5").await;
    assert_eq!(browser.problems, Vec::<String>::new());
    browser.value("location.hash = '#/view/none'").await;
    browser
        .until("document.getElementById('page-fault').textContent.includes('there is no board `none`')")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn a_phone_has_a_low_bar_numbers_in_pairs_and_legends_that_can_be_told_apart() {
    let page = filled().await;
    let loggers = ["shop::checkout::orders::accepted", "shop::checkout::orders::refused"];
    page.write(loggers.map(|logger| {
        let mut event = events::request("shop", 0, 200);
        event["log"]["logger"] = json!(logger);
        event
    }));
    let mut browser = Browser::start().await;
    browser.screen(400, 900, "light").await;
    // The longest name a range has, and the button that leads back from it.
    open(&mut browser, &page, "app-logs?refresh=0&from=2020-01-01T00:00:00.000Z&to=2100-01-01T00:00:00.000Z")
        .await;
    let bar = browser.value("document.querySelector('.top').clientHeight").await.as_f64().unwrap();
    assert!(bar < 110.0, "the bar takes {bar} of 900 points");
    let tops =
        "[...document.querySelectorAll('.kind-metric')].map((panel) => panel.getBoundingClientRect().top)";
    let tops = browser.value(tops).await;
    assert_eq!((&tops[0], &tops[2]), (&tops[1], &tops[3]));
    assert_ne!(tops[0], tops[2]);
    let shown = "[...document.querySelectorAll('#panel-lines-by-logger .tail')].filter((end) => end.scrollWidth <= end.clientWidth).map((end) => end.textContent)";
    let shown = browser.value(shown).await;
    for end in [":accepted", "::refused"] {
        assert!(
            shown.as_array().unwrap().iter().any(|tail| tail.as_str().unwrap().ends_with(end)),
            "{shown}"
        );
    }
    assert_eq!(browser.problems, Vec::<String>::new());
}
