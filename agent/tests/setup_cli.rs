//! `blueox setup` as a user meets it: exit codes, sentences, what goes over the wire. The servers are scripted; what a set-up
//! does to them is tested in `elk-setup`, and on real engines in `setup_engines.rs`.

#![cfg(feature = "setup")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected comes")]

#[path = "support/scripted_server.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with other tests")]
mod scripted_server;

use scripted_server::{Act, Request, ScriptedServer};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// In every log-in and key here; nothing that is printed may hold it.
const CANARY: &str = "canary";

struct Run {
    code: Option<i32>,
    out: String,
    error: String,
}

fn blueox(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blueox"));
    for name in ["BLUEOX_API_KEY", "BLUEOX_USERNAME", "BLUEOX_PASSWORD", "BLUEOX_CA"] {
        command.env_remove(name);
    }
    command.arg("setup").args(arguments).envs(variables.iter().copied()).current_dir(directory);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (out, error) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(!out.contains(CANARY) && !error.contains(CANARY), "a secret is printed:\n{out}\n{error}");
    Run { code: status.code(), out, error }
}

/// An Elasticsearch that holds nothing yet and takes everything, and a Kibana behind the same address.
fn answer(request: &Request) -> Option<Act> {
    let path = request.target.split('?').next().unwrap_or_default();
    let body = match (request.method.as_str(), path) {
        ("GET", "/") => json!({"version": {"number": "8.19.8"}}),
        ("GET", "/_cluster/health") => json!({"status": "green"}),
        ("GET", "/_security/_authenticate") => json!({"username": "me"}),
        ("GET", "/_nodes/ingest") => {
            json!({"nodes": {"n": {"ingest": {"processors": [{"type": "script"}]}}}})
        }
        ("GET", "/_index_template") => json!({"index_templates": []}),
        ("GET", "/_data_stream") => json!({"data_streams": []}),
        ("GET", "/api/status") => {
            json!({"version": {"number": "8.19.8"}, "status": {"overall": {"level": "available"}}})
        }
        ("GET", "/api/spaces/space/ops") => json!({"id": "ops"}),
        ("GET", _) => return Some(Act::json(404, "{}")),
        ("POST", "/_security/user/_has_privileges") => json!({"cluster": {}, "index": {}}),
        ("POST", "/_security/api_key") => json!({"id": "an-id", "encoded": "YW4taWQ6Y2FuYXJ5"}),
        ("POST", path) if path.ends_with("/api/saved_objects/_export") => {
            let missing = json!({"attributes": {"objects": [{"error": {"statusCode": 404}}]}});
            return Some(Act::json(400, missing.to_string()));
        }
        ("POST", path) if path.ends_with("/api/saved_objects/_import") => {
            let count = request.text().matches("\"typeMigrationVersion\"").count();
            json!({"success": true, "successCount": count})
        }
        ("PUT", _) => json!({"acknowledged": true}),
        _ => return None,
    };
    Some(Act::json(200, body.to_string()))
}

/// Runs `blueox setup --elasticsearch URL …` against a script; `URL` in an argument is its address.
async fn against(
    script: impl FnMut(&Request) -> Option<Act> + Send + 'static,
    directory: &Path,
    arguments: &[&str],
) -> (Run, Vec<Request>) {
    let server = ScriptedServer::start(script).await;
    let url = server.url();
    let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace("URL", &url)).collect();
    let directory = directory.to_owned();
    let run = tokio::task::spawn_blocking(move || {
        let mut all = vec!["--elasticsearch", url.as_str(), "--wait", "0"];
        all.extend(arguments.iter().map(String::as_str));
        blueox(&directory, &all, &[("BLUEOX_USERNAME", "admin"), ("BLUEOX_PASSWORD", CANARY)])
    });
    (run.await.unwrap(), server.finish())
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_to_write() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, words) in [
        (&[][..], "--elasticsearch"),
        (&["--elasticsearch", "es:9200"], "write it like `https://es1:9200`"),
        (&["--elasticsearch", "http://me:canary@es:9200"], "BLUEOX_USERNAME"),
        (
            &["--elasticsearch", "http://es:9200", "--kibana", "http://me:canary@k:5601"],
            "--kibana holds a log-in",
        ),
        (&["--elasticsearch", "http://es:9200", "--retention", "7 weeks"], "such as 7d"),
        (&["--elasticsearch", "http://es:9200", "--dataset", "Nginx"], "write `nginx`"),
        (&["--elasticsearch", "http://es:9200", "--wait", "long"], "write it like 90s"),
        (
            &["--elasticsearch", "http://es:9200", "--kibana", "http://k:5601", "--space", "../x"],
            "no id of a space",
        ),
        (&["--elasticsearch", "http://es:9200", "--space", "ops"], "--kibana"),
        (&["--elasticsearch", "http://es:9200", "--with-data"], "--remove"),
        (&["--elasticsearch", "http://es:9200", "--plan", "--check"], "cannot be used with"),
        (&["--elasticsearch", "http://es:9200", "--remove", "--api-key-out", "k"], "cannot be used with"),
    ] {
        let run = blueox(directory.path(), arguments, &[]);
        assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.error);
        assert!(run.error.contains(words), "{arguments:?}: {}", run.error);
    }
}

#[test]
fn half_a_log_in_and_a_missing_authority_end_with_78() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--elasticsearch", "https://127.0.0.1:1"];
    for (variables, words) in [
        (&[("BLUEOX_PASSWORD", CANARY)][..], "user name and password go together"),
        (&[("BLUEOX_CA", "absent.pem")], "cannot be read"),
    ] {
        let run = blueox(directory.path(), &arguments, variables);
        assert_eq!(run.code, Some(78), "{}", run.error);
        assert!(run.error.contains(words), "{}", run.error);
    }
}

