//! What deploy/Dockerfile makes: its stages, as far as other files rely on them.

use super::repository;

/// Path of the file from the root of the repository, as docker-compose.yml names it.
pub const PATH: &str = "deploy/Dockerfile";

/// One `FROM … AS name`.
#[derive(Debug, Default)]
pub struct Stage {
    /// Behind `AS`.
    pub name: String,
    /// Behind `FROM`.
    pub base: String,
    /// Each `COPY` without `--from`: sources in the repository.
    pub sources: Vec<String>,
    /// Each `COPY`: where it goes.
    pub targets: Vec<String>,
    pub user: String,
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    /// Behind `HEALTHCHECK … CMD`.
    pub health: Vec<String>,
}

/// All stages, in order.
pub fn stages() -> Vec<Stage> {
    let joined = repository::text(PATH).replace("\\\n", " ");
    let mut stages: Vec<Stage> = Vec::new();
    for line in joined.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (instruction, rest) = line.split_once(' ').unwrap_or((line, ""));
        if instruction == "FROM" {
            let (base, name) = rest.split_once(" AS ").expect("each stage has a name");
            stages.push(Stage { name: name.into(), base: base.into(), ..Stage::default() });
            continue;
        }
        let stage = stages.last_mut().expect("FROM comes first");
        match instruction {
            "USER" => stage.user = rest.into(),
            "ENTRYPOINT" => stage.entrypoint = words(rest),
            "CMD" => stage.command = words(rest),
            "HEALTHCHECK" => stage.health = words(rest.split_once("CMD ").expect("a command").1),
            "COPY" => stage.copy(rest),
            "RUN" | "WORKDIR" => {}
            other => panic!("{PATH} uses {other}, which this reader does not know"),
        }
    }
    stages
}

/// The stage of a target.
pub fn stage(target: &str) -> Stage {
    stages()
        .into_iter()
        .find(|stage| stage.name == target)
        .unwrap_or_else(|| panic!("{PATH} has no target {target}"))
}

impl Stage {
    fn copy(&mut self, rest: &str) {
        let words: Vec<&str> = rest.split(' ').filter(|word| !word.starts_with("--")).collect();
        let (target, sources) = words.split_last().expect("a target");
        self.targets.push((*target).to_owned());
        if !rest.contains("--from=") {
            self.sources.extend(sources.iter().map(|source| (*source).to_owned()));
        }
    }
}

fn words(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: not the JSON form: {error}"))
}
