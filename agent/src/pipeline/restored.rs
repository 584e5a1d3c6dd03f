//! What the run before has left.

use super::rules::stream_name;
use super::start::RunError;
use crate::checkpoint::directory::Directory;
use crate::checkpoint::{Checkpoint, Journal, Loaded, StateDirectory, Store};
use crate::config::Config;
use std::collections::HashMap;
use std::io;
use tracing::{error, info, warn};

/// What the checkpoint says.
#[derive(Default)]
pub(super) struct Restored {
    pub(super) checkpoint: Checkpoint,
    /// No earlier run has left one.
    pub(super) fresh: bool,
}

impl From<Loaded> for Restored {
    fn from(loaded: Loaded) -> Self {
        match loaded {
            Loaded::Fresh => Self { checkpoint: Checkpoint::default(), fresh: true },
            Loaded::Found { checkpoint, damage } => {
                if let Some(damage) = damage {
                    warn!(file = %damage.path.display(), reason = damage.reason, "one checkpoint slot is damaged, using the other");
                }
                Self { checkpoint: *checkpoint, fresh: false }
            }
            Loaded::Lost { damage } => {
                for damage in damage {
                    error!(
                        file = %damage.path.display(), kept_as = ?damage.kept_as, reason = damage.reason,
                        "checkpoint is damaged, reading all files from their beginning; known ids absorb the repeats"
                    );
                }
                Self { checkpoint: Checkpoint::default(), fresh: false }
            }
        }
    }
}

impl Restored {
    /// Moves the checkpoint up to what the journal of the run before says, stores it, and opens the journal for this one.
    pub(super) fn catch_up(
        &mut self,
        state: &StateDirectory,
        store: &mut Store<Directory>,
    ) -> Result<Option<Journal>, RunError> {
        let Some(mut journal) = state.journal()? else { return Ok(None) };
        let caught_up = journal.fold_into(&mut self.checkpoint).and_then(|files| {
            if files > 0 {
                store.save(&self.checkpoint).map_err(io::Error::other)?;
                info!(files, "the last run was killed, going on behind what was acknowledged until then");
            }
            journal.clear()
        });
        if let Err(error) = caught_up {
            let error = crate::telemetry::chain(&error);
            warn!(
                error,
                "cannot use the journal; what was acknowledged after the last checkpoint may be sent again"
            );
        }
        Ok(Some(journal))
    }

    /// Backing index of each index an earlier run may have sent to; empty where no answer, or no checkpoint, names it.
    pub(super) fn known_backing(&self, config: &Config) -> HashMap<String, String> {
        if self.fresh {
            return HashMap::new();
        }
        let mut known: HashMap<String, String> =
            config.inputs.iter().map(|input| (stream_name(input), String::new())).collect();
        for stream in &self.checkpoint.streams {
            known.insert(stream.index.clone(), stream.backing_index.clone().unwrap_or_default());
        }
        known
    }
}
