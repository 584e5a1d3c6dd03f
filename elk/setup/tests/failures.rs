//! What a set-up says and leaves behind where something does not go as it should, against a scripted cluster and a scripted
//! Kibana. Real engines: `agent/tests/setup_engines.rs`.

#[path = "support/cluster.rs"]
#[allow(unreachable_pub, reason = "support of tests")]
mod cluster;
#[path = "support/kibana.rs"]
#[allow(unreachable_pub, reason = "support of tests")]
mod kibana;

use cluster::{Cluster, refusal, reply};
use elk_setup::SetupError;
use elk_setup::apply::{Listener, apply};
use elk_setup::key::NewKey;
use elk_setup::kibana::boards;
use elk_setup::plan::{Change, KibanaServer, Plan, Servers, Step};
use elk_setup::remove::{Data, Removal};
use elk_setup::transport::{Method, Unreachable};
use elk_setup::wish::{IndexMode, KeyWish, Retention, Wish};
use kibana::Kibana;
use serde_json::json;

/// Remembers what was made; keeps keys, or cannot.
#[derive(Default)]
struct Heard {
    titles: Vec<String>,
    full_disk: bool,
}

impl Listener for Heard {
    fn done(&mut self, step: &Step) {
        self.titles.push(step.title.clone());
    }

    fn keep(&mut self, key: &NewKey) -> Result<(), String> {
        assert_eq!(key.encoded, "canary");
        if self.full_disk { Err("the disk is full".to_owned()) } else { Ok(()) }
    }
}

/// How a set-up ended: what was made, or the error with what was and was not.
type Ended = Result<Vec<String>, (SetupError, Vec<String>, Vec<String>)>;

fn run(mut servers: Servers<'_>, wish: &Wish, heard: &mut Heard) -> Ended {
    let nothing = |error| (error, Vec::new(), Vec::new());
    let plan = Plan::survey(&mut servers, wish).map_err(nothing)?;
    let titles = |steps: Vec<&Step>| steps.into_iter().map(|step| step.title.clone()).collect::<Vec<_>>();
    match apply(&plan, &mut servers, heard) {
        Ok(()) => Ok(std::mem::take(&mut heard.titles)),
        Err(partial) => Err((partial.error, titles(partial.done), titles(partial.open))),
    }
}

fn set_up(cluster: &mut Cluster, wish: &Wish) -> Ended {
    run(Servers { cluster, kibana: None }, wish, &mut Heard::default())
}

fn set_up_boards(cluster: &mut Cluster, kibana: &mut Kibana, space: Option<&str>) -> Ended {
    let space = space.map(str::to_owned);
    let kibana = Some(KibanaServer { transport: kibana, space, objects: boards() });
    run(Servers { cluster, kibana }, &Wish::default(), &mut Heard::default())
}

/// The sentence of an error, which says what to do.
fn error(ended: Ended) -> SetupError {
    ended.expect_err("an error").0
}

#[test]
fn every_version_is_set_up_once_and_then_left_alone() {
    let clusters = ["8.9.0", "8.14.3", "8.17.0", "8.19.8", "9.2.0"].map(Cluster::elasticsearch).into_iter();
    for mut cluster in clusters.chain(["2.11.0", "3.1.0"].map(Cluster::opensearch)) {
        let made = set_up(&mut cluster, &Wish::default()).expect("set up");
        assert!(made.iter().any(|title| title == "index template logs-app"), "{made:?}");
        let writes = cluster.writes.len();
        assert_eq!(set_up(&mut cluster, &Wish::default()).expect("set up"), [] as [String; 0]);
        assert_eq!(cluster.writes.len(), writes);
    }
}

#[test]
fn a_cluster_that_starts_is_waited_for() {
    let mut cluster = Cluster::elasticsearch("8.19.8");
    cluster.answers_first([
        Err(Unreachable("connection refused".into())),
        Ok(refusal(503, "master_not_discovered_exception", "no master")),
        Ok(reply(429, &json!({}))),
    ]);
    set_up(&mut cluster, &Wish::default()).expect("set up");
    assert_eq!(cluster.waits.len(), 3, "{:?}", cluster.waits);
}

