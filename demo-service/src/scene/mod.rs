//! Services and load that tell a story: the same three services and their users, and one thing that goes wrong.
//!
//! - [`script`]: who plays and what happens, as data.
//! - [`stage`]: the processes.
//! - [`timeline`]: what happened and when, for people and for tests that hold boards against the truth.

pub mod script;

pub mod stage;

pub mod timeline;

use crate::load::{ending, plan::time, shape::Profile};
use script::{SCENES, Scene};
use stage::{SceneError, Settings, Stage};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use timeline::Entry;

/// Arguments of `scene`.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// The scene to play
    #[arg(value_name = "NAME", required_unless_present = "list", value_parser = known)]
    name: Option<&'static Scene>,
    /// Say which scenes there are and what to look for
    #[arg(long)]
    list: bool,
    /// Where logs, reports and scene.json go
    #[arg(long, value_name = "DIRECTORY", default_value = "scene-logs")]
    logs: PathBuf,
    /// Length of the scene
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = time)]
    duration: Duration,
    /// How the users come and go
    #[arg(long, value_enum, default_value_t = Profile::SteadyPeaks)]
    profile: Profile,
}

/// The scene of this name, for a command line.
pub fn known(name: &str) -> Result<&'static Scene, String> {
    let names = || SCENES.each_ref().map(|scene| scene.name).join(", ");
    SCENES.iter().find(|scene| scene.name == name).ok_or_else(|| format!("there are {}", names()))
}

/// Does what the arguments ask for: plays a scene with this program as its services, and prints its timeline.
pub fn execute(arguments: Arguments) -> ExitCode {
    let Some(scene) = arguments.name.filter(|_| !arguments.list) else {
        SCENES.iter().for_each(|scene| println!("{:20}{}", scene.name, scene.watch));
        return ExitCode::SUCCESS;
    };
    let played = std::env::current_exe().map_err(|error| error.to_string()).and_then(|program| {
        let program = (program, Vec::new());
        let (length, profile) = (arguments.duration, arguments.profile);
        let settings = Settings { program, logs: arguments.logs, length, profile };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let playing = async {
            let stop = ending().map_err(|error| error.to_string())?;
            let tell = |entry: &Entry| println!("{entry}");
            play(scene, &settings, tell, stop).await.map_err(|error| error.to_string())
        };
        runtime.map_err(|error| error.to_string())?.block_on(playing)
    });
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-service: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Plays `scene` to its end or to that of `stop`, and tells each entry of the timeline as it happens.
///
/// Every process started has ended when this returns, and is killed where the future is dropped.
pub async fn play(
    scene: &Scene,
    settings: &Settings,
    tell: impl FnMut(&Entry),
    stop: impl Future<Output = ()>,
) -> Result<(), SceneError> {
    let mut stage = Stage::new(settings, tell)?;
    let played = tokio::select! {
        biased;
        () = stop => None,
        played = stage.play(scene) => Some(played),
    };
    let complete = matches!(played, Some(Ok(())));
    let cleared = stage.clear(complete).await;
    played.unwrap_or(Ok(())).and(cleared)
}
