//! The load generator against real services: its report, its own lines and the lines of the services say the same.

#[path = "support/service.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod service;

use blueox::cli;
use clap::Parser;
use demo_service::load::shape::{Peaks, Profile, Shape};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use service::{Line, Service, is_request, parse, program};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

/// Runs `load` with these arguments, separated by blanks, to its end.
fn load(arguments: &str) -> Output {
    program().arg("load").args(arguments.split(' ')).output().expect("run the load generator")
}

/// The same with `--json`: its report.
fn report(arguments: &str) -> Value {
    let Output { status, stdout, stderr } = load(&format!("--json {arguments}"));
    assert!(status.success(), "{status}: {}", String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).expect("a report in JSON")
}

fn lines(log: &Path) -> Vec<Line> {
    parse(&fs::read_to_string(log).expect("the log"))
}

/// A duration in nanoseconds under `key`.
fn nanoseconds(line: &Line, key: &str) -> Duration {
    Duration::from_nanos(line[key].as_u64().unwrap_or_else(|| panic!("no `{key}` in {line:?}")))
}

/// Requests by endpoint and outcome.
type Counts = BTreeMap<(String, String), u64>;

fn requests(lines: &[Line]) -> Vec<&Line> {
    lines.iter().filter(|line| line["msg"] == "request done").collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn counts_of_report(report: &Value) -> Counts {
    let endpoints = report["endpoints"].as_array().expect("endpoints");
    let of_endpoint = |endpoint: &Value| {
        let (name, outcomes) =
            (text(&endpoint["name"]), endpoint["outcomes"].as_object().expect("outcomes").clone());
        outcomes
            .into_iter()
            .map(move |(outcome, count)| ((name.clone(), outcome), count.as_u64().expect("a count")))
    };
    endpoints.iter().flat_map(of_endpoint).collect()
}

fn count(keys: impl Iterator<Item = (String, String)>) -> Counts {
    let mut counts = Counts::new();
    keys.for_each(|key| *counts.entry(key).or_default() += 1);
    counts
}

/// The `quantile` of sorted values by nearest rank.
fn nearest_rank(sorted: &[f64], quantile: f64) -> f64 {
    sorted[((sorted.len() as f64 * quantile).ceil() as usize).max(1) - 1]
}

#[test]
fn report_own_lines_and_lines_of_the_services_agree() {
    let directory = tempfile::tempdir().expect("a directory");
    let services = ["shop", "stock"].map(|name| Service::start(&["--name", name]));
    let log = directory.path().join("load.log");
    let report = report(&format!(
        "{} {} --duration 5s --users 60 --peak-period 5s --peak-length 1s --log {} --log-requests \
         --mix simple=5,compute?rounds=3=3,slow?rows=100=1,fail?rate=0.5=2,wait?ms=5=1,chain=1",
        services[0].url(),
        services[1].url(),
        log.display()
    ));
    let own = lines(&log);

    // The report is what its own lines say.
    let requests = requests(&own);
    let own_counts =
        count(requests.iter().map(|line| (text(&line["load_endpoint"]), text(&line["load_outcome"]))));
    assert_eq!(counts_of_report(&report), own_counts);
    let total = &report["total"];
    assert_eq!(total["requests"], requests.len());
    assert_eq!(requests.len(), 5 * 60 + 2 * 60, "60 a second, and three times that for one second");
    let errors = requests.iter().filter(|line| text(&line["load_outcome"]).as_str() >= "400").count();
    assert_eq!(total["errors"], errors);
    let mut latencies: Vec<f64> =
        requests.iter().map(|line| nanoseconds(line, "load_latency_ns").as_secs_f64() * 1e3).collect();
    latencies.sort_by(f64::total_cmp);
    for (name, quantile) in
        [("min", 0.0), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)]
    {
        let (reported, exact) =
            (total["latency_ms"][name].as_f64().expect(name), nearest_rank(&latencies, quantile));
        assert!((reported - exact).abs() <= 0.001 * exact + 0.001, "{name}: {reported}, not {exact}");
    }
    let of_seconds: u64 = own
        .iter()
        .filter_map(|line| line.get("load_requests"))
        .map(|count| count.as_u64().expect("a count"))
        .sum();
    assert_eq!(total["requests"], of_seconds);

    // And what the services say.
    let served: Vec<Line> = services.into_iter().flat_map(Service::stop).collect();
    let ends = served.iter().filter(|line| is_request(line) && line["load_profile"] == "steady-peaks");
    let key = |line: &Line| {
        (
            text(&line["http.route"]).trim_start_matches('/').to_owned(),
            line["http.response.status_code"].to_string(),
        )
    };
    let served_counts = count(ends.map(key));
    let mut own_counts: Counts = Counts::new();
    for ((endpoint, outcome), count) in counts_of_report(&report) {
        let route = endpoint.split('?').next().unwrap_or_default().to_owned();
        *own_counts.entry((route, outcome)).or_default() += count;
    }
    assert_eq!(own_counts, served_counts);
}