#[test]
fn a_cluster_that_stays_away_is_named_with_the_last_reason() {
    let mut cluster = Cluster::elasticsearch("8.19.8");
    cluster.set_fault(|_| Some(Err(Unreachable("connection refused".into()))));
    let error = error(set_up(&mut cluster, &Wish::default()));
    assert!(error.is_temporary(), "{error}");
    assert!(error.to_string().contains("http://es:9200 is not ready: connection refused"), "{error}");
}

#[test]
fn strangers_and_old_versions_are_refused_before_anything_is_changed() {
    for (mut cluster, words) in [
        (Cluster::elasticsearch("7.17.9"), "needs 8.9.0 or later"),
        (Cluster::opensearch("1.3.0"), "needs 2.0.0 or later"),
        (Cluster::elasticsearch("who knows"), "is no Elasticsearch or OpenSearch"),
    ] {
        let error = error(set_up(&mut cluster, &Wish::default()));
        assert!(error.to_string().contains(words) && !error.is_temporary(), "{error}");
        assert_eq!(cluster.writes, [] as [String; 0]);
    }
}

#[test]
fn a_wrong_password_is_no_reason_to_wait() {
    let mut cluster = Cluster::elasticsearch("8.19.8");
    cluster.set_fault(|_| Some(Ok(refusal(401, "security_exception", "unable to authenticate"))));
    let error = error(set_up(&mut cluster, &Wish::default()));
    assert!(matches!(error, SetupError::LogIn { .. }) && cluster.waits.is_empty(), "{error}");
}

#[test]
fn every_missing_right_is_named_before_anything_is_changed() {
    let mut cluster = Cluster::elasticsearch("8.19.8");
    cluster.lacking = vec!["manage_security", "manage_ingest_pipelines"];
    let (error, done, open) = set_up(&mut cluster, &Wish::default()).expect_err("an error");
    let text = error.to_string();
    assert!(text.contains("`manage_ingest_pipelines`") && text.contains("`manage_security`"), "{text}");
    assert!(!text.contains("manage_index_templates"), "{text}");
    assert_eq!((done.len(), open.len(), cluster.writes.len()), (0, 5, 0));
}

#[test]
fn a_template_that_claims_our_streams_is_a_conflict_or_a_note_by_its_priority() {
    let rival = |priority: u64, pattern: &str| {
        let mut cluster = Cluster::elasticsearch("8.19.8");
        let body = json!({"index_patterns": [pattern], "priority": priority, "data_stream": {}});
        cluster.objects.insert("/_index_template/theirs".into(), body);
        cluster
    };
    let mut same = rival(500, "logs-*");
    let conflict = error(set_up(&mut same, &Wish::default()));
    assert!(matches!(conflict, SetupError::Conflict { .. }), "{conflict}");
    assert!(
        conflict.to_string().contains("`theirs` has priority 500 too and matches `logs-*`"),
        "{conflict}"
    );
    assert_eq!(same.writes, [] as [String; 0]);

    let mut higher = rival(900, "logs-app-*");
    let plan =
        Plan::survey(&mut Servers { cluster: &mut higher, kibana: None }, &Wish::default()).expect("a plan");
    assert!(plan.notes.iter().any(|note| note.contains("theirs (priority 900) wins")), "{:?}", plan.notes);

    for mut harmless in [rival(500, "metrics-*"), rival(100, "logs-*-*")] {
        let plan = Plan::survey(&mut Servers { cluster: &mut harmless, kibana: None }, &Wish::default())
            .expect("a plan");
        assert_eq!(plan.notes, [] as [String; 0]);
    }
}

#[test]
fn a_read_only_cluster_is_said_to_be_one() {
    let mut cluster = Cluster::elasticsearch("8.19.8");
    let block = refusal(403, "cluster_block_exception", "blocked by: [FORBIDDEN/6/cluster read-only (api)];");
    cluster.refuses(Method::Put, "/", block);
    let error = error(set_up(&mut cluster, &Wish::default()));
    assert!(matches!(error, SetupError::ReadOnly { .. }), "{error}");
    assert!(error.to_string().contains("lift the block"), "{error}");
}

