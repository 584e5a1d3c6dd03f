//! docker-compose.yml as `docker compose` sees it: loaded by the library inside it, printed as JSON.
//!
//! No container engine takes part: no image is pulled or built, no container started.

use super::{go, repository};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Every profile of the file.
pub const PROFILES: [&str; 2] = ["limits", "logstash"];

/// The resolved file.
pub struct Project(Value);

/// One of its services.
#[derive(Clone, Copy)]
pub struct Service<'a> {
    pub name: &'a str,
    value: &'a Value,
}

/// A volume or a file of the host in a container.
#[derive(Debug)]
pub struct Mount<'a> {
    pub kind: &'a str,
    pub source: &'a str,
    pub target: &'a str,
    pub read_only: bool,
}

impl Project {
    /// Loads the file with the variables of `env`; the error is what `docker compose` would say.
    pub fn load(env: &Path, profiles: &[&str]) -> Result<Self, String> {
        let mut command = Command::new(checker());
        command.arg("-file").arg(repository::path("docker-compose.yml")).arg("-env").arg(env);
        command.args(profiles.iter().flat_map(|profile| ["-profile", profile]));
        let output = repository::output(&mut command);
        match output.status.success() {
            true => Ok(Self(serde_json::from_slice(&output.stdout).expect("JSON"))),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// With every profile and the `.env` that `deploy/compose/make-env` writes.
    pub fn whole() -> Self {
        Self::with(&PROFILES)
    }

    /// With the `.env` that `deploy/compose/make-env` writes.
    pub fn with(profiles: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        repository::succeed(Command::new(repository::path("deploy/compose/make-env")).arg(directory.path()));
        Self::load(&directory.path().join(".env"), profiles).expect("a filled .env is all it needs")
    }

    pub fn services(&self) -> impl Iterator<Item = Service<'_>> {
        let services = self.0["services"].as_object().expect("services");
        services.iter().map(|(name, value)| Service { name, value })
    }

    /// Services of our own images, with the target of deploy/Dockerfile.
    pub fn built(&self) -> impl Iterator<Item = (Service<'_>, &str)> {
        self.services().filter_map(|service| Some((service, service.target()?)))
    }

    /// The agents beside the services.
    pub fn agents(&self) -> impl Iterator<Item = Service<'_>> {
        self.built().filter(|(_, target)| *target == "agent").map(|(service, _)| service)
    }

    pub fn service(&self, name: &str) -> Service<'_> {
        self.services().find(|service| service.name == name).unwrap_or_else(|| panic!("no service {name}"))
    }
}

impl<'a> Service<'a> {
    /// Any key; null where it is not said.
    pub fn get(&self, key: &str) -> &'a Value {
        &self.value[key]
    }

    pub fn text(&self, key: &str) -> &'a str {
        self.value[key].as_str().unwrap_or_else(|| panic!("{}: no {key}", self.name))
    }

    /// A list of words such as `command`; none where it is not said.
    pub fn words(&self, key: &str) -> Option<Vec<String>> {
        serde_json::from_value(self.value[key].clone()).expect("a list of words")
    }

    /// Target of deploy/Dockerfile that it is built from; none for the images of others.
    pub fn target(&self) -> Option<&'a str> {
        self.value["build"]["target"].as_str()
    }

    pub fn environment(&self) -> BTreeMap<&'a str, &'a str> {
        let variables = self.value["environment"].as_object().into_iter().flatten();
        variables.map(|(name, value)| (name.as_str(), value.as_str().expect("text"))).collect()
    }

    pub fn mounts(&self) -> Vec<Mount<'a>> {
        let mounts = self.value["volumes"].as_array().into_iter().flatten();
        mounts
            .map(|mount| Mount {
                kind: mount["type"].as_str().expect("a type"),
                source: mount["source"].as_str().expect("a source"),
                target: mount["target"].as_str().expect("a target"),
                read_only: mount["read_only"] == true,
            })
            .collect()
    }

    /// The mount at a path of the container.
    pub fn mount(&self, target: &str) -> Option<Mount<'a>> {
        self.mounts().into_iter().find(|mount| mount.target == target)
    }

    /// Services it waits for, and for what.
    pub fn waits_for(&self) -> BTreeMap<&'a str, &'a str> {
        let services = self.value["depends_on"].as_object().into_iter().flatten();
        services
            .map(|(name, value)| (name.as_str(), value["condition"].as_str().expect("a condition")))
            .collect()
    }

    /// The words of the health check: `CMD` and a program, or `CMD-SHELL` and a line for the shell.
    pub fn health(&self) -> Option<Vec<String>> {
        serde_json::from_value(self.value["healthcheck"]["test"].clone()).expect("a list of words")
    }
}

/// deploy/tests/compose-check, built once.
fn checker() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| go::program("compose-check"))
}