#[test]
fn an_open_model_does_not_wait_for_a_slow_service_and_counts_what_it_could_not_send() {
    let service = Service::start(&[]);
    let slow = format!("{} --duration 1s --users 30 --peak-height 1 --mix wait?ms=1500=1", service.url());
    let all_sent = report(&slow);
    assert_eq!(all_sent["total"]["outcomes"], serde_json::json!({"200": 30}));
    assert!(all_sent["total"]["latency_ms"]["min"].as_f64() >= Some(1500.0), "{all_sent}");
    let bounded = report(&format!("{slow} --in-flight 10"));
    assert_eq!(bounded["total"]["outcomes"], serde_json::json!({"200": 10, "dropped": 20}));
    assert_eq!(bounded["total"]["errors"], 20);
    let given_up = report(&format!("{slow} --timeout 50ms"));
    assert_eq!(given_up["total"]["outcomes"], serde_json::json!({"timeout": 30}));
}

#[test]
fn a_closed_model_has_at_most_one_request_a_user_in_flight() {
    let directory = tempfile::tempdir().expect("a directory");
    let service = Service::start(&[]);
    let log = directory.path().join("load.log");
    let report = report(&format!(
        "{} --model closed --duration 2s --users 4 --peak-height 1 --think-time 1ms --mix wait?ms=50=1 --log {} \
         --log-requests",
        service.url(),
        log.display()
    ));
    let own = lines(&log);
    let mut moments: Vec<(Duration, i32)> = Vec::new();
    for line in requests(&own) {
        let sent = nanoseconds(line, "load_sent_ns");
        moments.push((sent, 1));
        moments.push((nanoseconds(line, "load_due_ns") + nanoseconds(line, "load_latency_ns"), -1));
    }
    // At the same moment an end comes before a start.
    moments.sort();
    let in_flight = moments.iter().scan(0, |in_flight, (_, change)| {
        *in_flight += change;
        Some(*in_flight)
    });
    assert_eq!(in_flight.max(), Some(4));
    assert_eq!((report["model"].as_str(), report["total"]["errors"].as_u64()), (Some("closed"), Some(0)));
}

#[test]
fn a_service_that_is_away_is_counted() {
    let address = bench::process::free_address().expect("a free address");
    let report = report(&format!("http://{address} --duration 1s --users 20"));
    assert_eq!(report["total"]["outcomes"]["refused"], report["total"]["requests"]);
    assert_eq!(report["total"]["latency_ms"]["max"], 0.0);
}

#[test]
fn the_text_report_has_the_figures_of_the_json_one() {
    let service = Service::start(&[]);
    let Output { status, stdout, stderr } =
        load(&format!("{} --duration 2s --users 20 --peak-height 1 --mix simple=3,compute=1", service.url()));
    assert!(status.success());
    let (report, progress) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(report.contains("steady-peaks, open model, 20 users, think time 1 s"), "{report}");
    for (name, requests) in [("simple", "30"), ("compute", "10"), ("all", "40"), ("200", "40")] {
        let row = report
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("no {name}: {report}"));
        assert!(row.split_whitespace().any(|word| word == requests), "{row}");
    }
    assert!(progress.lines().all(|line| line.contains("20 users") && line.contains("req/s")), "{progress}");
    assert!(!progress.contains('\x1b'), "no terminal, no escapes");
}

