//! Services and their users, on a thread of their own until they have ended.

use super::arguments::Arguments;
use super::role::Role;
use anyhow::{Context, Result};
use demo_service::scene::stage::Settings;
use demo_service::scene::{self, script::Scene, timeline::Entry};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Words on their way; a scene has about twenty.
const WORDS: usize = 64;
/// How long services and users may take to end: a bit more than they give themselves.
const END: Duration = Duration::from_secs(15);

/// What the stage says.
#[derive(Debug)]
pub(crate) enum Word {
    /// Something happened.
    Told(String),
    /// All services and users have ended.
    Over(Result<()>),
    /// The user asked again to end.
    Hurry,
}

/// SIGINT and SIGTERM, kept from the start on, so that none is missed.
pub(crate) struct Signals {
    runtime: Runtime,
    ears: Ears,
}

struct Ears {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn keep() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        let ears =
            Ears { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? };
        drop(inside);
        Ok(Self { runtime, ears })
    }
}

impl Ears {
    async fn hear(&mut self) {
        tokio::select! { _ = self.interrupt.recv() => (), _ = self.terminate.recv() => () }
    }
}

/// Services and users at work; they have ended when this is dropped.
pub(crate) struct Stage {
    words: Receiver<Word>,
    stop: Option<oneshot::Sender<()>>,
    over: bool,
}

impl Stage {
    /// Starts the services, then their users. The first signal ends them, a further one is told.
    pub(crate) fn open(arguments: &Arguments, logs: &Path, signals: Signals) -> Result<Self> {
        let settings = Settings {
            program: Role::Service.program().context("this program is not found")?,
            logs: logs.to_owned(),
            length: arguments.length(),
            profile: arguments.profile,
        };
        let scene = arguments.scene;
        let (sender, words) = sync_channel(WORDS);
        let (stop, stopped) = oneshot::channel();
        // On Linux processes end with the thread that started them; this one is there as long as they are.
        let thread = thread::Builder::new().name("stage".to_owned());
        thread.spawn(move || play(scene, &settings, signals, stopped, &sender))?;
        Ok(Self { words, stop: Some(stop), over: false })
    }

    /// The next word, if there is one within `patience`.
    pub(crate) fn next(&mut self, patience: Duration) -> Option<Word> {
        let word = self.words.recv_timeout(patience).ok();
        self.over |= matches!(word, Some(Word::Over(_)));
        word
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.take();
        while !self.over && self.next(END).is_some() {}
    }
}

fn play(
    scene: &Scene,
    settings: &Settings,
    signals: Signals,
    stopped: oneshot::Receiver<()>,
    sender: &SyncSender<Word>,
) {
    let Signals { runtime, mut ears } = signals;
    // Nobody listens any more where the demo failed.
    let say = |word| drop(sender.send(word));
    runtime.block_on(async {
        let stop = async {
            tokio::select! { () = ears.hear() => (), _ = stopped => () }
        };
        let tell = |entry: &Entry| say(Word::Told(entry.to_string()));
        let played = scene::play(scene, settings, tell, stop).await;
        say(Word::Over(played.context("the load broke off")));
        ears.hear().await;
        say(Word::Hurry);
    });
}
