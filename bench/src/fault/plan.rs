//! What is done to which bulk request. No clock and no chance but the seed's.

use crate::random::Dice;
use std::time::Duration;

/// One misbehaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// Behaves.
    None,
    /// The whole request is answered with this status; nothing is stored.
    Refuse(u16),
    /// About a quarter of the items get this status; the others are stored.
    RefuseItems(u16),
    /// The connection is reset with the body unread; nothing is stored.
    ResetBeforeReading,
    /// Stored, then the connection is reset without an answer.
    LoseAnswer,
    /// Stored, then the stream rolls over, then the connection is reset without an answer.
    LoseAnswerAndRollOver,
    /// Stored, then half of the answer and the end of the connection.
    CutAnswer,
    /// Stored, then nothing for this long (or until the client gives up), then the end of the connection.
    Hang(Duration),
    /// Stored, then an answer that lacks its last item.
    WrongCount,
}

impl Fault {
    /// Name for reports.
    pub fn name(self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Refuse(status) => format!("{status} for the request"),
            Self::RefuseItems(status) => format!("{status} for items"),
            Self::ResetBeforeReading => "reset before reading".to_owned(),
            Self::LoseAnswer => "answer lost".to_owned(),
            Self::LoseAnswerAndRollOver => "answer lost, rolled over".to_owned(),
            Self::CutAnswer => "answer cut".to_owned(),
            Self::Hang(_) => "hang".to_owned(),
            Self::WrongCount => "item missing in the answer".to_owned(),
        }
    }
}

/// What to do with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The misbehaviour.
    pub fault: Fault,
    /// Pause before storing.
    pub think_before: Duration,
    /// Pause between storing and answering: a client that dies now leaves an unknown fate.
    pub think_after: Duration,
    /// Draws for choices within the request.
    pub seed: u64,
}

/// The plan of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Every request is stored and answered at once.
    Calm,
    /// These faults for the first requests, in order; then calm.
    Script(Vec<Fault>),
    /// Drawn from a seed.
    Random {
        /// Seed of the draws.
        seed: u64,
        /// Faulty requests in a thousand.
        per_mille: u64,
        /// Longest pause in one request, split at random into before and after storing.
        think_max: Duration,
        /// How long a hang lasts.
        hang: Duration,
        /// Whether lost answers may come with a rollover.
        roll_over: bool,
    },
}

impl Plan {
    /// What happens to bulk request `number`, counted from 0 since the plan was set.
    pub fn step(&self, number: u64) -> Step {
        let calm = Step {
            fault: Fault::None,
            think_before: Duration::ZERO,
            think_after: Duration::ZERO,
            seed: number,
        };
        match self {
            Self::Calm => calm,
            Self::Script(faults) => {
                let fault = usize::try_from(number).ok().and_then(|at| faults.get(at).copied());
                Step { fault: fault.unwrap_or(Fault::None), ..calm }
            }
            Self::Random { seed, per_mille, think_max, hang, roll_over } => {
                let mut dice = Dice::new(crate::random::mix(*seed, number));
                let fault =
                    if dice.chance(*per_mille) { draw(&mut dice, *hang, *roll_over) } else { Fault::None };
                let think = dice.below(think_max.as_micros() as u64 + 1);
                let before = dice.below(think + 1);
                Step {
                    fault,
                    think_before: Duration::from_micros(before),
                    think_after: Duration::from_micros(think - before),
                    seed: dice.roll(),
                }
            }
        }
    }
}

fn draw(dice: &mut Dice, hang: Duration, roll_over: bool) -> Fault {
    match dice.below(24) {
        0..=2 => Fault::Refuse(429),
        3..=5 => Fault::RefuseItems(429),
        6..=7 => Fault::Refuse(503),
        8..=9 => Fault::RefuseItems(503),
        10..=11 => Fault::RefuseItems(500),
        12..=13 => Fault::ResetBeforeReading,
        14..=16 => Fault::LoseAnswer,
        17..=18 => Fault::CutAnswer,
        19..=20 => Fault::WrongCount,
        21 => Fault::Hang(hang),
        _ if roll_over => Fault::LoseAnswerAndRollOver,
        _ => Fault::LoseAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn random(seed: u64, roll_over: bool) -> Plan {
        let (think_max, hang) = (Duration::from_millis(100), Duration::from_secs(2));
        Plan::Random { seed, per_mille: 200, think_max, hang, roll_over }
    }

    #[test]
    fn one_seed_gives_one_plan() {
        let steps = |seed| (0..200).map(|number| random(seed, true).step(number)).collect::<Vec<_>>();
        assert_eq!(steps(3), steps(3));
        assert_ne!(steps(3), steps(4));
    }

    #[test]
    fn a_random_plan_knows_every_fault_and_keeps_its_share() {
        let drawn: Vec<Fault> = (0..20_000).map(|number| random(1, true).step(number).fault).collect();
        let kinds: BTreeSet<Fault> = drawn.iter().copied().collect();
        assert_eq!(kinds.len(), 12, "{kinds:?}");
        let faulty = drawn.iter().filter(|&&fault| fault != Fault::None).count();
        assert!((3_500..4_500).contains(&faulty), "{faulty} of 20000 at 200 per mille");
        assert!(
            (0..20_000).all(|number| random(1, false).step(number).fault != Fault::LoseAnswerAndRollOver)
        );
    }

    #[test]
    fn a_script_ends_in_calm() {
        let plan = Plan::Script(vec![Fault::LoseAnswer, Fault::Refuse(429)]);
        let faults: Vec<Fault> = (0..4).map(|number| plan.step(number).fault).collect();
        assert_eq!(faults, [Fault::LoseAnswer, Fault::Refuse(429), Fault::None, Fault::None]);
    }
}