#[test]
fn a_signal_ends_the_run_with_a_report() {
    let directory = tempfile::tempdir().expect("a directory");
    let service = Service::start(&[]);
    let log = directory.path().join("load.log");
    let mut command = program();
    command.args([
        "load",
        &service.url(),
        "--json",
        "--duration",
        "168h",
        "--users",
        "50",
        "--log-requests",
        "--log",
    ]);
    let mut child = command.arg(&log).stdout(Stdio::piped()).spawn().expect("start");
    let logged = || std::fs::metadata(&log).is_ok_and(|file| file.len() > 0);
    while !logged() {
        assert!(child.try_wait().expect("its state").is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), Signal::TERM).expect("SIGTERM");
    let Output { status, stdout, .. } = child.wait_with_output().expect("its end");
    let report: Value = serde_json::from_slice(&stdout).expect("a report");
    assert!(status.success() && report["total"]["requests"].as_u64() > Some(0), "{report}");
    assert_eq!(report["total"]["requests"], requests(&lines(&log)).len());
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_sent() {
    for (arguments, code, reason) in [
        ("http://192.0.2.1:80", 2, "--allow-remote"),
        ("http://shop:80 --allow-host stock", 2, "--allow-host shop"),
        ("http://127.0.0.1:1 --log /nowhere/load.log", 78, "/nowhere/load.log"),
    ] {
        let Output { status, stderr, .. } = load(arguments);
        let stderr = String::from_utf8_lossy(&stderr);
        assert!(status.code() == Some(code) && stderr.contains(reason), "{arguments}: {status} {stderr}");
    }
}

/// What the agent makes of a log.
fn shipped(log: &Path) -> Vec<Value> {
    let documents = log.with_extension("ndjson");
    let to = format!("file:{}", documents.display());
    let arguments = ["blueox", "once", log.to_str().expect("a plain path"), "--to", &to];
    let exit = cli::execute(cli::Arguments::parse_from(arguments));
    assert_eq!(format!("{exit:?}"), format!("{:?}", cli::Exit::Done));
    let documents = fs::read_to_string(documents).expect("documents");
    documents.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn the_agent_takes_no_line_of_the_generator_for_a_request() {
    let directory = tempfile::tempdir().expect("a directory");
    let service = Service::start(&[]);
    let log = directory.path().join("load.log");
    let arguments = "--duration 2s --users 20 --mix simple=1,fail=1 --log-requests --instance load-1";
    report(&format!("{} {arguments} --log {}", service.url(), log.display()));
    let documents = shipped(&log);
    assert_eq!(documents.len(), lines(&log).len());
    for document in &documents {
        let identity = serde_json::json!({"name": "load", "node": {"name": "load-1"}});
        assert_eq!(document["service"], identity, "{document}");
        assert!(
            document["event"]["category"].is_null() && document["event"]["duration"].is_null(),
            "{document}"
        );
        match document["event"]["kind"].as_str() {
            Some("metric") => assert!(document["http"]["client"]["active_requests"].is_u64(), "{document}"),
            _ => assert!(document["trace"]["id"].is_string(), "{document}"),
        }
    }
    let metrics = documents.iter().filter(|document| document["event"]["kind"] == "metric");
    let requests =
        metrics.map(|document| document["numeric_labels"]["load_requests"].as_u64().expect("a count"));
    assert_eq!(requests.sum::<u64>(), 40);
}

/// The three profiles side by side, a minute each.
#[test]
#[ignore = "needs a quiet machine for a minute"]
fn each_second_has_the_arrivals_of_its_schedule() {
    let directory = tempfile::tempdir().expect("a directory");
    let service = Service::start(&[]);
    let seconds = Duration::from_secs;
    let peaks = Peaks { height: 4.0, length: seconds(5), period: seconds(20) };
    let runs = [Profile::Ramp, Profile::RampPeaks, Profile::SteadyPeaks].map(|profile| {
        let shape = Shape { profile, users: 50.0, duration: seconds(60), peaks };
        let log = directory.path().join(format!("{}.log", profile.name()));
        let mut command = program();
        command.args([
            "load",
            &service.url(),
            "--json",
            "--users",
            "50",
            "--duration",
            "60s",
            "--peak-height",
            "4",
        ]);
        command
            .args(["--profile", profile.name(), "--log-requests", "--log"])
            .arg(&log)
            .stdout(Stdio::null());
        (shape, log, command.spawn().expect("start"))
    });
    for (shape, log, mut child) in runs {
        assert!(child.wait().expect("its end").success());
        let lines = lines(&log);
        let mut sent = [0.0_f64; 61];
        for line in requests(&lines) {
            sent[nanoseconds(line, "load_sent_ns").as_secs() as usize] += 1.0;
        }
        for (second, sent) in sent[..60].iter().enumerate() {
            // The integral of the rate, by the midpoint rule.
            let users = |step| {
                shape.users_at(
                    seconds(second as u64) + Duration::from_millis(step) + Duration::from_micros(500),
                )
            };
            let due = (0..1_000).map(users).sum::<f64>() / 1_000.0;
            let slack = f64::max(2.0, 0.05 * due);
            let name = shape.profile.name();
            assert!((sent - due).abs() <= slack, "{name}, second {second}: {sent} sent, {due:.1} due");
        }
    }
}
