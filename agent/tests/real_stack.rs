//! The real program against real Elasticsearch and OpenSearch, and the same scenario files against the fault server.
//!
//! A scenario is a file in `tests/scenarios`; `support/scenario.rs` says what a file can hold. Engines are those that
//! `ELASTICSEARCH_URL` and `OPENSEARCH_URL` name (everything made there is removed again), else nodes started for this run,
//! see `bench::engine`. Mutual TLS is not here, as neither engine can be started with it: `output_tls.rs` has it.

#[path = "support/agent.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod agent;
#[path = "support/log_writer.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod log_writer;
#[path = "support/player.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod player;
#[path = "support/scenario.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod scenario;
#[path = "support/tap.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod tap;

use scenario::{Stage, directory};
use std::collections::BTreeSet;

macro_rules! on_stage {
    (elasticsearch $file:literal) => {
        #[test]
        #[ignore = "needs a JDK and Maven"]
        fn on_elasticsearch() {
            crate::player::play($file, crate::Stage::Elasticsearch);
        }
    };
    (opensearch $file:literal) => {
        #[test]
        #[ignore = "needs a JDK and Maven"]
        fn on_opensearch() {
            crate::player::play($file, crate::Stage::OpenSearch);
        }
    };
    (fault_server $file:literal) => {
        #[test]
        fn on_fault_server() {
            crate::player::play($file, crate::Stage::FaultServer);
        }
    };
}

macro_rules! scenarios {
    ($($name:ident $file:literal [$($stage:ident)*])*) => {
        const FILES: &[&str] = &[$($file),*];
        $(mod $name { $(on_stage!($stage $file);)* })*
    };
}

scenarios! {
    reading_once_twice_stores_every_line_once "once-twice" [elasticsearch opensearch fault_server]
    the_smallest_configuration_ships_live_lines "minimal" [elasticsearch opensearch fault_server]
    a_file_and_an_address_are_enough "run-to" [elasticsearch opensearch fault_server]
    kills_under_load_lose_and_repeat_nothing "kills-under-load" [elasticsearch opensearch fault_server]
    a_rollover_during_an_unknown_fate_repeats_nothing "rollover-unknown-fate" [elasticsearch opensearch fault_server]
    a_rollover_behind_the_first_lost_answer_repeats_nothing "rollover-first-answer" [elasticsearch opensearch fault_server]
    a_rollover_before_anything_was_answered_repeats_nothing "rollover-before-any-answer" [elasticsearch opensearch fault_server]
    a_name_with_a_date_is_an_index_a_day "dated-index" [elasticsearch opensearch fault_server]
    a_write_block_is_waited_for "write-block" [elasticsearch opensearch fault_server]
    a_full_disk_of_the_server_is_waited_for "flood-stage" [elasticsearch opensearch fault_server]
    a_mapping_conflict_costs_one_line "mapping-conflict" [elasticsearch opensearch]
    too_many_fields_cost_one_line "total-fields" [elasticsearch opensearch]
    a_pipeline_that_fails_for_one_document_costs_one_line "pipeline-failure" [elasticsearch opensearch]
    requests_larger_than_the_server_takes_are_split "too-large" [elasticsearch opensearch]
    requests_beyond_the_indexing_pressure_are_split "indexing-pressure" [elasticsearch opensearch]
    a_changed_password_is_waited_for "unauthorized" [elasticsearch fault_server]
    a_missing_privilege_is_waited_for "missing-privilege" [elasticsearch]
    few_privileges_are_enough "few-privileges" [elasticsearch]
}

#[test]
fn every_scenario_file_is_played() {
    let names = std::fs::read_dir(directory())
        .expect("the scenarios")
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".scenario")?.to_owned()));
    let played: BTreeSet<String> = FILES.iter().map(|&file| file.to_owned()).collect();
    assert_eq!(names.collect::<BTreeSet<_>>(), played);
}
