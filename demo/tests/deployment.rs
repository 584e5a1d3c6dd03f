//! deploy/: images, Kubernetes manifest, unit for systemd.
//!
//! No image is built here (no container engine is at hand) and no cluster of Kubernetes runs: the files are held against
//! what the repository has, and against schemas, parsers and checks from elsewhere.

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
#[path = "support/python.rs"]
#[allow(unreachable_pub, reason = "as the other support files")]
mod python;
#[path = "support/repository.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod repository;

use saphyr::{LoadableYamlNode, Yaml};
use std::path::Path;
use std::process::Command;

const MANIFEST: &str = "deploy/kubernetes/sidecar.yaml";
const UNIT: &str = "deploy/systemd/blueox.service";

/// Highest score of `systemd-analyze security`: 0 is no exposure, 10 all of it. It has 1.4.
const EXPOSURE_MAX: f64 = 1.5;

fn string<'a>(node: &'a Yaml<'_>) -> &'a str {
    node.as_str().unwrap_or_else(|| panic!("no text: {node:?}"))
}

fn list<'a, 'b>(node: &'a Yaml<'b>) -> &'a [Yaml<'b>] {
    node.as_sequence().unwrap_or_else(|| panic!("no list: {node:?}"))
}

fn strings(node: &Yaml<'_>) -> Vec<String> {
    list(node).iter().map(|word| string(word).to_owned()).collect()
}

#[test]
fn images_are_built_by_the_rust_that_the_workspace_asks_for() {
    let wanted = concat!("rust:", env!("CARGO_PKG_RUST_VERSION"));
    let base = dockerfile::stage("source").base;
    assert!(base.starts_with(&format!("{wanted}.")) && base.contains("-alpine"), "{base}, not {wanted}");
}

#[test]
fn images_have_exact_bases_and_no_root() {
    let stages = dockerfile::stages();
    for stage in &stages {
        let own = stages.iter().any(|other| other.name == stage.base);
        let exact = stage.base.split([':', '-']).nth(1).is_some_and(|tag| tag.split('.').count() == 3);
        assert!(own || exact || stage.base == "scratch", "{}", stage.base);
    }
    for target in ["agent", "setup", "demo-service"] {
        assert_eq!(dockerfile::stage(target).user, "10001:10001");
    }
    assert_eq!(stages.last().expect("stages").name, "agent", "the default target");
    assert_eq!(dockerfile::stage("agent").base, "scratch");
}

#[test]
#[ignore = "needs Go"]
fn docker_can_read_the_dockerfile() {
    let check = go::program("dockerfile-check");
    let said = repository::succeed(Command::new(&check).arg(repository::path(dockerfile::PATH)));
    let names: Vec<String> = dockerfile::stages().into_iter().map(|stage| stage.name).collect();
    assert_eq!(said.lines().collect::<Vec<_>>(), names);
    let directory = tempfile::tempdir().unwrap();
    let wrong = directory.path().join("Dockerfile");
    std::fs::write(&wrong, repository::text(dockerfile::PATH).replace("ENTRYPOINT", "ENTRYPIONT")).unwrap();
    assert!(!repository::output(Command::new(&check).arg(&wrong)).status.success());
}

#[test]
fn the_build_context_has_what_the_images_copy_and_the_workspace_needs() {
    let allowed = repository::text("deploy/Dockerfile.dockerignore");
    let allowed: Vec<&str> = allowed.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for path in &allowed {
        assert!(repository::path(path).try_exists().unwrap(), "{path}");
    }
    for source in dockerfile::stages().iter().flat_map(|stage| &stage.sources).filter(|source| *source != ".")
    {
        assert!(allowed.contains(&source.as_str()), "{source} is not in the context");
    }
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(repository::path(""))
        .output()
        .expect("cargo");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
    for package in metadata["packages"].as_array().expect("packages") {
        let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
        let manifest =
            manifest.strip_prefix(repository::path("").canonicalize().unwrap()).expect("in the repository");
        assert!(
            allowed.iter().any(|path| manifest.starts_with(path)),
            "{} is not in the context",
            manifest.display()
        );
    }
}

#[test]
fn the_agents_image_runs_and_checks_the_agent() {
    let agent = dockerfile::stage("agent");
    assert_eq!(agent.entrypoint, [agent.targets.last().expect("the binary").as_str()]);
    program::understands(&[agent.entrypoint, agent.command].concat()).unwrap();
    program::understands(&agent.health).unwrap();
}

#[test]
fn the_manifest_runs_what_the_images_hold() {
    let text = repository::text(MANIFEST);
    let documents = Yaml::load_from_str(&text).expect("YAML");
    let pod = &documents[1]["spec"]["template"]["spec"];
    let (agent, service) = (&pod["initContainers"][0], &pod["containers"][0]);
    for (container, image, target) in
        [(agent, "blueox", "agent"), (service, "blueox-demo-service", "demo-service")]
    {
        assert_eq!(
            string(&container["image"]),
            concat!("IMAGE:", env!("CARGO_PKG_VERSION")).replace("IMAGE", image)
        );
        let words = [dockerfile::stage(target).entrypoint, strings(&container["args"])].concat();
        program::understands(&words).unwrap();
    }
    program::understands(&strings(&agent["readinessProbe"]["exec"]["command"])).unwrap();
    for variable in list(&service["env"]) {
        assert!(program::service_variables().contains(string(&variable["name"])), "{variable:?}");
    }
    assert_eq!(string(&agent["restartPolicy"]), "Always", "else it would be waited for");
    let volumes: Vec<&str> = list(&pod["volumes"]).iter().map(|volume| string(&volume["name"])).collect();
    for mount in list(&agent["volumeMounts"]).iter().chain(list(&service["volumeMounts"])) {
        assert!(volumes.contains(&string(&mount["name"])), "{mount:?}");
    }
}