#[test]
fn a_server_that_is_not_there_ends_with_75() {
    let directory = tempfile::tempdir().unwrap();
    for task in [&[][..], &["--plan"], &["--check"], &["--remove"]] {
        let run = blueox(
            directory.path(),
            &[&["--elasticsearch", "http://127.0.0.1:1", "--wait", "0"], task].concat(),
            &[],
        );
        assert_eq!(run.code, Some(75), "{}", run.error);
        assert!(
            run.error.contains("http://127.0.0.1:1 is not ready") && run.error.contains("refused"),
            "{}",
            run.error
        );
    }
}

#[test]
fn an_agents_configuration_gives_host_and_datasets() {
    let directory = tempfile::tempdir().unwrap();
    let text = "inputs:\n  - paths: [\"*.log\"]\n    data_stream: {dataset: app.shop}\noutput:\n  elasticsearch:\n    hosts: [\"http://127.0.0.1:1\"]\n";
    std::fs::write(directory.path().join("blueox.yaml"), text).unwrap();
    let run = blueox(directory.path(), &["-c", "blueox.yaml", "--wait", "0"], &[]);
    assert_eq!(run.code, Some(75), "{}", run.error);
    assert!(run.error.contains("http://127.0.0.1:1 is not ready"), "{}", run.error);
    std::fs::write(directory.path().join("blueox.yaml"), text.replace("hosts", "host")).unwrap();
    assert_eq!(blueox(directory.path(), &["-c", "blueox.yaml"], &[]).code, Some(78));
}

#[tokio::test]
async fn boards_go_into_the_space_and_their_addresses_are_printed() {
    let directory = tempfile::tempdir().unwrap();
    let (run, requests) = against(answer, directory.path(), &["--kibana", "URL", "--space", "ops"]).await;
    assert_eq!(run.code, Some(0), "{}", run.error);
    let import = requests.iter().find(|request| request.target.contains("_import")).unwrap();
    assert_eq!(import.target, "/s/ops/api/saved_objects/_import?overwrite=true");
    assert_eq!(import.header("kbn-xsrf"), Some("blueox"));
    assert!(import.header("content-type").unwrap().starts_with("multipart/form-data; boundary="));
    let dashboards = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards");
    let (mut files, text) = (0, import.text());
    for entry in std::fs::read_dir(dashboards).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "ndjson") {
            files += 1;
            assert!(
                text.contains(&std::fs::read_to_string(&path).unwrap()),
                "{} is not in it",
                path.display()
            );
        }
    }
    assert_eq!(files, 6);
    assert!(run.out.contains("/s/ops/app/dashboards#/view/app-service-overview\n"), "{}", run.out);
    assert!(requests.iter().all(|request| request.header("authorization").unwrap().starts_with("Basic ")));
}

#[tokio::test]
async fn a_half_done_set_up_lists_what_is_done_and_how_to_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let full = json!({"error": {"type": "cluster_block_exception", "reason": "blocked by: [TOO_MANY_REQUESTS/12/disk usage]"}});
    let script = move |request: &Request| match request.target.as_str() {
        "/_component_template/logs-app@settings" if request.method == "PUT" => {
            Some(Act::json(429, full.to_string()))
        }
        _ => answer(request),
    };
    let (run, _) = against(script, directory.path(), &[]).await;
    assert_eq!(run.code, Some(75));
    let lines: Vec<&str> = run.error.lines().collect();
    assert!(lines[0].contains("cannot make component template logs-app@settings: blocked by"), "{lines:?}");
    assert_eq!(
        lines[1],
        "done before that: ingest pipeline logs-app@default, component template logs-app@mappings"
    );
    assert_eq!(
        lines[2],
        "not done: component template logs-app@settings, index template logs-app, role logs-app-writer"
    );
    assert!(lines[3].contains("run the same command again"), "{lines:?}");
}

#[tokio::test]
async fn the_key_goes_into_a_file_for_its_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (run, _) = against(answer, directory.path(), &["--api-key-out", "agent.key"]).await;
    assert_eq!(run.code, Some(0), "{}", run.error);
    let file = directory.path().join("agent.key");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "YW4taWQ6Y2FuYXJ5\n");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_key_file_that_cannot_be_written_stops_before_anything_is_changed() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("notes.txt"), "my notes").unwrap();
    for (file, words) in
        [("absent/agent.key", "cannot write the key file"), ("notes.txt", "holds no API key")]
    {
        let (run, requests) = against(answer, directory.path(), &["--api-key-out", file]).await;
        assert_eq!(run.code, Some(78), "{}", run.error);
        assert!(run.error.contains(words), "{}", run.error);
        assert!(requests.iter().all(|request| request.method == "GET"), "{requests:?}");
    }
}

#[tokio::test]
async fn a_plan_and_a_check_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for (task, code, words) in [
        ("--plan", 0, "+ index template logs-app\n"),
        ("--check", 75, "! index template logs-app is missing"),
    ] {
        let (run, requests) = against(answer, directory.path(), &[task]).await;
        assert_eq!(run.code, Some(code), "{}", run.error);
        assert!(run.out.contains(words), "{}", run.out);
        assert!(!run.out.contains('\u{1b}'), "no colours where nobody looks: {}", run.out);
        assert!(requests.iter().all(|request| request.method == "GET"), "{requests:?}");
    }
}
