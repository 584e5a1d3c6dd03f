//! The demo as it is watched: a table that stays in its place on a terminal, a line every few seconds elsewhere.

use super::agents::Fleet;
use super::cluster::Holding;
use super::memory::Usage;
use super::tally::Pair;
use demo_service::load::view::drawn;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Between two lines where there is no terminal.
const LINE: Duration = Duration::from_secs(5);

/// What is to be seen at a moment.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    /// What the demo does, and until when.
    pub(crate) heading: String,
    /// Lines by service.
    pub(crate) services: BTreeMap<&'a str, Pair>,
    /// What the store has.
    pub(crate) holding: &'a Holding,
    /// What the agents report.
    pub(crate) fleet: &'a Fleet,
    /// How often an agent was killed.
    pub(crate) kills: u32,
    /// What to look for in the scene.
    pub(crate) watch: &'a str,
    /// What happened last in it.
    pub(crate) story: &'a str,
}

/// How it is shown, on standard output.
#[derive(Debug)]
pub(crate) struct Picture {
    terminal: bool,
    /// Lines of the table that stands.
    height: usize,
    shown: Option<Instant>,
    /// When and how many lines each service had stored.
    before: Option<(Instant, BTreeMap<String, u64>)>,
}

impl Picture {
    pub(crate) fn new() -> Self {
        Self { terminal: io::stdout().is_terminal(), height: 0, shown: None, before: None }
    }

    /// Says a line that stays. A terminal that is gone does not end the demo.
    pub(crate) fn say(&mut self, line: &str) {
        self.height = 0;
        let _gone = writeln!(io::stdout(), "{line}");
    }

    /// Says something that a table shows anyway.
    pub(crate) fn tell(&mut self, line: &str) {
        if !self.terminal {
            self.say(line);
        }
    }

    /// Shows a moment; where there is no terminal only if the last line is some time ago.
    pub(crate) fn show(&mut self, moment: &Moment<'_>) {
        if !self.terminal && self.shown.is_some_and(|shown| shown.elapsed() < LINE) {
            return;
        }
        self.shown = Some(Instant::now());
        let rates = self.rates(&moment.services);
        if self.terminal {
            let table = moment.table(&rates);
            let text = drawn(&table, std::mem::replace(&mut self.height, table.len()));
            let _gone = io::stdout().write_all(text.as_bytes());
        } else {
            self.say(&moment.line(rates.values().fold(0.0, |sum, rate| sum + rate)));
        }
    }

    /// Lines stored a second since this was last asked, by service.
    fn rates(&mut self, services: &BTreeMap<&str, Pair>) -> BTreeMap<String, f64> {
        let now = Instant::now();
        let stored = services.iter().map(|(name, pair)| ((*name).to_owned(), pair.stored)).collect();
        let Some((at, before)) = self.before.replace((now, stored)) else { return BTreeMap::new() };
        let seconds = (now - at).as_secs_f64().max(0.001);
        let gained =
            |name: &str, pair: &Pair| pair.stored.saturating_sub(before.get(name).copied().unwrap_or(0));
        services
            .iter()
            .map(|(name, pair)| ((*name).to_owned(), gained(name, pair) as f64 / seconds))
            .collect()
    }
}

impl Moment<'_> {
    fn line(&self, rate: f64) -> String {
        let all = sum(&self.services);
        let p95 = self
            .holding
            .p95_ms
            .iter()
            .map(|(name, ms)| format!("  p95 {name} {ms:.1} ms"))
            .collect::<String>();
        let kills = self.kills_said();
        format!(
            "{}  {rate:.0} events/s  lag {} ms{p95}  written {} stored {}{kills}{}",
            self.heading,
            self.fleet.lag_ms,
            all.written,
            all.stored,
            self.complaint()
        )
    }

    fn table(&self, rates: &BTreeMap<String, f64>) -> Vec<String> {
        let row = |name: &str, pair: &Pair, rate: f64, p95: Option<&f64>| {
            let p95 = p95.map(|ms| format!("{ms:.1}")).unwrap_or_default();
            format!("{name:<12}{:>12}{:>12}{rate:>12.0}{p95:>12}", pair.written, pair.stored)
        };
        let mut table = vec![self.heading.clone(), String::new()];
        table.push(format!("{:<12}{:>12}{:>12}{:>12}{:>12}", "", "written", "stored", "events/s", "p95 ms"));
        table.extend(self.services.iter().map(|(name, pair)| {
            row(name, pair, rates.get(*name).copied().unwrap_or(0.0), self.holding.p95_ms.get(*name))
        }));
        table.push(row("all", &sum(&self.services), rates.values().fold(0.0, |sum, rate| sum + rate), None));
        let (answering, lag) = (self.fleet.answering, self.fleet.lag_ms);
        table.extend([
            String::new(),
            format!("agents      {answering} answer, lag {lag} ms{}{}", self.kills_said(), self.complaint()),
            format!("accounts    {}", accounts(self.fleet)),
            format!("watch       {}", self.watch),
            format!("last        {}", self.story.trim()),
        ]);
        table
    }

    fn kills_said(&self) -> String {
        if self.kills > 0 { format!("  {} agents killed", self.kills) } else { String::new() }
    }

    fn complaint(&self) -> String {
        self.fleet.complaint.as_ref().map(|complaint| format!("  {complaint}")).unwrap_or_default()
    }
}

