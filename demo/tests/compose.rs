//! What docker-compose.yml promises by itself.
//!
//! There is no container engine and no Kibana where these tests run: nothing is pulled, built or started. The file is
//! loaded by compose-go, the loader inside `docker compose`. That Elastic's images take what is said here is known from
//! their documentation only.

#[path = "support/dockerfile.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod dockerfile;
#[path = "support/go.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod go;
#[path = "support/project.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod project;
#[path = "support/repository.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod repository;

use project::{Project, Service};
use std::collections::{BTreeMap, BTreeSet};

const ALWAYS: [&str; 12] = [
    "catalog",
    "catalog-agent",
    "elasticsearch",
    "kibana",
    "load",
    "load-agent",
    "reports",
    "reports-agent",
    "setup-boards",
    "setup-engine",
    "shop",
    "shop-agent",
];
const LIMITS: [&str; 3] = ["limited", "limited-agent", "limited-load"];
const LOGSTASH: [&str; 4] = ["logstash", "piped", "piped-agent", "piped-load"];

/// Of the machine the stack is meant for.
const MEMORY_MAX: u64 = 8 << 30;

fn names(project: &Project) -> BTreeSet<&str> {
    project.services().map(|service| service.name).collect()
}

#[test]
#[ignore = "needs Go"]
fn every_profile_loads() {
    let limits: BTreeSet<&str> = ALWAYS.into_iter().chain(LIMITS).collect();
    assert_eq!(names(&Project::with(&[])), ALWAYS.into());
    assert_eq!(names(&Project::with(&["limits"])), limits);
    assert_eq!(names(&Project::with(&["logstash"])), ALWAYS.into_iter().chain(LOGSTASH).collect());
    assert_eq!(names(&Project::whole()), limits.into_iter().chain(LOGSTASH).collect());
}

#[test]
#[ignore = "needs Go"]
fn an_empty_variable_is_refused_by_its_name_and_with_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let env = directory.path().join("env");
    std::fs::write(&env, "").unwrap();
    let refused = Project::load(&env, &[]).err().expect("an empty .env is refused");
    let example = repository::text(".env.example");
    let empty: Vec<&str> = example.lines().filter_map(|line| line.strip_suffix('=')).collect();
    assert_eq!(empty, ["ELASTIC_PASSWORD", "KIBANA_PASSWORD", "LOGSTASH_PASSWORD", "KIBANA_ENCRYPTION_KEY"]);
    for name in empty {
        let line = refused.lines().find(|line| line.contains(&format!("required variable {name} ")));
        let line = line.unwrap_or_else(|| panic!("{name} is not named: {refused}"));
        assert!(line.contains("in .env, or run deploy/compose/make-env once"), "{line}");
    }
}

#[test]
#[ignore = "needs Go"]
fn everything_fits_in_eight_gigabytes() {
    let project = Project::whole();
    let limits = project.services().map(|service| {
        let limit = service.text("mem_limit").parse::<u64>().expect("bytes");
        assert!(limit > 0, "{} has no limit", service.name);
        limit
    });
    // Some is left for the machine itself.
    assert!(limits.sum::<u64>() <= MEMORY_MAX - (1 << 30));
}

#[test]
#[ignore = "needs Go"]
fn a_heap_is_at_most_half_of_its_container() {
    let project = Project::whole();
    for (name, variable) in [("elasticsearch", "ES_JAVA_OPTS"), ("logstash", "LS_JAVA_OPTS")] {
        let service = project.service(name);
        let options = service.environment()[variable].to_owned();
        let size = options.split("-Xmx").nth(1).expect("-Xmx");
        let mib = match size.split_at(size.len() - 1) {
            (number, "g") => number.parse::<u64>().unwrap() << 10,
            (number, "m") => number.parse().unwrap(),
            _ => panic!("{size}"),
        };
        assert!(options.contains(&format!("-Xms{size}")), "{options}");
        assert!(mib << 21 <= service.text("mem_limit").parse().unwrap(), "{name}");
    }
}

