//! elk/kibana and elk/logstash.
//!
//! There is no Kibana and no Logstash here: the files are held against what the repository has, and against a grammar of
//! Logstash's pipelines from elsewhere.

#[path = "support/python.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod python;
#[path = "support/repository.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod repository;

use saphyr::{LoadableYamlNode, Yaml};
use std::path::Path;
use std::process::Command;

fn string<'a>(node: &'a Yaml<'_>) -> &'a str {
    node.as_str().unwrap_or_else(|| panic!("no text: {node:?}"))
}

#[test]
#[ignore = "needs Python"]
fn logstash_can_read_its_pipelines() {
    let python = python::environment().join("bin/python");
    let program = "import sys; from logstash_pipeline_parser import Pipeline; \
                   print([section for section, _ in Pipeline.from_file(sys.argv[1]).parse()])";
    let parse = |path: &Path| repository::output(Command::new(&python).args(["-c", program]).arg(path));
    for (name, sections) in
        [("agent", "['input', 'output']\n"), ("dead-letters", "['input', 'filter', 'output']\n")]
    {
        let path = repository::path(&format!("elk/logstash/pipeline/{name}.conf"));
        let output = parse(&path);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text, sections, "{}", String::from_utf8_lossy(&output.stderr));
        let directory = tempfile::tempdir().unwrap();
        let cut = directory.path().join("cut.conf");
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&cut, whole.trim_end().strip_suffix('}').expect("a brace")).unwrap();
        assert!(!parse(&cut).status.success());
    }
}

#[test]
#[ignore = "needs ruby"]
fn the_filter_for_refused_documents_keeps_all_of_them_as_text() {
    repository::succeed(Command::new("ruby").arg(repository::path("deploy/tests/as_text_test.rb")));
}

#[test]
fn pipelines_are_where_logstash_is_told_to_look() {
    let text = repository::text("elk/logstash/pipelines.yml");
    let documents = Yaml::load_from_str(&text).expect("YAML");
    let pipelines = documents[0].as_sequence().expect("a list");
    let in_container = "/usr/share/logstash/pipeline/";
    for pipeline in pipelines {
        let file = string(&pipeline["path.config"]).strip_prefix(in_container).expect("the mounted folder");
        let text = repository::text(&format!("elk/logstash/pipeline/{file}"));
        for named in text.split(in_container).skip(1) {
            let script = named.split('"').next().expect("a path");
            assert!(
                repository::path(&format!("elk/logstash/pipeline/{script}")).try_exists().unwrap(),
                "{script}"
            );
        }
    }
    let ids: Vec<&str> = pipelines.iter().map(|pipeline| string(&pipeline["pipeline.id"])).collect();
    assert_eq!(ids, ["agent", "dead-letters"]);
    // Both name the pipeline by its id: the reader of the dead letters, and the health check.
    assert!(repository::text("elk/logstash/pipeline/dead-letters.conf").contains("pipeline_id => \"agent\""));
    assert!(repository::text("docker-compose.yml").contains("/_node/pipelines/agent "));
}

#[test]
fn kibana_opens_on_a_board_that_is_there() {
    let text = repository::text("elk/kibana/kibana.yml");
    let settings = Yaml::load_from_str(&text).expect("YAML");
    let route = string(&settings[0]["uiSettings.overrides.defaultRoute"]);
    let id = route.strip_prefix("/app/dashboards#/view/").expect("the address of a board");
    let board = repository::text("dashboards/service-overview.ndjson");
    let objects = board.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    assert!(objects.into_iter().any(|object| object["type"] == "dashboard" && object["id"] == id), "{id}");
}
