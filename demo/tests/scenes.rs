//! Do the boards tell the truth: every scene of demo-service played, shipped into real engines and into Pocket ELK, and
//! read back by panels.
//!
//! Services, users and agents are processes. What panels should show is computed here from the log lines, one by one; what
//! they do show is what the engine answers to the requests that Kibana would send.

#[path = "support/scenes/mod.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod scenes;

use dashboards::lens::{Figures, Value};
use scenes::archive::{Archive, Choice};
use scenes::reader::{Digest, Reader, boards};
use scenes::store::Store;
use scenes::theatre::{Shipped, night};
use scenes::verdict::Finding;

/// Panels that are empty where nothing fails: the baseline, and noise that leaves requests well.
const WITHOUT_FAILURES: [&str; 10] = [
    "failed-by-service",
    "failed-by-endpoint",
    "failed-by-instance",
    "errors-by-service",
    "errors-by-type",
    "top-errors",
    "origins",
    "failing-endpoints",
    "errors-by-version",
    "error-documents",
];

const AGENTS: [&str; 3] = ["agents", "agent-lag", "agent-pending"];

/// No scene: what a board shows when it is opened.
const ALL: &str = "all";

/// Panels that may be empty in a scene, and nothing else.
fn may_be_empty(store: Store, scene: &str, panel: &str) -> bool {
    match scene {
        // Agents ship when all scenes are over, so what they say of themselves is from later.
        scene if scene != ALL && AGENTS.contains(&panel) => true,
        // The delay is computed by a script, and this build of Elasticsearch has no scripting module.
        _ if panel == "log-delay" => store == Store::Elasticsearch,
        "calm" | "noisy-logger" => WITHOUT_FAILURES.contains(&panel) || panel == "slow-requests",
        // The new version is slower, but its requests may all stay below the 500 ms that the list begins with.
        // Neither need what waits for a connection, where the machine is fast.
        "deploy-regression" | "saturating-pool" => panel == "slow-requests",
        _ => false,
    }
}

/// How far from the truth a beginning may be read: the board shows steps of a second, requests take two to fail, and
/// on a busy machine a few more go by.
const ONSET_MS: i64 = 10_000;

#[test]
#[ignore = "needs a JDK and Maven"]
fn elasticsearch_shows_what_the_lines_say() {
    every_panel_shows_what_the_lines_say(Store::Elasticsearch);
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn opensearch_shows_what_the_lines_say() {
    every_panel_shows_what_the_lines_say(Store::OpenSearch);
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn pocket_elk_shows_what_the_lines_say() {
    every_panel_shows_what_the_lines_say(Store::Pocket);
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn a_calm_evening_has_no_culprit() {
    the_panels_name_the_culprit("calm");
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn the_panels_name_the_version_that_made_it_worse() {
    the_panels_name_the_culprit("deploy-regression");
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn the_panels_name_the_dependency_that_fails() {
    the_panels_name_the_culprit("failing-dependency");
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn the_panels_name_the_load_that_is_too_much() {
    the_panels_name_the_culprit("saturating-pool");
}

#[test]
#[ignore = "needs a JDK and Maven"]
fn the_panels_name_the_logger_that_floods() {
    the_panels_name_the_culprit("noisy-logger");
}

fn every_panel_shows_what_the_lines_say(store: Store) {
    let shipped = shipped(store);
    let archive = Archive::new(shipped.documents.clone());
    a_check_finds_no_fault(shipped);
    let mut differences = Vec::new();
    let as_opened = Choice { range: night().whole, environment: None };
    let scenes = night().timelines.keys();
    let scenes = scenes.map(|scene| Choice { range: night().range(scene), environment: Some(scene) });
    for choice in std::iter::once(as_opened).chain(scenes) {
        for digest in [Digest::Usual, Digest::Finest] {
            differences.extend(all_panels(&archive, Reader { store, choice, digest }));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), shown(&differences));
}

/// How far the share of values at or below a percentile may lie beside its rank. Elasticsearch's digest as it is set up was
/// seen 0.07 off at the median of 7 760 durations; told to keep more centroids, it is as near as all others.
fn slack(store: Store, digest: Digest) -> f64 {
    match (store, digest) {
        (Store::Elasticsearch, Digest::Usual) => 0.1,
        _ => 0.01,
    }
}

fn shipped(store: Store) -> &'static Shipped {
    night().shipped.iter().find(|shipped| shipped.store == store).expect("shipped to all")
}

/// Differences of all panels, and panels that are empty though they should not be.
fn all_panels(archive: &Archive, reader: Reader<'_>) -> Vec<String> {
    let scene = reader.choice.environment.unwrap_or(ALL);
    let mut differences = Vec::new();
    for (model, board) in dashboards::model::boards().iter().zip(boards()) {
        for panel in &board.panels {
            let drawn = model.panels().find(|drawn| drawn.id == panel.id).expect("the panel's model");
            let figures = reader.figures(board, panel);
            let slack = slack(reader.store, reader.digest);
            let found = scenes::comparison::differences(archive, drawn, reader.choice, slack, &figures);
            let place =
                format!("{:?}, {:?} digest, scene {scene}, board {}", reader.store, reader.digest, board.id);
            differences.extend(found.iter().map(|difference| format!("{place}, {difference}")));
            if is_empty(&figures) && !may_be_empty(reader.store, scene, &panel.id) {
                differences.push(format!("{place}, panel `{}` is empty", panel.id));
            }
        }
    }
    differences
}

fn is_empty(figures: &Figures) -> bool {
    match figures {
        Figures::Nothing => false,
        Figures::Documents(found) => found.hits.is_empty(),
        Figures::Tables(tables) => tables.iter().all(|table| {
            let measures = (0..table.columns.len()).filter(|place| !table.columns[*place].kind.is_bucket());
            let measures: Vec<usize> = measures.collect();
            table.rows.iter().all(|row| measures.iter().all(|place| row[*place] == Value::Null))
        }),
    }
}

fn shown(differences: &[String]) -> String {
    differences.iter().take(40).cloned().collect::<Vec<_>>().join("\n")
}

/// `setup --check` asks every panel over the last 15 minutes: no error, and none is empty with all scenes in them.
fn a_check_finds_no_fault(shipped: &Shipped) {
    let said = &shipped.checked;
    let panels: Vec<&str> = said.lines().filter(|line| line.starts_with("= panels of ")).collect();
    assert_eq!(panels.len(), boards().len(), "{said}");
    // As in `may_be_empty`; the other panel of the delay has its objective to show.
    let allowed: &[&str] = if shipped.store == Store::Elasticsearch { &["(Log delay, p95)"] } else { &[] };
    let mut without = panels.iter().filter_map(|line| Some(line.split_once(" without ")?.1));
    assert!(without.all(|panels| allowed.contains(&panels)), "{said}");
}

fn the_panels_name_the_culprit(scene: &str) {
    let truth = Finding::truth(&night().timelines[scene]);
    for store in Store::ALL {
        let choice = Choice { range: night().range(scene), environment: Some(scene) };
        let found = Finding::read(&Reader { store, choice, digest: Digest::Usual });
        let verdict = |finding: &Option<Finding>| finding.as_ref().map(|finding| finding.verdict.clone());
        assert_eq!(verdict(&found), verdict(&truth), "{store:?}");
        if let Some((found, truth)) = found.zip(truth.as_ref()) {
            let off = found.onset - truth.onset;
            assert!(off.abs() <= ONSET_MS, "{store:?}: the panels say {off} ms after the truth");
        }
    }
}