#[test]
fn the_manifests_configuration_is_valid() {
    let text = repository::text(MANIFEST);
    let documents = Yaml::load_from_str(&text).expect("YAML");
    let config = configuration::valid(
        string(&documents[0]["data"]["blueox.yaml"]),
        Some("/run/blueox/api-key"),
        &[("HOST_ID", "shop-1")],
        &[],
    );
    let agent = &documents[1]["spec"]["template"]["spec"]["initContainers"][0];
    let mounted: Vec<&str> =
        list(&agent["volumeMounts"]).iter().map(|mount| string(&mount["mountPath"])).collect();
    assert!(
        mounted.contains(&config.state.path.to_str().unwrap()) && mounted.contains(&"/run/blueox"),
        "{mounted:?}"
    );
    assert_eq!(string(&agent["env"][0]["name"]), "HOST_ID");
    let grace =
        documents[1]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as_integer().unwrap();
    assert!(config.drain.as_secs() as i64 * 4 < grace);
}

#[test]
#[ignore = "needs Python"]
fn the_manifest_follows_the_schemas_of_kubernetes() {
    let validate = python::environment().join("bin/kubernetes-validate");
    // The oldest that has what the manifest uses, and the newest the validator knows.
    for version in ["1.29", "1.37"] {
        repository::succeed(
            Command::new(&validate).args(["--strict", "-k", version]).arg(repository::path(MANIFEST)),
        );
    }
    // A validator that lets everything pass would be none.
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("broken.yaml");
    std::fs::write(
        &broken,
        repository::text(MANIFEST).replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"),
    )
    .unwrap();
    assert!(!repository::output(Command::new(&validate).arg("--strict").arg(&broken)).status.success());
}

#[test]
fn the_units_configuration_is_valid() {
    let text = repository::text("deploy/systemd/blueox.yaml");
    let config = configuration::valid(&text, Some("${CREDENTIALS_DIRECTORY}/api-key"), &[], &[]);
    let unit = repository::text(UNIT);
    let state = config.state.path.to_str().unwrap();
    assert!(unit.contains(&format!("StateDirectory={}\n", state.strip_prefix("/var/lib/").unwrap())));
    assert!(unit.contains("LoadCredential=api-key:"));
}

#[test]
fn the_unit_runs_the_agent() {
    let unit = repository::text(UNIT);
    let commands: Vec<Vec<String>> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("ExecStart=").or(line.strip_prefix("ExecStartPre=")))
        .map(|command| command.split(' ').map(str::to_owned).collect())
        .collect();
    assert_eq!(commands.len(), 2);
    commands.iter().for_each(|words| program::understands(words).unwrap());
}

#[test]
#[ignore = "needs systemd"]
fn systemd_understands_the_unit() {
    let directory = tempfile::tempdir().unwrap();
    // The check wants the program to be there; any will do.
    let unit = repository::text(UNIT).replace("/usr/bin/blueox ", "/bin/true ");
    let verify = |text: &str| {
        let file = directory.path().join("blueox.service");
        std::fs::write(&file, text).unwrap();
        repository::output(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file))
    };
    let output = verify(&unit);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !said.contains("blueox.service"), "{said}");
    let wrong = verify(&unit.replace("ProtectSystem=", "ProtectSytem="));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("ProtectSytem"));
}

#[test]
#[ignore = "needs systemd"]
fn the_unit_is_confined() {
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["security", "--offline=yes", "--no-pager"]).arg(repository::path(UNIT));
    let report = repository::succeed(&mut analyze);
    let line = report.lines().find(|line| line.contains("Overall exposure level")).expect("a score");
    let score = line.split(": ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a score");
    assert!(score.parse::<f64>().expect("a number") <= EXPOSURE_MAX, "{line}");
}

#[test]
fn make_env_fills_what_is_empty_and_never_touches_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let make = || {
        repository::succeed(Command::new(repository::path("deploy/compose/make-env")).arg(directory.path()))
    };
    make();
    let file = directory.path().join(".env");
    let first = std::fs::read_to_string(&file).unwrap();
    let value = |name: &str| {
        first.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap().to_owned()
    };
    let secrets =
        ["ELASTIC_PASSWORD", "KIBANA_PASSWORD", "LOGSTASH_PASSWORD", "KIBANA_ENCRYPTION_KEY"].map(value);
    assert!(secrets.iter().all(|secret| secret.len() == 40), "{first}");
    assert!(secrets.iter().enumerate().all(|(at, secret)| !secrets[..at].contains(secret)));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    make();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), first);
}
