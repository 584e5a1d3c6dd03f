//! What a run has shown.

use crate::fault::Traffic;
use crate::judge::Verdict;
use std::fmt;
use std::time::Duration;

/// Least share of kills, in percent, that must have hit a request under way.
const HITS_MIN: u32 = 60;

/// Outcome of a run.
#[derive(Debug)]
pub struct Report {
    /// Seed of the run.
    pub seed: u64,
    /// What the judge says.
    pub verdict: Verdict,
    /// What the server has seen.
    pub traffic: Traffic,
    /// The kills, in a run that has them.
    pub kills: Option<KillFigures>,
    /// Time from a fresh line to its document after everything; `None` where it did not come to that.
    pub fresh_line: Option<Duration>,
}

/// Whether the kills were good ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KillFigures {
    /// How many.
    pub kills: u32,
    /// How many of them while a request was under way, by the server's record.
    pub in_flight: u32,
    /// Rollovers right after a kill.
    pub rollovers: u32,
    /// Whether the run is about rollovers.
    pub roll_over: bool,
}

impl KillFigures {
    pub(super) fn count(&mut self, requests_in_flight: usize) {
        self.kills += 1;
        self.in_flight += u32::from(requests_in_flight > 0);
    }

    fn hit(&self) -> bool {
        self.kills > 0 && self.in_flight * 100 >= self.kills * HITS_MIN
    }
}

impl Report {
    /// Nothing lost, doubled, altered or invented, a fresh line arrived, and the run was hard enough to mean something.
    pub fn passed(&self) -> bool {
        self.verdict.clean() && self.fresh_line.is_some() && self.weakness().is_none()
    }

    /// Why a clean verdict would mean nothing.
    fn weakness(&self) -> Option<String> {
        let kills = self.kills?;
        if !kills.hit() {
            return Some(format!("fewer than {HITS_MIN} % of the kills hit a request under way"));
        }
        if !self.traffic.items().contains_key(&409) {
            return Some(
                "no repeat was refused with 409: no kill came between storing and checkpoint".to_owned(),
            );
        }
        (kills.roll_over && kills.rollovers == 0).then(|| "there was no rollover after a kill".to_owned())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        if let Some(kills) = self.kills {
            let share = kills.in_flight * 100 / kills.kills.max(1);
            write!(
                f,
                "{} kills, {} ({share} %) while a request was under way",
                kills.kills, kills.in_flight
            )?;
            if kills.roll_over {
                write!(f, ", {} followed by a rollover", kills.rollovers)?;
            }
            writeln!(f)?;
        }
        write!(f, "{} bulk requests; items by status:", self.traffic.0.len())?;
        for (status, count) in self.traffic.items() {
            write!(f, " {status} × {count}")?;
        }
        write!(f, "\nfaults:")?;
        for (fault, count) in self.traffic.faults() {
            write!(f, " {} × {count};", fault.name())?;
        }
        match self.fresh_line {
            Some(time) => writeln!(f, "\na fresh line after the last restart was stored within {time:.1?}")?,
            None => writeln!(f, "\nno fresh line was stored at the end")?,
        }
        write!(f, "{}", self.verdict)?;
        if let Some(weakness) = self.weakness() {
            write!(f, "\nthis run proves nothing: {weakness}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, Visit};
    use crate::judge::Judge;
    use std::collections::BTreeMap;
    use std::time::Instant;

    fn report(kills: u32, in_flight: u32, repeats: u64) -> Report {
        let visit = Visit {
            started: Instant::now(),
            ended: None,
            fault: Fault::None,
            items: if repeats > 0 { BTreeMap::from([(409, repeats)]) } else { BTreeMap::new() },
            body_bytes: 0,
        };
        Report {
            seed: 1,
            verdict: Judge::new(&[]).expect("ledger").verdict(),
            traffic: Traffic(vec![visit]),
            kills: Some(KillFigures { kills, in_flight, ..KillFigures::default() }),
            fresh_line: Some(Duration::from_millis(1)),
        }
    }

    #[test]
    fn a_clean_verdict_counts_only_when_the_kills_hit_and_repeats_were_refused() {
        assert!(report(100, 60, 1).passed());
        assert!(!report(100, 59, 1).passed());
        assert!(!report(100, 100, 0).passed());
        assert!(!report(0, 0, 1).passed());
    }

    #[test]
    fn an_agent_that_does_not_come_back_fails_the_run() {
        assert!(!Report { fresh_line: None, ..report(100, 90, 1) }.passed());
    }
}
