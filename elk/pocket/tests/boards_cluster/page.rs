//! A browser that looks at a cluster which goes and comes back.

use crate::browser::Browser;
use crate::{Cable, Viewer, filled};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Chromium"]
async fn an_open_board_says_that_the_cluster_is_gone_and_recovers_by_itself() {
    let (_folder, server) = filled();
    let cable = Cable::to(server.address());
    let viewer = Viewer::of(&cable.url);
    let mut browser = Browser::start().await;
    browser.screen(1440, 1300, "dark").await;
    let board = "app/dashboards#/view/app-service-overview?refresh=1000";
    browser.open(&format!("http://{}/{board}", viewer.address)).await;
    let panel = |state: &str| format!("document.querySelector('#panel-services[data-state={state}]')");
    browser.until(&panel("ready")).await;
    cable.break_off();
    browser.until(&panel("failed")).await;
    let told = format!(
        "document.querySelector('#panel-services .panel-note').textContent.includes('no answer from {}')",
        cable.url
    );
    browser.until(&told).await;
    // What was there before still stands.
    browser.until("document.querySelectorAll('#panel-services tbody tr').length === 2").await;
    cable.mend();
    browser.until(&panel("ready")).await;
    browser.until("!document.querySelector('[data-state=failed]')").await;
    let unexpected: Vec<&String> =
        browser.problems.iter().filter(|problem| !problem.contains("503")).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}
