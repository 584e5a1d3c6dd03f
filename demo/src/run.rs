//! The demo from its start to the balance.

use super::agents::{self, Agent, Fleet};
use super::arguments::Arguments;
use super::cluster::{Cluster, Holding, Pocket};
use super::memory::{self, Usage};
use super::picture::{self, Moment, Picture};
use super::process::Process;
use super::role::Role;
use super::stage::{Signals, Stage, Word};
use super::tally::Written;
use anyhow::{Context, Result, ensure};
use demo_service::scene::script::CAST;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Between two looks at everything.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks before there is anything to see.
const EARLY_LOOK: Duration = Duration::from_millis(100);
/// Between two kills.
const KILL: Duration = Duration::from_secs(3);
/// Between two looks at what is still on its way when the services have ended.
const DRAIN_LOOK: Duration = Duration::from_millis(250);
/// How long lines may be on their way then.
const DRAIN: Duration = Duration::from_secs(30);
/// How often agents with nothing to do are asked before the store is taken at its word.
const IDLE_LOOKS: u32 = 4;
/// How long Pocket ELK may take to end.
const END: Duration = Duration::from_secs(10);

/// Runs the demo. Whether every line written is stored.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let began = Instant::now();
    let signals = Signals::keep()?;
    let folder = Folder::make(arguments.data.as_deref())?;
    let mut picture = Picture::new();
    let mut pocket = match arguments.elasticsearch {
        None => Some(Pocket::start(&folder.store, &folder.store_log)?),
        Some(_) => None,
    };
    let url = arguments.elasticsearch.as_ref().or(pocket.as_ref().map(|pocket| &pocket.url));
    let url = url.context("there is a store")?.clone();
    picture.say(&format!("store       {url}"));
    if let Some(pocket) = &pocket {
        picture.say(&format!("Logs page   {}/logs", pocket.page));
        for (title, address) in boards(&pocket.page) {
            picture.say(&format!("board       {address}  {title}"));
        }
    }
    set_up(&url, &folder.agents)?;
    let agents = CAST.iter().map(|member| Agent::start(member.name, &folder.logs, &folder.agents, &url));
    let agents = agents.collect::<Result<Vec<_>>>()?;
    for agent in &agents {
        picture.say(&format!("agent       {}/status  {}", agent.url(), agent.service()));
    }
    picture.say(&format!("logs        {}", folder.logs.display()));
    picture.say("");
    let cluster = Cluster::at(&url)?;
    let stage = Stage::open(arguments, &folder.logs, signals)?;
    let mut demo = Demo {
        arguments,
        logs: &folder.logs,
        began,
        start: Instant::now(),
        picture,
        cluster,
        agents,
        stage,
        pocket: pocket.as_mut(),
        written: Written::default(),
        holding: Holding::default(),
        fleet: Fleet::default(),
        kills: 0,
        story: String::new(),
        usages: Vec::new(),
    };
    let played = demo.play()?;
    demo.drain()?;
    let even = demo.balance()?;
    played.map(|()| even)
}

/// Titles and addresses of the boards; the one to begin with stands first.
fn boards(page: &str) -> Vec<(&'static str, String)> {
    let boards = dashboards::model::boards();
    boards.iter().map(|board| (board.title, format!("{page}/app/dashboards#/view/{}", board.id))).collect()
}

/// Where everything of a run lies.
struct Folder {
    store: PathBuf,
    store_log: PathBuf,
    logs: PathBuf,
    agents: PathBuf,
    /// Removes it all.
    _temporary: Option<TempDir>,
}

impl Folder {
    fn make(data: Option<&Path>) -> Result<Self> {
        let temporary =
            if data.is_none() { Some(tempfile::tempdir().context("no temporary folder")?) } else { None };
        let root = data.or(temporary.as_ref().map(TempDir::path)).context("there is a folder")?;
        let root = std::path::absolute(root)?;
        // Services number their lines anew, so each run has its own logs; the store takes them all.
        let run = root.join("runs").join(jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S").to_string());
        let folder = Self {
            store: root.join("store"),
            store_log: run.join("store.log"),
            logs: run.join("logs"),
            agents: run.join("agents"),
            _temporary: temporary,
        };
        for made in [&folder.logs, &folder.agents] {
            fs::create_dir_all(made)
                .with_context(|| format!("cannot make the folder `{}`", made.display()))?;
        }
        Ok(folder)
    }
}

/// Templates and retention.
fn set_up(url: &str, folder: &Path) -> Result<()> {
    let log = folder.join("setup.log");
    let arguments = ["setup", "--elasticsearch", url, "--wait", "30s"];
    let mut setup = Process::start(Role::Agent, "the set-up", &log, arguments)?;
    let status = setup.wait()?;
    ensure!(
        status.success(),
        "the set-up of {url} ended with {status}; its last words:\n{}",
        setup.last_words()
    );
    Ok(())
}

/// Everything at work.
struct Demo<'a> {
    arguments: &'a Arguments,
    logs: &'a Path,
    /// When the program started.
    began: Instant,
    /// When the load did.
    start: Instant,
    picture: Picture,
    cluster: Cluster,
    agents: Vec<Agent>,
    stage: Stage,
    pocket: Option<&'a mut Pocket>,
    written: Written,
    holding: Holding,
    fleet: Fleet,
    kills: u32,
    story: String,
    /// While everything was at work.
    usages: Vec<Usage>,
}