/// The agents' balance since their last starts.
fn accounts(fleet: &Fleet) -> String {
    let now = &fleet.accounts;
    format!(
        "read {} = delivered {} + duplicate {} + dead-lettered {} + filtered {} + lost {} + pending {}",
        now.read, now.delivered, now.duplicate, now.dead_lettered, now.filtered, now.lost, now.pending
    )
}

fn sum(services: &BTreeMap<&str, Pair>) -> Pair {
    services.values().fold(Pair { equal: true, ..Pair::default() }, |sum, pair| Pair {
        written: sum.written + pair.written,
        stored: sum.stored + pair.stored,
        equal: sum.equal && pair.equal,
    })
}

/// The balance, a line for each service and one for all; the last is whether it comes out even.
pub(crate) fn balance(services: &BTreeMap<&str, Pair>) -> (Vec<String>, bool) {
    let row = |name: &str, pair: &Pair| {
        let sign = if pair.equal { "=" } else { "≠" };
        let found = match (pair.equal, pair.written.cmp(&pair.stored)) {
            (true, _) => String::new(),
            (false, std::cmp::Ordering::Greater) => format!("   {} missing", pair.written - pair.stored),
            (false, std::cmp::Ordering::Less) => format!("   {} too many", pair.stored - pair.written),
            (false, std::cmp::Ordering::Equal) => "   as many, but not the same lines".to_owned(),
        };
        format!("{name:<12}written {:>9} {sign} stored {:>9}{found}", pair.written, pair.stored)
    };
    let all = sum(services);
    let mut rows: Vec<String> = services.iter().map(|(name, pair)| row(name, pair)).collect();
    rows.push(row("all", &all));
    (rows, all.equal && all.written > 0)
}

/// Memory of each process and of all together.
pub(crate) fn memory(usages: &[Usage]) -> Vec<String> {
    let mebibytes = |kib: u64| kib as f64 / 1024.0;
    let total = |of: fn(&Usage) -> u64| mebibytes(usages.iter().map(of).sum());
    if usages.is_empty() {
        return vec!["memory is not known on this system".to_owned()];
    }
    let rows = usages.iter().map(|usage| format!("{:<24}{:>8.1} MiB", usage.name, mebibytes(usage.rss)));
    let (rss, pss) = (total(|usage| usage.rss), total(|usage| usage.pss));
    let all =
        format!("{:<24}{rss:>8.1} MiB resident, {pss:.1} MiB with shared pages counted once", "all together");
    rows.chain([all]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(written: u64, stored: u64, equal: bool) -> Pair {
        Pair { written, stored, equal }
    }

    #[test]
    fn a_balance_is_even_only_where_every_service_has_all_its_lines() {
        for (pairs, even, said) in [
            (
                vec![("shop", pair(3, 3, true)), ("stock", pair(2, 2, true))],
                true,
                "all         written         5 = stored         5",
            ),
            (vec![("shop", pair(3, 2, false))], false, "1 missing"),
            (vec![("shop", pair(3, 4, false))], false, "1 too many"),
            (vec![("shop", pair(3, 3, false))], false, "not the same lines"),
            // One service has too many, another too few.
            (
                vec![("shop", pair(3, 4, false)), ("stock", pair(3, 2, false))],
                false,
                "all         written         6 ≠ stored         6",
            ),
            (vec![], false, "written         0"),
        ] {
            let (rows, result) = balance(&pairs.into_iter().collect());
            assert_eq!(result, even, "{rows:?}");
            assert!(rows.join("\n").contains(said), "{rows:?}");
        }
    }

    #[test]
    fn all_memory_is_the_sum() {
        let usage = |name: &str, rss, pss| Usage { name: name.to_owned(), rss, pss };
        let rows = memory(&[usage("a", 2048, 1024), usage("b", 1024, 512)]);
        assert_eq!(
            rows[2],
            "all together                 3.0 MiB resident, 1.5 MiB with shared pages counted once"
        );
    }
}
