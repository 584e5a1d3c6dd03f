//! Writers that keep the agent busy: fast while it follows, waiting while it is far behind.

use super::site::Site;
use crate::ledger::Entry;
use crate::random::Dice;
use crate::writer::{LogWriter, Rotation};
use anyhow::Result;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Lines written and not yet stored at which the writers wait.
const BACKLOG: u64 = 20_000;

/// Lines a file holds before it is rotated.
const FILE_LINES: u64 = 2_000;

/// Common to all writers of a run.
#[derive(Debug, Default)]
pub(super) struct Load {
    stop: AtomicBool,
    written: AtomicU64,
}

impl Load {
    /// Ends the writers at their next line.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Writes until stopped, in bursts of random size; what was written.
    pub(super) fn write(&self, site: &Site, number: u32, rotation: Rotation, seed: u64) -> Result<Entry> {
        let mut writer = site.writer(number, rotation)?;
        let mut dice = Dice::new(seed ^ u64::from(number));
        let mut in_file = 0;
        while !self.stop.load(Ordering::SeqCst) {
            if self.written.load(Ordering::SeqCst).saturating_sub(site.server.created()) > BACKLOG {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            }
            in_file += self.burst(&mut writer, &mut dice)?;
            if in_file >= FILE_LINES {
                writer.rotate()?;
                in_file = 0;
            }
        }
        Ok(writer.entry())
    }

    fn burst(&self, writer: &mut LogWriter, dice: &mut Dice) -> Result<u64> {
        let lines = dice.below(300) + 1;
        writer.write(lines)?;
        self.written.fetch_add(lines, Ordering::SeqCst);
        std::thread::sleep(Duration::from_micros(dice.below(2_000)));
        Ok(lines)
    }
}