#[test]
fn what_a_half_done_set_up_did_is_listed_and_the_next_one_goes_on() {
    let mut cluster = Cluster::elasticsearch("8.19.8");
    cluster.refuses(Method::Put, "/_index_template/", refusal(500, "boom_exception", "boom"));
    let (error, done, open) = set_up(&mut cluster, &Wish::default()).expect_err("an error");
    assert!(error.is_temporary() && error.to_string().contains("make index template logs-app"), "{error}");
    assert_eq!(
        done,
        [
            "ingest pipeline logs-app@default",
            "component template logs-app@mappings",
            "component template logs-app@settings"
        ]
    );
    assert_eq!(open, ["index template logs-app", "role logs-app-writer"]);
    cluster.set_fault(|_| None);
    assert_eq!(set_up(&mut cluster, &Wish::default()).expect("set up"), open);
}

#[test]
fn a_changed_object_is_put_right_and_the_difference_is_shown() {
    let mut cluster = Cluster::elasticsearch("8.19.8");
    set_up(&mut cluster, &Wish::default()).expect("set up");
    let settings = cluster.objects.get_mut("/_component_template/logs-app@settings").expect("settings");
    settings["template"]["settings"] = json!({"index": {"codec": "default", "own": "x"}});
    let plan =
        Plan::survey(&mut Servers { cluster: &mut cluster, kibana: None }, &Wish::default()).expect("a plan");
    let changes: Vec<&Step> = plan.changes().collect();
    let Change::Update(differences) = &changes[0].change else { panic!("{:?}", changes[0]) };
    let lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert!(
        lines.contains(&"template.settings.index.codec: default → best_compression".to_owned()),
        "{lines:?}"
    );
    assert!(lines.contains(&"template.settings.index.own: x → (removed)".to_owned()), "{lines:?}");
    assert_eq!(changes.len(), 1);
}

#[test]
fn streams_that_are_there_get_a_new_retention_too() {
    let mut cluster = Cluster::elasticsearch("8.19.8");
    set_up(&mut cluster, &Wish::default()).expect("set up");
    let stream = |name: &str, retention: &str| {
        let indices = json!([{"index_name": format!(".ds-{name}-1")}]);
        json!({"name": name, "template": "logs-app", "lifecycle": {"data_retention": retention}, "indices": indices})
    };
    cluster.streams = vec![stream("logs-app-default", "7d"), stream("logs-app-prod", "30d")];
    let wish = Wish { retention: Retention::parse("30d").expect("a time"), ..Wish::default() };
    let made = set_up(&mut cluster, &wish).expect("set up");
    assert_eq!(made, ["index template logs-app", "data stream logs-app-default"]);
    assert_eq!(cluster.streams[0]["lifecycle"]["data_retention"], "30d");
    assert_eq!(set_up(&mut cluster, &wish).expect("set up"), [] as [String; 0]);
}

#[test]
fn a_stream_that_was_there_before_is_taken_over_unless_another_template_wins() {
    let stream = |name: &str, template: &str| json!({"name": name, "template": template, "indices": [{"index_name": ".ds-x-1"}]});
    let mut cluster = Cluster::elasticsearch("8.19.8");
    let theirs = json!({"index_patterns": ["logs-app.theirs-*"], "priority": 900, "data_stream": {}});
    cluster.objects.insert("/_index_template/theirs".into(), theirs);
    cluster.streams = vec![
        stream("logs-app-default", "logs"),
        stream("logs-app.theirs-x", "theirs"),
        stream("metrics-x-y", "x"),
    ];
    let plan =
        Plan::survey(&mut Servers { cluster: &mut cluster, kibana: None }, &Wish::default()).expect("a plan");
    let notes: Vec<&String> = plan.notes.iter().filter(|note| note.contains("_rollover")).collect();
    assert!(notes.len() == 1 && notes[0].contains("POST /logs-app-default/_rollover"), "{:?}", plan.notes);
    set_up(&mut cluster, &Wish::default()).expect("set up");
    let kept: Vec<bool> = cluster.streams.iter().map(|stream| stream["lifecycle"].is_object()).collect();
    assert_eq!(kept, [true, false, false]);
}

#[test]
fn opensearch_changes_its_policy_only_with_the_number_of_what_it_changes() {
    let mut cluster = Cluster::opensearch("2.19.1");
    set_up(&mut cluster, &Wish::default()).expect("set up");
    let wish = Wish { retention: Retention::parse("30d").expect("a time"), ..Wish::default() };
    assert_eq!(set_up(&mut cluster, &wish).expect("set up"), ["state management policy logs-app"]);
    let last = cluster.writes.last().expect("a write");
    assert_eq!(last, "PUT /_plugins/_ism/policies/logs-app?if_seq_no=7&if_primary_term=1");
}