#[test]
#[ignore = "needs Go"]
fn ports_are_open_on_loopback_only_and_changeable() {
    let project = Project::whole();
    let example = repository::text(".env.example");
    for service in project.services() {
        for port in service.get("ports").as_array().into_iter().flatten() {
            assert_eq!(port["host_ip"], "127.0.0.1", "{}", service.name);
            let published = port["published"].as_str().unwrap();
            assert!(example.contains(&format!("_PORT={published}\n")), "{published} is not in .env.example");
        }
        assert!(
            service.get("privileged").is_null() && service.get("network_mode").is_null(),
            "{}",
            service.name
        );
    }
}

#[test]
#[ignore = "needs Go"]
fn images_are_exact_and_of_one_version() {
    let project = Project::whole();
    let version = |service: &Service<'_>| service.text("image").rsplit_once(':').expect("a tag").1.to_owned();
    let elastic: BTreeSet<String> = project
        .services()
        .filter(|service| service.target().is_none())
        .map(|service| version(&service))
        .collect();
    assert_eq!(elastic.len(), 1, "{elastic:?}");
    let version_of_stack = elastic.first().unwrap();
    assert_eq!(version_of_stack.split('.').filter(|part| part.parse::<u32>().is_ok()).count(), 3);
    assert!(repository::text(".env.example").contains(&format!("STACK_VERSION={version_of_stack}\n")));
    for (service, target) in project.built() {
        assert_eq!(version(&service), env!("CARGO_PKG_VERSION"), "{}", service.name);
        assert!(service.text("image").starts_with(if target == "agent" { "blueox:" } else { "blueox-" }));
        assert_eq!(service.get("build")["dockerfile"], dockerfile::PATH);
    }
}

#[test]
#[ignore = "needs Go"]
fn each_starts_when_what_it_needs_is_healthy_or_done() {
    let project = Project::whole();
    for service in project.services() {
        for (other, condition) in service.waits_for() {
            let other = project.service(other);
            match condition {
                "service_healthy" => assert!(other.health().is_some(), "{} has no health check", other.name),
                "service_completed_successfully" => assert_eq!(other.get("restart"), "no", "{}", other.name),
                _ => panic!("{} waits for {} with {condition}", service.name, other.name),
            }
        }
    }
    let waits = |name: &str| project.service(name).waits_for();
    assert_eq!(waits("setup-engine"), BTreeMap::from([("elasticsearch", "service_healthy")]));
    assert_eq!(waits("kibana"), BTreeMap::from([("setup-engine", "service_completed_successfully")]));
    assert_eq!(waits("setup-boards"), BTreeMap::from([("kibana", "service_healthy")]));
    for agent in project.agents() {
        assert_eq!(agent.waits_for(), BTreeMap::from([("setup-engine", "service_completed_successfully")]));
    }
}

#[test]
#[ignore = "needs Go"]
fn our_containers_can_do_nothing_they_need_not() {
    for (service, target) in Project::whole().built() {
        assert_eq!(service.text("user"), dockerfile::stage(target).user, "{}", service.name);
        assert_eq!(service.text("user"), "10001:10001");
        assert_eq!(service.get("read_only"), true, "{}", service.name);
        assert_eq!(service.get("cap_drop"), &serde_json::json!(["ALL"]), "{}", service.name);
        assert_eq!(service.get("security_opt"), &serde_json::json!(["no-new-privileges:true"]));
    }
}

#[test]
#[ignore = "needs Go"]
fn logs_of_containers_are_bounded() {
    for service in Project::whole().services() {
        assert!(service.get("logging")["options"]["max-size"].is_string(), "{}", service.name);
    }
}

#[test]
#[ignore = "needs Go"]
fn security_is_on_with_the_free_licence() {
    let project = Project::whole();
    let settings = project.service("elasticsearch").environment();
    assert_eq!(settings["xpack.security.enabled"], "true");
    assert_eq!(settings["xpack.license.self_generated.type"], "basic");
    for service in project.services().filter(|service| service.target() == Some("setup")) {
        assert_eq!(
            service.environment()["BLUEOX_PASSWORD"],
            settings["ELASTIC_PASSWORD"],
            "{}",
            service.name
        );
    }
}

#[test]
#[ignore = "needs Go"]
fn profile_limits_gives_a_service_half_a_cpu() {
    let project = Project::with(&["limits"]);
    assert_eq!(project.service("limited").get("cpus"), 0.5);
}
