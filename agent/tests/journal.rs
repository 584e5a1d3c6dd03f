//! Outputs that cannot tell a repeat: what was acknowledged before a kill is not sent again.

#[path = "support/agent.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod agent;
#[path = "support/log_writer.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod log_writer;

use agent::{Agent, Site};
use bench::fault::{FaultServer, Options, Plan};
use log_writer::LogFile;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;

/// A site whose output is a file.
fn site() -> Site {
    Site::with_config(|site| config(site, &format!("file: {{path: {:?}}}", site.path("out.ndjson"))))
}

fn config(site: &Site, output: &str) -> String {
    format!(
        "host: {{id: test}}\ninputs: [{{paths: [{:?}]}}]\noutput: {{{output}}}\n\
         state: {{path: {:?}}}\nmonitoring: {{listen: '{}', events: false}}\n",
        site.logs().join("*"),
        site.path("state"),
        site.status_address(),
    )
}

/// Messages in the order they came out.
fn messages(site: &Site) -> Vec<String> {
    let text = fs::read_to_string(site.path("out.ndjson")).unwrap_or_default();
    text.lines().map(|line| message(line.as_bytes())).collect()
}

fn message(document: &[u8]) -> String {
    let document: Value = serde_json::from_slice(document).expect("a document");
    document["message"].as_str().expect("a message").to_owned()
}

/// Writes fifty lines and waits until all are settled and, as nearly always, not in a checkpoint yet.
fn settle_fifty(agent: &mut Agent, log: &mut LogFile, expected: &mut Vec<String>) {
    for _ in 0..20 {
        for _ in 0..50 {
            let line = format!("line {}", expected.len());
            log.line(&line);
            expected.push(line);
        }
        let size = fs::metadata(log.path()).expect("the log").len();
        let report = agent.wait_status("all is settled", |status| {
            status.accounts.pending == 0 && status.files.first().is_some_and(|file| file.settled == size)
        });
        if report.files[0].checkpointed < size {
            return;
        }
    }
    panic!("a checkpoint was always there before the verdicts");
}

/// Kills so many runs over what is settled and in no checkpoint, and lets one more end by itself. `killed` is called with each
/// number between a kill and the next start. Returns the lines written.
fn runs_killed(site: &Site, kills: usize, mut killed: impl FnMut(usize)) -> Vec<String> {
    let mut log = LogFile::open(site.logs().join("a.log"));
    let mut expected = Vec::new();
    for kill in 0..kills {
        let mut agent = site.run();
        settle_fifty(&mut agent, &mut log, &mut expected);
        agent.kill();
        killed(kill);
    }
    let mut agent = site.run();
    settle_fifty(&mut agent, &mut log, &mut expected);
    assert!(agent.stop().success());
    expected
}

// Q51
#[test]
fn a_kill_repeats_nothing_that_was_acknowledged() {
    let site = site();
    let expected = runs_killed(&site, 10, |_| ());
    assert_eq!(messages(&site), expected);
}

// Q51
#[test]
fn a_damaged_journal_repeats_a_tail_and_loses_nothing() {
    let site = site();
    let path = site.path("state/journal");
    let expected = runs_killed(&site, 4, |damage| {
        let mut journal = fs::read(&path).expect("a journal");
        match damage {
            0 => journal.truncate(journal.len() / 2 + 1),
            1 => journal.fill(0),
            2 => journal.iter_mut().step_by(7).for_each(|byte| *byte ^= 1),
            _ => journal.clear(),
        }
        fs::write(&path, journal).expect("written");
    });
    let sent = messages(&site);
    assert!(sent.len() > expected.len(), "without a journal something is repeated");
    let mut seen = HashSet::new();
    let once: Vec<String> = sent.into_iter().filter(|message| seen.insert(message.clone())).collect();
    assert_eq!(once, expected);
}

// Q51
#[test]
fn another_output_goes_on_behind_what_the_killed_run_has_noted() {
    let server = FaultServer::start(Options::new(Plan::Calm)).expect("a server on loopback");
    let (site, mut by_file) = (site(), Vec::new());
    let journal = || fs::metadata(site.path("state/journal")).expect("a journal").len();
    let expected = runs_killed(&site, 1, |_| {
        assert!(journal() > 0);
        by_file = messages(&site);
        let output = format!("elasticsearch: {{hosts: [{:?}], bulk: {{linger: 20ms}}}}", server.url());
        fs::write(site.config(), config(&site, &output)).expect("the configuration");
    });
    assert_eq!((journal(), messages(&site)), (0, by_file.clone()));
    let (first, rest) = expected.split_at(by_file.len());
    assert_eq!(by_file, first);
    let stored: BTreeSet<String> =
        server.documents().iter().map(|document| message(&document.source)).collect();
    assert_eq!(stored, rest.iter().cloned().collect());
    assert_eq!(server.traffic().items(), BTreeMap::from([(201, rest.len() as u64)]), "each was sent once");
}

// Q51
#[test]
fn a_log_that_was_written_anew_after_the_kill_is_read_from_its_beginning() {
    let site = site();
    let path = site.logs().join("a.log");
    let mut log = LogFile::open(&path);
    let mut expected = Vec::new();
    let mut agent = site.run();
    settle_fifty(&mut agent, &mut log, &mut expected);
    agent.kill();
    // Longer than before, so that only its bytes tell.
    let anew: Vec<String> = (0..2 * expected.len()).map(|number| format!("anew {number}")).collect();
    fs::write(&path, anew.join("\n") + "\n").expect("written");
    expected.extend(anew);
    let size = fs::metadata(&path).expect("the log").len();
    let mut agent = site.run();
    agent.wait_status("all is settled", |status| {
        status.accounts.pending == 0 && status.files.iter().any(|file| file.settled == size)
    });
    assert!(agent.stop().success());
    assert_eq!(messages(&site), expected);
}