#[test]
fn what_a_cluster_does_not_have_is_said_before_anything_is_changed() {
    let key = Wish { key: Some(KeyWish { at_hand: None }), ..Wish::default() };
    let logsdb = Wish { index_mode: IndexMode::Logsdb, ..Wish::default() };
    let mut insecure = Cluster::elasticsearch("8.19.8");
    insecure.refuses(Method::Get, "/_security", reply(400, &json!({"error": "no handler found"})));
    for (mut cluster, wish, words) in [
        (Cluster::opensearch("2.19.1"), &key, "leave out --api-key-out"),
        (Cluster::opensearch("2.19.1"), &logsdb, "leave out --logsdb"),
        (Cluster::elasticsearch("8.16.0"), &logsdb, "upgrade to Elasticsearch 8.17"),
        (insecure, &key, "xpack.security.enabled"),
    ] {
        let error = error(set_up(&mut cluster, wish));
        assert!(error.to_string().contains(words) && !error.is_temporary(), "{error}");
        assert_eq!(cluster.writes, [] as [String; 0]);
    }
    let mut cluster = Cluster::opensearch("2.19.1");
    let error = error(set_up_boards(&mut cluster, &mut Kibana::new("8.19.8"), None));
    assert!(error.to_string().contains("leave out --kibana"), "{error}");
}

#[test]
fn a_key_is_made_once_and_again_when_it_is_no_longer_good() {
    let mut cluster = Cluster::elasticsearch("8.19.8");
    let wish =
        |id: Option<&str>| Wish { key: Some(KeyWish { at_hand: id.map(str::to_owned) }), ..Wish::default() };
    set_up(&mut cluster, &wish(None)).expect("set up");
    assert_eq!(set_up(&mut cluster, &wish(Some("key-1"))).expect("set up"), [] as [String; 0]);
    assert_eq!(set_up(&mut cluster, &wish(Some("unknown"))).expect("set up"), ["API key of the agent"]);
    cluster.keys[0]["invalidated"] = json!(true);
    assert_eq!(set_up(&mut cluster, &wish(Some("key-1"))).expect("set up"), ["API key of the agent"]);
    let more = Wish { datasets: vec!["nginx".into()], ..wish(Some("key-2")) };
    assert!(set_up(&mut cluster, &more).expect("set up").contains(&"API key of the agent".to_owned()));
}

#[test]
fn a_key_that_cannot_be_kept_is_ended_at_once() {
    let mut cluster = Cluster::elasticsearch("8.19.8");
    let wish = Wish { key: Some(KeyWish { at_hand: None }), ..Wish::default() };
    let mut heard = Heard { full_disk: true, ..Heard::default() };
    let error = error(run(Servers { cluster: &mut cluster, kibana: None }, &wish, &mut heard));
    assert!(
        error.to_string().contains("the disk is full") && !error.to_string().contains("canary"),
        "{error}"
    );
    assert_eq!(cluster.keys[0]["invalidated"], true);
}

#[test]
fn boards_are_imported_when_kibana_is_ready_and_then_left_alone() {
    for space in [None, Some("ops")] {
        let (mut cluster, mut kibana) = (Cluster::elasticsearch("8.19.8"), Kibana::new("8.19.8"));
        kibana.starting = 3;
        let made = set_up_boards(&mut cluster, &mut kibana, space).expect("set up");
        assert!(made.iter().any(|title| title.starts_with("board app-service-overview")), "{made:?}");
        assert_eq!(kibana.waits.len(), 3, "{:?}", kibana.waits);
        assert_eq!(kibana.objects.len(), boards().len());
        assert_eq!(set_up_boards(&mut cluster, &mut kibana, space).expect("set up"), [] as [String; 0]);
        assert_eq!(kibana.writes.len(), 1);
    }
}

#[test]
fn one_edited_board_is_a_reason_to_write_all() {
    let (mut cluster, mut kibana) = (Cluster::elasticsearch("8.19.8"), Kibana::new("9.1.0"));
    set_up_boards(&mut cluster, &mut kibana, None).expect("set up");
    let board = kibana.objects.get_mut("default/dashboard/app-errors").expect("a board");
    board["attributes"]["title"] = json!("mine");
    let made = set_up_boards(&mut cluster, &mut kibana, None).expect("set up");
    assert!(made.len() == 1 && made[0].starts_with("board app-errors"), "{made:?}");
    assert_eq!(set_up_boards(&mut cluster, &mut kibana, None).expect("set up"), [] as [String; 0]);
}

