//! What `setup` prints: one line an object, in colours on a terminal.

use crate::telemetry::escaped;
use elk_setup::SetupError;
use elk_setup::check::Report;
use elk_setup::cluster::Cluster;
use elk_setup::kibana::{Kibana, SavedObject};
use elk_setup::panels::{Asked, Outcome};
use elk_setup::plan::{Change, Plan, Step};
use elk_setup::remove::{Going, Removal};
use std::io::{self, IsTerminal, Write};

/// Most differences shown of one object.
const SHOWN_DIFFERENCES: usize = 20;

/// Standard output.
pub(super) struct Voice {
    out: Box<dyn Write>,
    colours: bool,
}

/// What a line is about.
#[derive(Debug, Clone, Copy)]
enum Mark {
    New,
    Changed,
    Same,
    Gone,
    Bad,
}

impl Mark {
    /// Sign and colour.
    const fn sign(self) -> (char, &'static str) {
        match self {
            Self::New => ('+', "\x1b[32m"),
            Self::Changed => ('~', "\x1b[33m"),
            Self::Same => ('=', "\x1b[2m"),
            Self::Gone => ('-', "\x1b[31m"),
            Self::Bad => ('!', "\x1b[31m"),
        }
    }
}

impl Voice {
    pub(super) fn new() -> Self {
        let colours =
            io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { out: Box::new(io::stdout()), colours }
    }

    fn line(&mut self, mark: Mark, text: &str) -> io::Result<()> {
        let ((sign, colour), text) = (mark.sign(), escaped(text));
        match self.colours {
            true => writeln!(self.out, "{colour}{sign} {text}\x1b[0m"),
            false => writeln!(self.out, "{sign} {text}"),
        }
    }

    /// What answers.
    pub(super) fn servers(&mut self, cluster: &Cluster, kibana: Option<&Kibana>) -> io::Result<()> {
        writeln!(self.out, "{}", escaped(&cluster.to_string()))?;
        kibana.map_or(Ok(()), |kibana| writeln!(self.out, "{}", escaped(&kibana.to_string())))
    }

    /// Every object with its differences.
    pub(super) fn plan(&mut self, plan: &Plan) -> io::Result<()> {
        self.servers(&plan.cluster, plan.kibana.as_ref())?;
        for step in &plan.steps {
            self.step(step)?;
        }
        self.notes(&plan.notes)?;
        let counts = counts(plan);
        writeln!(self.out, "to make {}, to change {}, as it should be {}", counts.0, counts.1, counts.2)
    }

    /// One object, and what is different.
    pub(super) fn step(&mut self, step: &Step) -> io::Result<()> {
        match &step.change {
            Change::Nothing => self.line(Mark::Same, &step.title),
            Change::Create => self.line(Mark::New, &step.title),
            Change::Update(differences) => {
                self.line(Mark::Changed, &step.title)?;
                for difference in differences.iter().take(SHOWN_DIFFERENCES) {
                    writeln!(self.out, "    {}", escaped(&difference.to_string()))?;
                }
                match differences.len().checked_sub(SHOWN_DIFFERENCES) {
                    None | Some(0) => Ok(()),
                    Some(more) => writeln!(self.out, "    and {more} more"),
                }
            }
        }
    }

    /// What is true now, and where the boards are.
    pub(super) fn made(&mut self, plan: &Plan, boards: &[SavedObject]) -> io::Result<()> {
        self.notes(&plan.notes)?;
        let counts = counts(plan);
        writeln!(self.out, "made {}, changed {}, as it should be {}", counts.0, counts.1, counts.2)?;
        let Some(kibana) = &plan.kibana else { return Ok(()) };
        for board in boards.iter().filter(|object| object.is_board()) {
            writeln!(self.out, "{}: {}", escaped(&board.title), kibana.board_url(board))?;
        }
        Ok(())
    }

    /// What a check found.
    pub(super) fn report(&mut self, report: &Report) -> io::Result<()> {
        self.servers(&report.cluster, report.kibana.as_ref())?;
        for good in &report.good {
            self.line(Mark::Same, good)?;
        }
        for bad in &report.bad {
            self.line(Mark::Bad, bad)?;
        }
        self.panels(&report.panels)?;
        self.notes(&report.notes)?;
        writeln!(self.out, "as it should be {}, not so {}", report.good.len(), report.bad.len())
    }

    /// One line a board, and one for each panel that has no answer.
    fn panels(&mut self, panels: &[Asked]) -> io::Result<()> {
        for board in panels.chunk_by(|one, other| one.board == other.board) {
            let count =
                |wanted: fn(&Outcome) -> bool| board.iter().filter(|asked| wanted(&asked.outcome)).count();
            let data = count(|outcome| *outcome == Outcome::Data);
            let empty = board.iter().filter(|asked| asked.outcome == Outcome::Empty);
            let empty: Vec<&str> = empty.map(|asked| asked.panel.as_str()).collect();
            let mut line = format!("panels of {}: {data} with data", board[0].board);
            if !empty.is_empty() {
                line.push_str(&format!(", {} without ({})", empty.len(), empty.join(", ")));
            }
            self.line(Mark::Same, &line)?;
            for asked in board {
                if let Outcome::Failed(reason) = &asked.outcome {
                    self.line(Mark::Bad, &format!("panel {} of {}: {reason}", asked.panel, asked.board))?;
                }
            }
        }
        Ok(())
    }

    /// What goes and what stays, before anything does.
    pub(super) fn removal(&mut self, removal: &Removal) -> io::Result<()> {
        self.servers(&removal.cluster, removal.kibana.as_ref())?;
        for going in &removal.going {
            if let Going::Stream(stream, count) = going {
                writeln!(self.out, "deleting {count} documents of data stream {}", escaped(&stream.name))?;
            }
        }
        for staying in &removal.staying {
            self.line(Mark::Same, staying)?;
        }
        if !removal.staying.is_empty() {
            writeln!(self.out, "note: --with-data removes these too, with all events")?;
        }
        if removal.going.is_empty() {
            writeln!(self.out, "nothing to remove")?;
        }
        Ok(())
    }

    /// One thing is gone.
    pub(super) fn gone(&mut self, going: &Going) -> io::Result<()> {
        self.line(Mark::Gone, &going.title())
    }

    /// A set-up or removal that ended before its end; on standard error.
    pub(super) fn partial(&self, error: &SetupError, done: &[String], open: &[String]) {
        eprintln!("{}", escaped(&error.to_string()));
        let list = |titles: &[String]| match titles {
            [] => "nothing".to_owned(),
            titles => titles.join(", "),
        };
        eprintln!("done before that: {}", escaped(&list(done)));
        eprintln!("not done: {}", escaped(&list(open)));
        eprintln!("mend what the first line says, then run the same command again: it goes on from here");
    }

    fn notes(&mut self, notes: &[String]) -> io::Result<()> {
        notes.iter().try_for_each(|note| writeln!(self.out, "note: {}", escaped(note)))
    }
}

/// Steps that make, change, and do nothing.
fn counts(plan: &Plan) -> (usize, usize, usize) {
    let count = |wanted: fn(&Change) -> bool| plan.steps.iter().filter(|step| wanted(&step.change)).count();
    (
        count(|change| *change == Change::Create),
        count(|change| matches!(change, Change::Update(_))),
        count(|change| *change == Change::Nothing),
    )
}
