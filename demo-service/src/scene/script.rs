//! Who plays, and what happens.

use crate::log::NOISY_TARGET;
use serde::Serialize;
use std::fmt;

/// A service of every scene.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// The version it starts with.
    pub version: &'static str,
    /// How many instances of it there are.
    pub instances: usize,
    /// Who its `/chain` calls; stands before it in [`CAST`].
    pub upstream: Option<&'static str>,
    /// Its users, each with a request a second.
    pub users: u32,
    /// What they ask for.
    pub mix: &'static str,
    /// Further arguments of `serve`.
    pub arguments: &'static str,
}

/// The services of every scene.
pub static CAST: [Member; 3] = [
    Member {
        name: "stock",
        version: "2.0.3",
        instances: 1,
        upstream: None,
        users: 5,
        mix: "slow?rows=60000=1",
        arguments: "--pool-size 1 --pool-queue 16",
    },
    Member {
        name: "pricing",
        version: "1.4.0",
        instances: 2,
        upstream: None,
        users: 20,
        mix: "compute?rounds=50=4,simple=1",
        arguments: "",
    },
    Member {
        name: "shop",
        version: "3.1.0",
        instances: 1,
        upstream: Some("stock"),
        users: 30,
        mix: "simple=6,chain=3,wait?ms=40=1",
        arguments: "",
    },
];

/// A story.
#[derive(Debug)]
pub struct Scene {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What to look for, on which board.
    pub watch: &'static str,
    /// What goes wrong; nothing in the scene that the others are compared with.
    pub trouble: Option<Trouble>,
}

/// What goes wrong, and the truth about it that a board has to lead to.
#[derive(Debug)]
pub struct Trouble {
    /// Whose trouble it is.
    pub service: &'static str,
    /// The route that suffers.
    pub endpoint: Option<&'static str>,
    /// The logger that floods.
    pub logger: Option<&'static str>,
    /// The class of its cause.
    pub cause: Cause,
    /// When it begins and when it is over, as shares of the scene; over at 1 means that it stays.
    pub from: f64,
    /// See `from`.
    pub to: f64,
    /// What brings it about.
    pub change: Change,
}

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The team of the service: its code or its settings.
    Us,
    /// Nobody did anything wrong, there are more users than there is room for.
    Load,
    /// The team of something the service calls.
    Dependency,
    /// Requests are well; logs are too many or too late.
    Pipeline,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Us => "us",
            Self::Load => "load",
            Self::Dependency => "dependency",
            Self::Pipeline => "pipeline",
        })
    }
}

/// What brings trouble about.
#[derive(Debug)]
pub enum Change {
    /// All instances restart with another version, which has these faults.
    Deploy(&'static str, &'static [&'static str]),
    /// All instances get a fault, by kind and value; `off` is the value that ends it.
    Fault(&'static str, &'static str),
    /// So many times the users come in the middle of the scene.
    Crowd(f64),
}

/// Share of the scene that the crowd stays, in its middle.
pub const CROWD_STAYS: f64 = 0.4;

/// All scenes.
pub static SCENES: [Scene; 5] = [
    Scene {
        name: "calm",
        watch: "service overview: nothing; all lines flat but for small peaks of the users, no errors, one version each",
        trouble: None,
    },
    Scene {
        name: "deploy-regression",
        watch: "service overview: half-way p95 and errors of `pricing` rise together with version 1.5.0; endpoint and \
                instance detail: only /compute, on both instances; errors: a type that 1.4.0 did not have",
        trouble: Some(Trouble {
            service: "pricing",
            endpoint: Some("/compute"),
            logger: None,
            cause: Cause::Us,
            from: 0.5,
            to: 1.0,
            change: Change::Deploy("1.5.0", &["slow-compute:8", "error-rate:/compute=0.2"]),
        }),
    },
    Scene {
        name: "failing-dependency",
        watch: "errors: timeouts of what `shop` calls; endpoint and instance detail: /chain fails after 2 s, its other \
                routes are well; saturation: open client requests rise, CPU does not",
        trouble: Some(Trouble {
            service: "shop",
            endpoint: Some("/chain"),
            logger: None,
            cause: Cause::Dependency,
            from: 0.4,
            to: 0.8,
            change: Change::Fault("upstream-down", "hang"),
        }),
    },
    Scene {
        name: "saturating-pool",
        watch: "saturation: requests waiting for a connection of `stock` stand at the queue's limit while many times the \
                usual requests come; service overview: 503 of /slow, p95 up, no new version",
        trouble: Some(Trouble {
            service: "stock",
            endpoint: Some("/slow"),
            logger: None,
            cause: Cause::Load,
            from: (1.0 - CROWD_STAYS) / 2.0,
            to: (1.0 + CROWD_STAYS) / 2.0,
            change: Change::Crowd(80.0),
        }),
    },
    Scene {
        name: "noisy-logger",
        watch: "logs: one logger of `stock` at DEBUG drowns the rest; saturation and \
                pipeline: events read rise, lag with them where the pipeline is small; requests are well",
        trouble: Some(Trouble {
            service: "stock",
            endpoint: None,
            logger: Some(NOISY_TARGET),
            cause: Cause::Pipeline,
            from: 0.4,
            to: 0.8,
            change: Change::Fault("noisy", "1000"),
        }),
    },
];
