//! Scenario files: what an operator, a server and a disk do, one step a line, in the order of time.
//!
//! `#` begins a comment; comments name the cases. `{stream}`, `{name}` and what `apikey` made are replaced.
//!
//! | step | what happens |
//! | --- | --- |
//! | `node SETTING=VALUE …` | the scenario gets a node of its own with these settings (no meaning to the fault server, as the next) |
//! | `security` | … with log-ins |
//! | `output KEY: VALUE` | a line of `output.elasticsearch` in the agent's configuration |
//! | `minimal` | the configuration holds only what has no default, and goes to the default data stream |
//! | `template JSON` | adds to the index template of the scenario's data stream |
//! | `user JSON` | makes a user `{name}` with `{password}` and this role |
//! | `apikey NAME JSON` | makes an API key with these role descriptors: `{NAME}`, and `{NAME.id}` |
//! | `call METHOD PATH [JSON]` | a request to the engine that has to succeed |
//! | `provoke WHAT` / `relieve WHAT` | `write-block`, `flood-stage`, `unauthorized` |
//! | `swallow` / `pass` | requests are carried out and never answered / answered again |
//! | `rollover` | of the scenario's data stream |
//! | `write N` | so many judged lines |
//! | `line TEXT` | one line of any text |
//! | `wide N` | a line with so many different fields |
//! | `rotate` | by rename |
//! | `run` / `kill` / `stop` | the agent; a stop has to end with 0 |
//! | `run-to` | `run FILE --to URL` without a configuration file |
//! | `once` | reads everything once, has to end with 0 |
//! | `await stored N` | documents in the index |
//! | `await refused STATUS N` | items or whole requests with that status, from now on |
//! | `await swallowed N` | answers to bulk requests swallowed, from now on |
//! | `await dead N` | dead letters |
//! | `await backing` | the checkpoint names the backing index |
//! | `judge [EXTRA]` | each written line is stored once and unaltered, and EXTRA other documents |
//! | `ignored none` | no document has `_ignored` |
//! | `dead TYPE TEXT` | one of the dead letters holds this text and was refused with this type (or `TYPE|TYPE`) |

use std::path::Path;

/// Where a scenario is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Elasticsearch,
    OpenSearch,
    FaultServer,
}

/// A scenario file.
#[derive(Debug)]
pub struct Scenario {
    pub name: String,
    /// Settings of a node of its own.
    pub node: Vec<String>,
    pub security: bool,
    pub minimal: bool,
    /// Line number and step.
    pub steps: Vec<(usize, Step)>,
}

/// A verb and what follows it.
#[derive(Debug)]
pub struct Step {
    pub verb: String,
    pub rest: String,
}

impl Scenario {
    /// Reads `tests/scenarios/NAME.scenario`.
    pub fn load(name: &str) -> Self {
        let path = directory().join(format!("{name}.scenario"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut scenario = Self {
            name: name.to_owned(),
            node: Vec::new(),
            security: false,
            minimal: false,
            steps: Vec::new(),
        };
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
            match verb {
                "node" => scenario.node = rest.split_whitespace().map(str::to_owned).collect(),
                "security" => scenario.security = true,
                "minimal" => scenario.minimal = true,
                _ => {
                    let step = Step { verb: verb.to_owned(), rest: rest.trim().to_owned() };
                    scenario.steps.push((number, step));
                }
            }
        }
        scenario
    }

    /// Whether it needs a node of its own.
    pub fn needs_own_node(&self) -> bool {
        self.security || self.minimal || !self.node.is_empty()
    }
}

/// Where scenario files lie.
pub fn directory() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}
