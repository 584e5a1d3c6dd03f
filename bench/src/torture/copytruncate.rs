//! Copies of a log file that is cut to nothing, all within the agent's glob.

use super::report::Report;
use super::site::{PATIENCE, Site};
use crate::fault::Plan;
use crate::process::Process;
use crate::writer::{LogWriter, Pace, Rotation};
use anyhow::Result;
use std::path::Path;

/// The scenario.
#[derive(Debug, Clone, Copy)]
pub struct CopyTruncate {
    /// How many rotations.
    pub rotations: u64,
    /// Lines in all.
    pub lines: u64,
    /// Lines a second.
    pub rate: u64,
    /// Seed of the lines.
    pub seed: u64,
}

impl CopyTruncate {
    /// Runs in `directory` with the program `agent`. The writer pauses while it copies, so that no line can fall between
    /// copy and truncation: what is lost or doubled then is the agent's doing.
    pub fn run(self, directory: &Path, agent: &Path) -> Result<Report> {
        let site = Site::new(directory, agent, self.seed, Plan::Calm)?;
        let mut agent = site.start_agent()?;
        let mut writer = site.writer(1, Rotation::CopyTruncate)?;
        let part = self.lines / (self.rotations + 1);
        for _ in 0..self.rotations {
            self.write(&mut writer, part, &mut agent)?;
            writer.rotate()?;
        }
        self.write(&mut writer, self.lines - part * self.rotations, &mut agent)?;
        let written = writer.entry().lines();
        // The judge speaks of what is missing, in case this fails.
        let drained = site.wait(&mut agent, "all lines are stored", || site.server.created() >= written);
        agent.stop(PATIENCE)?;
        let (ledger, fresh) = match drained {
            Ok(()) => site.settle(vec![writer.entry()])?,
            Err(error) => {
                eprintln!("{error:#}");
                (vec![writer.entry()], None)
            }
        };
        let verdict = site.judge(&ledger)?;
        Ok(Report {
            seed: self.seed,
            verdict,
            traffic: site.server.traffic(),
            kills: None,
            fresh_line: fresh,
        })
    }

    fn write(self, writer: &mut LogWriter, lines: u64, agent: &mut Process) -> Result<()> {
        let mut pace = Pace::new(self.rate);
        let mut left = lines;
        while left > 0 {
            let due = pace.wait().min(left);
            writer.write(due)?;
            left -= due;
            agent.alive()?;
        }
        Ok(())
    }
}