#[test]
fn an_import_that_fails_is_no_success_whatever_its_status() {
    let missing = json!({"success": false, "successCount": 0, "errors": [{"type": "dashboard", "id": "app-errors",
        "error": {"type": "missing_references", "references": [{"type": "index-pattern", "id": "logs-app"}]}}]});
    let newer = json!({"statusCode": 422, "error": "Unprocessable Entity",
        "message": "Document \"app-errors\" belongs to a more recent version of Kibana [10.2.0]"});
    let unknown = json!({"success": false, "successCount": 3, "errors": [{"type": "search", "id": "x",
        "error": {"type": "unsupported_type"}}]});
    for (status, body, words, temporary) in [
        (200, missing, "missing_references index-pattern logs-app", false),
        (200, unknown, "imported 3 of", false),
        (422, newer, "more recent version of Kibana", false),
        (503, json!({"message": "overloaded"}), "overloaded", true),
        (200, json!("a proxy"), "not understood", true),
    ] {
        let (mut cluster, mut kibana) = (Cluster::elasticsearch("8.19.8"), Kibana::new("8.19.8"));
        kibana.refusal = Some((status, body));
        let (error, done, open) = set_up_boards(&mut cluster, &mut kibana, None).expect_err("an error");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.is_temporary(), temporary, "{error}");
        assert_eq!((done.len(), open.len()), (5, boards().len()), "the cluster's part is done and named");
    }
}

#[test]
fn a_kibana_that_does_not_fit_is_said_before_anything_is_changed() {
    let mut slow = Kibana::new("8.19.8");
    slow.starting = usize::MAX;
    let mut anonymous = Kibana::new("8.19.8");
    anonymous.logged_in = false;
    for (mut kibana, space, words) in [
        (Kibana::new("8.8.2"), None, "needs 8.9.0 or later"),
        (Kibana::new("8.19.8"), Some("nowhere"), "has no space `nowhere`"),
        (slow, None, "Kibana server is not ready yet"),
        (anonymous, None, "refuses the log-in: it names its version only"),
    ] {
        let mut cluster = Cluster::elasticsearch("8.19.8");
        let error = error(set_up_boards(&mut cluster, &mut kibana, space));
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(cluster.writes, [] as [String; 0]);
    }
}

fn removal(cluster: &mut Cluster, kibana: &mut Kibana, data: Data) -> (Vec<String>, Vec<String>) {
    let mut servers =
        Servers { cluster, kibana: Some(KibanaServer { transport: kibana, space: None, objects: boards() }) };
    let removal = Removal::survey(&mut servers, data).expect("a removal");
    let mut gone = Vec::new();
    removal.apply(&mut servers, &mut |going| gone.push(going.title())).expect("removed");
    (gone, removal.staying)
}

#[test]
fn a_removal_leaves_what_streams_need_and_takes_it_with_them() {
    let (mut cluster, mut kibana) = (Cluster::elasticsearch("8.19.8"), Kibana::new("8.19.8"));
    set_up_boards(&mut cluster, &mut kibana, None).expect("set up");
    let theirs = json!({"index_patterns": ["x"], "priority": 1});
    cluster.objects.insert("/_index_template/theirs".into(), theirs);
    let stream = |name: &str, template: &str| json!({"name": name, "template": template, "indices": [{"index_name": ".ds-x-1"}]});
    cluster.streams = vec![stream("logs-app-default", "logs-app"), stream("other", "theirs")];

    let (gone, staying) = removal(&mut cluster, &mut kibana, Data::Keep);
    assert_eq!(gone.len(), boards().len() + 1, "{gone:?}");
    assert!(
        staying.iter().any(|line| line == "index template logs-app stays: data streams need it"),
        "{staying:?}"
    );
    assert!(kibana.objects.is_empty());

    let (gone, staying) = removal(&mut cluster, &mut kibana, Data::Delete);
    assert_eq!(gone[0], "data stream logs-app-default (42 documents)");
    assert_eq!(staying, [] as [String; 0]);
    assert_eq!(cluster.objects.keys().collect::<Vec<_>>(), ["/_index_template/theirs"]);
    assert_eq!(cluster.streams.len(), 1);
}
