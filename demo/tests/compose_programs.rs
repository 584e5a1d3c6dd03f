//! docker-compose.yml against the things it starts: flags, variables, paths, addresses and health checks.
//!
//! The file as `docker compose` would resolve it (see `compose.rs` for what cannot be had here) is compared with the
//! definitions of flags and variables in our programs, with deploy/Dockerfile and with the mounted files. `stack.rs`
//! runs the same commands on a real Elasticsearch.

#[path = "support/configuration.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod configuration;
#[path = "support/dockerfile.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod dockerfile;
#[path = "support/go.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod go;
#[path = "support/program.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod program;
#[path = "support/project.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod project;
#[path = "support/repository.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod repository;

use blueox::config::{Config, Output};
use project::{Project, Service};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Program and arguments a service's container runs.
fn words(service: Service<'_>, target: &str) -> Vec<String> {
    let stage = dockerfile::stage(target);
    let entrypoint = service.words("entrypoint").unwrap_or(stage.entrypoint);
    let command = service.words("command").unwrap_or(stage.command);
    [entrypoint, command].concat()
}

/// Host and port of every URL in `text`.
fn addresses(text: &str) -> impl Iterator<Item = (&str, u16)> {
    let end = |rest: &str| {
        rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-.:".contains(c)).unwrap_or(rest.len())
    };
    let written = text.split("http://").skip(1).map(move |rest| &rest[..end(rest)]);
    written
        .filter_map(|address| address.split_once(':'))
        .filter_map(|(host, port)| Some((host, port.parse().ok()?)))
}

#[test]
#[ignore = "needs Go"]
fn commands_and_health_checks_are_understood_by_the_programs() {
    for (service, target) in Project::whole().built() {
        let words = words(service, target);
        if words[0] == "/usr/bin/setup-engine" {
            assert_eq!(words.len(), 1);
            assert!(dockerfile::stage(target).targets.contains(&words[0]));
        } else {
            program::understands(&words).unwrap_or_else(|error| panic!("{}: {error}", service.name));
        }
        match (target, service.health().as_deref()) {
            ("agent", Some([cmd, words @ ..])) if cmd == "CMD" => {
                assert_eq!(words, ["/usr/bin/blueox", "status"]);
                program::understands(words).unwrap();
            }
            ("demo-service", Some([cmd, wget, .., url])) if cmd == "CMD" && wget == "wget" => {
                let port = service.environment()["PORT"];
                assert_eq!(*url, format!("http://127.0.0.1:{port}/healthz"));
            }
            // The load generator and set-up serve nothing.
            ("demo-service" | "setup", None) => {}
            other => panic!("{}: {other:?}", service.name),
        }
    }
}

#[test]
#[ignore = "needs Go"]
fn variables_are_those_the_programs_read() {
    let project = Project::whole();
    let known = program::service_variables();
    for (service, target) in project.built() {
        let given: BTreeSet<&str> = service.environment().into_keys().collect();
        match target {
            "demo-service" => {
                assert!(given.iter().all(|name| known.contains(*name)), "{}: {given:?}", service.name)
            }
            "agent" => assert_eq!(given, ["HOST_ID"].into(), "{}", service.name),
            "setup" => {
                let script = repository::text("deploy/compose/setup-engine");
                let read = |name: &&str| {
                    script.contains(&format!("${name}"))
                        || ["BLUEOX_USERNAME", "BLUEOX_PASSWORD"].contains(name)
                };
                assert!(given.iter().all(read), "{}: {given:?}", service.name);
            }
            other => panic!("{other}"),
        }
    }
    let kibana = repository::text("elk/kibana/kibana.yml");
    assert_takes(project.service("kibana"), &kibana, &["NODE_OPTIONS"]);
    let pipelines =
        ["agent", "dead-letters"].map(|name| repository::text(&format!("elk/logstash/pipeline/{name}.conf")));
    assert_takes(project.service("logstash"), &pipelines.concat(), &["LS_JAVA_OPTS"]);
}

/// The variables of a service are those its file names, and these of the image's own.
fn assert_takes(service: Service<'_>, file: &str, own: &[&str]) {
    let named: BTreeSet<&str> = repository::variables(file).into_iter().collect();
    let given = service.environment();
    let given: BTreeSet<&str> = given.into_keys().filter(|name| !own.contains(name)).collect();
    // The comment at the top of kibana.yml explains the form by this name.
    assert_eq!(given, named.into_iter().filter(|name| *name != "NAME").collect(), "{}", service.name);
}

#[test]
#[ignore = "needs Go"]
fn paths_exist_on_both_sides() {
    let root = repository::path("");
    for service in Project::whole().services() {
        for mount in service.mounts() {
            if mount.kind == "bind" {
                let source = Path::new(mount.source);
                assert!(source.starts_with(&root) && source.try_exists().unwrap(), "{}", mount.source);
                assert!(mount.read_only, "{}: {}", service.name, mount.target);
            } else if let Some(target) = service.target() {
                // Else the volume would belong to root, and the container's user could not write to it.
                let made = &repository::text(dockerfile::PATH);
                assert!(made.contains(&format!("/owned{} ", mount.target)), "{}", mount.target);
                assert!(dockerfile::stage(target).targets.contains(&"/".to_owned()), "{target}");
            }
        }
    }
}

