//! `kill -9`, again and again.

use super::load::Load;
use super::report::{KillFigures, Report};
use super::site::Site;
use crate::fault::Plan;
use crate::ledger::Entry;
use crate::process::Process;
use crate::random::Dice;
use crate::writer::Rotation;
use anyhow::{Context, Result, anyhow};
use std::path::Path;
use std::time::{Duration, Instant};

/// The scenario.
#[derive(Debug, Clone, Copy)]
pub struct Kills {
    /// How many.
    pub kills: u32,
    /// Seed of lines, faults and moments.
    pub seed: u64,
    /// Roll the data stream over while fates are unknown.
    pub roll_over: bool,
}

/// Longest life after its first request, in milliseconds: long enough for some checkpoints, short enough for none.
const LIFE_MAX: u64 = 2500;

impl Kills {
    /// Runs in `directory` with the program `agent`.
    pub fn run(self, directory: &Path, agent: &Path) -> Result<Report> {
        let plan = Plan::Random {
            seed: self.seed,
            per_mille: 150,
            think_max: Duration::from_millis(120),
            hang: Duration::from_secs(3),
            roll_over: self.roll_over,
        };
        let site = Site::new(directory, agent, self.seed, plan)?;
        let load = Load::default();
        let (figures, ledger) = std::thread::scope(|scope| {
            let writers = [(1, Rotation::Rename), (2, Rotation::Shift)].map(|(number, rotation)| {
                let (load, site) = (&load, &site);
                scope.spawn(move || load.write(site, number, rotation, self.seed))
            });
            let figures = self.kill_all(&site);
            load.stop();
            let ledger: Result<Vec<Entry>> = writers
                .into_iter()
                .map(|writer| writer.join().map_err(|_| anyhow!("a writer panicked"))?)
                .collect();
            anyhow::Ok((figures?, ledger?))
        })?;
        let (ledger, fresh) = site.settle(ledger)?;
        let verdict = site.judge(&ledger)?;
        Ok(Report {
            seed: self.seed,
            verdict,
            traffic: site.server.traffic(),
            kills: Some(figures),
            fresh_line: fresh,
        })
    }

    fn kill_all(self, site: &Site) -> Result<KillFigures> {
        let mut dice = Dice::new(self.seed ^ 0xdead);
        let mut figures = KillFigures { roll_over: self.roll_over, ..KillFigures::default() };
        for number in 1..=self.kills {
            let (started, moment) = self
                .live_and_die(site, &mut dice)
                .with_context(|| format!("kill {number} of {}", self.kills))?;
            // One kill in four leaves requests of unknown fate on the far side of a rollover.
            if self.roll_over && number % 4 == 0 {
                site.server.roll_over();
                figures.rollovers += 1;
            }
            figures.count(site.server.traffic().in_flight(started, moment));
            if number % 10 == 0 {
                eprintln!("{number} kills, {} documents", site.server.created());
            }
        }
        Ok(figures)
    }

    /// One life of the agent: when it began and when it was killed.
    fn live_and_die(self, site: &Site, dice: &mut Dice) -> Result<(Instant, Instant)> {
        let before = site.server.request_count();
        let started = Instant::now();
        let mut agent = site.start_agent()?;
        let life = Duration::from_millis(dice.below(LIFE_MAX));
        // One in ten dies young, perhaps before its first request: starting must be safe to kill as well.
        if !dice.chance(100) {
            site.wait(&mut agent, "the agent sends its first request", || {
                site.server.request_count() > before
            })?;
        }
        self.sleep_awake(&mut agent, life)?;
        let moment = Instant::now();
        agent.kill()?;
        Ok((started, moment))
    }

    /// An agent that ends by itself must not pass for a killed one.
    fn sleep_awake(self, agent: &mut Process, time: Duration) -> Result<()> {
        std::thread::sleep(time);
        agent.alive()
    }
}