impl Demo<'_> {
    /// Until the load has ended; the inner result is its own.
    fn play(&mut self) -> Result<Result<()>> {
        let (mut look, mut kill) = (Instant::now() + EARLY_LOOK, Instant::now() + KILL);
        loop {
            match self.stage.next(look.saturating_duration_since(Instant::now())) {
                Some(Word::Told(story)) => {
                    self.picture.tell(&story);
                    self.story = story;
                }
                Some(Word::Over(played)) => return Ok(played),
                Some(Word::Hurry) | None => {}
            }
            if self.arguments.kill_agent && Instant::now() >= kill {
                self.kill_one()?;
                kill = Instant::now() + KILL;
            }
            if Instant::now() >= look {
                look = Instant::now() + self.look_on()?;
            }
        }
    }

    /// Looks while services are under load; how long to wait until the next look.
    fn look_on(&mut self) -> Result<Duration> {
        let nothing_yet = self.holding.stored.is_empty();
        self.count()?;
        if nothing_yet && !self.holding.stored.is_empty() {
            let after = self.began.elapsed().as_secs_f64();
            self.picture
                .say(&format!("first lines {after:.1} s after the start in the store and on the boards"));
        }
        self.show("under load");
        self.usages = memory::look();
        Ok(if self.holding.stored.is_empty() { EARLY_LOOK } else { LOOK })
    }

    fn kill_one(&mut self) -> Result<()> {
        let at = self.kills as usize % self.agents.len();
        self.agents[at].kill()?;
        self.kills += 1;
        Ok(())
    }

    /// Waits until all that the services wrote is stored, or nothing more is on its way.
    fn drain(&mut self) -> Result<()> {
        let until = Instant::now() + DRAIN;
        let mut idle = 0;
        while Instant::now() < until && idle < IDLE_LOOKS {
            self.cluster.refresh()?;
            self.count()?;
            self.show("draining");
            let arrived = self.written.beside(&self.holding.stored).values().all(|pair| pair.equal);
            idle = if self.fleet.idle { idle + 1 } else { 0 };
            if (arrived && self.fleet.idle) || matches!(self.stage.next(DRAIN_LOOK), Some(Word::Hurry)) {
                break;
            }
        }
        self.picture.say("");
        picture::memory(&self.usages).iter().for_each(|line| self.picture.say(line));
        self.agents.iter_mut().try_for_each(Agent::stop)
    }

    /// The count of both ends, once nothing moves any more.
    fn balance(mut self) -> Result<bool> {
        self.cluster.refresh()?;
        let written = Written::read(self.logs)?;
        let holding = self.cluster.holds(written.instances())?;
        let (rows, even) = picture::balance(&written.beside(&holding.stored));
        self.picture.say("");
        rows.iter().for_each(|row| self.picture.say(row));
        if let Some(pocket) = self.pocket {
            pocket.process.stop(END)?;
        }
        Ok(even)
    }

    /// Counts both ends, and sees whether all processes live.
    fn count(&mut self) -> Result<()> {
        self.agents.iter_mut().try_for_each(Agent::check)?;
        if let Some(pocket) = &mut self.pocket {
            pocket.process.check()?;
        }
        self.written.read_on(self.logs)?;
        self.holding = self.cluster.holds(self.written.instances())?;
        self.fleet = agents::ask(&self.agents);
        Ok(())
    }

    /// Shows what was counted last.
    fn show(&mut self, what: &str) {
        let (elapsed, length) = (self.start.elapsed().as_secs(), self.arguments.length().as_secs());
        self.picture.show(&Moment {
            heading: format!(
                "{} {}  {what}  {elapsed} of {length} s",
                self.arguments.scene.name,
                self.arguments.profile.name()
            ),
            services: self.written.beside(&self.holding.stored),
            holding: &self.holding,
            fleet: &self.fleet,
            kills: self.kills,
            watch: self.arguments.scene.watch,
            story: &self.story,
        });
    }
}