#[test]
#[ignore = "needs Go"]
fn addresses_are_those_of_services_and_the_ports_they_serve() {
    let project = Project::whole();
    let files = ["deploy/compose/agent.yaml", "deploy/compose/agent-logstash.yaml", "elk/kibana/kibana.yml"]
        .map(repository::text);
    let said = project.services().flat_map(|service| {
        let words = service.words("command").unwrap_or_default().into_iter();
        words.chain(service.environment().into_values().map(str::to_owned))
    });
    let said: Vec<String> = said.chain(files).collect();
    let ports = BTreeMap::from([("elasticsearch", 9200), ("kibana", 5601), ("logstash", 5044)]);
    let mut seen = BTreeSet::new();
    for (host, port) in said.iter().flat_map(|text| addresses(text)).filter(|(host, _)| *host != "localhost")
    {
        let service = project.service(host);
        let served =
            ports.get(host).copied().unwrap_or_else(|| service.environment()["PORT"].parse().unwrap());
        assert_eq!(port, served, "{host}");
        seen.insert(host);
    }
    assert_eq!(seen, ["catalog", "elasticsearch", "kibana", "limited", "piped", "reports", "shop"].into());
    for service in project.services() {
        for port in service.get("ports").as_array().into_iter().flatten() {
            let served = ports.get(service.name).copied();
            let served = served.or_else(|| service.environment().get("PORT")?.parse().ok());
            assert_eq!(port["target"], served.expect("a port it serves"), "{}", service.name);
        }
    }
}

#[test]
#[ignore = "needs Go"]
fn load_may_reach_its_targets_and_nothing_else() {
    for service in Project::whole().services() {
        let words = service.words("command").unwrap_or_default();
        if words.first().is_none_or(|word| word != "load") {
            continue;
        }
        let allowed: Vec<&str> =
            words.windows(2).filter(|pair| pair[0] == "--allow-host").map(|pair| pair[1].as_str()).collect();
        let targets: Vec<&str> =
            words.iter().flat_map(|word| addresses(word)).map(|(host, _)| host).collect();
        assert_eq!(allowed, targets, "{}", service.name);
        assert!(!words.contains(&"--allow-remote".to_owned()));
    }
}

#[test]
#[ignore = "needs Go"]
fn each_log_has_one_agent_that_can_only_read_it() {
    let project = Project::whole();
    let writers = project.built().filter(|(_, target)| *target == "demo-service");
    for (writer, _) in writers {
        let Some(logs) = writer.mount("/var/log/app") else {
            assert!(["limited-load", "piped-load"].contains(&writer.name), "{} keeps no log", writer.name);
            continue;
        };
        assert!(!logs.read_only);
        let readers: Vec<Service<'_>> = project
            .agents()
            .filter(|agent| agent.mount("/var/log/app").is_some_and(|mount| mount.source == logs.source))
            .collect();
        let [agent] = readers.as_slice() else { panic!("{}: {} agents", writer.name, readers.len()) };
        assert!(agent.mount("/var/log/app").unwrap().read_only, "{}", agent.name);
        let command = writer.words("command").unwrap_or_default();
        let in_command = command.windows(2).find(|pair| pair[0] == "--log").map(|pair| pair[1].clone());
        let log = in_command.unwrap_or_else(|| writer.environment()["LOG_FILE"].to_owned());
        for name in [log.clone(), format!("{log}.1")] {
            assert!(reads(*agent, &name), "{} does not read {name}", agent.name);
        }
    }
    let unique = |of: &dyn Fn(Service<'_>) -> String| {
        let all: Vec<String> = project.agents().map(of).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
    };
    unique(&|agent| agent.environment()["HOST_ID"].to_owned());
    unique(&|agent| agent.mount("/var/lib/blueox").expect("a state of its own").source.to_owned());
}

/// Whether the agent of a container reads a file of this name.
fn reads(agent: Service<'_>, name: &str) -> bool {
    let config = config(agent);
    let mut globs = config.inputs.iter().flat_map(|input| &input.paths);
    globs.any(|glob| blueox::config::compile_glob(glob).expect("a glob").compile_matcher().is_match(name))
}

/// The configuration in an agent's container.
fn config(agent: Service<'_>) -> Config {
    let file = agent.mount("/etc/blueox/blueox.yaml").expect("a configuration");
    let text = std::fs::read_to_string(file.source).expect("the mounted file");
    let variables: Vec<(&str, &str)> = agent.environment().into_iter().collect();
    if !text.contains("api_key") {
        return configuration::valid(&text, None, &variables, &[]);
    }
    // No TLS between the containers.
    configuration::valid(&text, Some("/run/blueox/api-key"), &variables, &["output.elasticsearch.hosts"])
}

#[test]
#[ignore = "needs Go"]
fn the_agents_configuration_is_valid_and_agrees_with_the_file() {
    let project = Project::whole();
    for agent in project.agents() {
        let config = config(agent);
        assert_eq!(config.host_id, agent.environment()["HOST_ID"]);
        assert!(agent.mount(config.state.path.to_str().unwrap()).is_some());
        match &config.output {
            // Else the key could not be read.
            Output::Elasticsearch(_) => assert!(agent.mount("/run/blueox").is_some_and(|key| key.read_only)),
            Output::Logstash(logstash) => {
                let hosts: Vec<String> = logstash.hosts.iter().map(ToString::to_string).collect();
                assert_eq!((agent.name, hosts), ("piped-agent", vec!["logstash:5044".to_owned()]));
                assert!(agent.mount("/run/blueox").is_none());
            }
            other => panic!("{}: {other:?}", agent.name),
        }
        // Else the drain would be cut.
        assert_eq!(agent.text("stop_grace_period"), "30s");
        assert!(config.drain.as_secs() * 2 < 30);
        assert!(agent.text("mem_limit").parse::<u64>().unwrap() >= 2 * config.limits.memory);
    }
    let setup = project.service("setup-engine").mount("/run/blueox").expect("the key's volume");
    assert!(!setup.read_only);
}
