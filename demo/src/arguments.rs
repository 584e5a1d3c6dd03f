//! What the user asks for.

use clap::Parser;
use demo_service::load::plan::time;
use demo_service::load::shape::Profile;
use demo_service::scene::known;
use demo_service::scene::script::Scene;
use std::path::PathBuf;
use std::time::Duration;

/// Services under load, an agent beside each, and a store that gets every line
#[derive(Debug, Parser)]
#[command(
    name = "cargo demo",
    after_help = "Ctrl-C ends the load, waits until every line has arrived and says the balance.\n\
    Exit codes: 0 every line written is stored, 1 not so or the demo failed, 2 wrong usage"
)]
pub(crate) struct Arguments {
    /// How users come and go
    #[arg(long, value_enum, default_value_t = Profile::SteadyPeaks)]
    pub(crate) profile: Profile,
    /// What goes wrong: calm, deploy-regression, failing-dependency, saturating-pool or noisy-logger
    #[arg(long, value_name = "NAME", default_value = "calm", value_parser = known)]
    pub(crate) scene: &'static Scene,
    /// Length of the load; 10m in the calm, 2m where something goes wrong
    #[arg(long, value_name = "TIME", value_parser = time)]
    duration: Option<Duration>,
    /// Ship to this cluster in place of Pocket ELK; its log-in as for `blueox setup`: BLUEOX_USERNAME and BLUEOX_PASSWORD, or
    /// BLUEOX_API_KEY, and BLUEOX_CA
    #[arg(long, value_name = "URL")]
    pub(crate) elasticsearch: Option<String>,
    /// Kill an agent (SIGKILL) every 3 s and start it again: nothing gets lost
    #[arg(long)]
    pub(crate) kill_agent: bool,
    /// Keep logs, the agents' state and the store here; else in a temporary folder that goes with the demo
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) data: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn length(&self) -> Duration {
        let usual = if self.scene.trouble.is_some() { 120 } else { 600 };
        self.duration.unwrap_or(Duration::from_secs(usual))
    }
}
