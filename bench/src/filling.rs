//! One run of the agent over a load: what it used of the machine, and what its sink took.

use crate::line::{Format, Origin};
use crate::process::{self, Process};
use crate::sink::Totals;
use crate::writer::{Clock, LogWriter, Rotation};
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long one filling may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// What all fillings of a comparison have in common.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Course {
    /// The agent's program.
    #[serde(skip)]
    pub blueox: PathBuf,
    /// Events of one filling.
    pub lines: u64,
    /// Shape of the lines.
    pub format: Format,
    /// Seed of the lines.
    pub seed: u64,
    /// Fillings of each kind; the median counts.
    pub rounds: usize,
}

impl Course {
    /// Writes the lines into `file`.
    pub fn write(&self, file: &Path) -> Result<()> {
        ensure!(self.rounds > 0, "without a round there is nothing to compare; ask for at least one");
        let origin = Origin { seed: self.seed, writer: 1, format: self.format };
        LogWriter::open(file, origin, Clock::SAMPLE, Rotation::None)?.write(self.lines)?;
        Ok(())
    }
}

/// Figures of one filling.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Filling {
    /// Seconds from the start of the program until all was taken.
    pub wall_seconds: f64,
    /// Its user and system seconds.
    pub cpu_seconds: f64,
    /// Its highest resident memory in bytes, as seen every few milliseconds.
    pub peak_resident: u64,
    /// What the sink took.
    pub load: Totals,
}

impl Filling {
    /// The one with the middle figures, each for itself. There is at least one.
    pub fn median(fillings: &[Self]) -> Self {
        let middle = |figure: fn(&Self) -> f64| {
            let mut figures: Vec<f64> = fillings.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        Self {
            wall_seconds: middle(|filling| filling.wall_seconds),
            cpu_seconds: middle(|filling| filling.cpu_seconds),
            peak_resident: middle(|filling| filling.peak_resident as f64) as u64,
            load: fillings[0].load,
        }
    }

    /// Peak memory in MiB.
    pub fn peak_mebibytes(&self) -> f64 {
        self.peak_resident as f64 / f64::from(1 << 20)
    }
}

/// What one run of the agent is set up with.
#[derive(Debug)]
pub struct Home {
    program: PathBuf,
    directory: PathBuf,
    status: String,
}

impl Home {
    /// Makes `directory`, with a configuration of one input and one output, each a YAML mapping in one line.
    pub fn create(program: &Path, directory: &Path, input: &str, output: &str) -> Result<Self> {
        fs::create_dir(directory).with_context(|| format!("create `{}`", directory.display()))?;
        let status = process::free_address()?.to_string();
        let text = format!(
            "host: {{id: bench}}\ninputs:\n  - {{{input}}}\noutput:\n  {output}\nstate: {{path: \"{}/state\"}}\n\
             monitoring: {{listen: \"{status}\", events: false}}\n",
            directory.display()
        );
        let config = directory.join("blueox.yml");
        fs::write(&config, text).with_context(|| format!("write `{}`", config.display()))?;
        Ok(Self { program: program.to_owned(), directory: directory.to_owned(), status })
    }

    /// Where the agent tells its status, without trailing slash.
    pub fn status_url(&self) -> String {
        format!("http://{}", self.status)
    }

    /// Starts the agent with these arguments and its configuration.
    pub fn start(&self, arguments: &[&OsStr], input: Stdio) -> Result<Run> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("-c").arg(self.directory.join("blueox.yml"));
        let started = Instant::now();
        let process = Process::start_reading("blueox", command, input, &self.directory.join("log"))?;
        Ok(Run { process, started })
    }
}

/// The agent, started.
#[derive(Debug)]
pub struct Run {
    process: Process,
    started: Instant,
}

impl Run {
    /// Waits until it has ended by itself, with all of `lines` taken.
    pub fn to_its_end(mut self, lines: u64, taken: impl Fn() -> Totals) -> Result<Filling> {
        let peak_resident = self.watch()?;
        let wall_seconds = self.started.elapsed().as_secs_f64();
        // What has ended but was not waited for still tells its time.
        let cpu_seconds = self.process.cpu()?.as_secs_f64();
        let status = self.process.finish(PATIENCE)?;
        let load = taken();
        if !status.success() || load.events != lines {
            bail!(
                "blueox ended with {status}, {} of {lines} lines came; its log ends:\n{}",
                load.events,
                self.process.log_tail()
            );
        }
        Ok(Filling { wall_seconds, cpu_seconds, peak_resident, load })
    }

    /// Waits until `is_done`, then stops it.
    pub fn until(
        mut self,
        mut is_done: impl FnMut() -> Result<bool>,
        taken: impl Fn() -> Totals,
    ) -> Result<Filling> {
        while !is_done()? {
            self.process.alive()?;
            if self.started.elapsed() > PATIENCE {
                bail!(
                    "{} lines came within {PATIENCE:?}, others did not; the log of blueox ends:\n{}",
                    taken().events,
                    self.process.log_tail()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let wall_seconds = self.started.elapsed().as_secs_f64();
        let cpu_seconds = self.process.cpu()?.as_secs_f64();
        let peak_resident = self.process.peak_resident()?;
        let status = self.process.stop(PATIENCE)?;
        ensure!(status.success(), "blueox ended with {status}; its log ends:\n{}", self.process.log_tail());
        Ok(Filling { wall_seconds, cpu_seconds, peak_resident, load: taken() })
    }

    /// Waits until the program has ended, and returns the highest memory seen.
    fn watch(&self) -> Result<u64> {
        let mut peak = 0;
        while self.started.elapsed() < PATIENCE {
            // The kernel takes the memory first.
            match self.process.peak_resident()? {
                0 => return Ok(peak),
                now => peak = now,
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        bail!("blueox did not end within {PATIENCE:?}; its log ends:\n{}", self.process.log_tail())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_has_a_round() {
        let course = Course { blueox: "a".into(), lines: 1, format: Format::Text, seed: 1, rounds: 0 };
        let error = course.write(Path::new("nowhere")).expect_err("no round");
        assert!(error.to_string().contains("at least one"), "{error}");
    }

    const LOAD: Totals = Totals { events: 1, requests: 1, wire_bytes: 2_000_000, body_bytes: 1 };

    #[test]
    fn the_median_of_each_figure_counts() {
        let filling = |seconds: f64| Filling {
            wall_seconds: seconds,
            cpu_seconds: 2.0 * seconds,
            peak_resident: 1 << 20,
            load: LOAD,
        };
        let median = Filling::median(&[filling(9.0), filling(1.0), filling(2.0)]);
        assert_eq!((median.wall_seconds, median.cpu_seconds, median.peak_mebibytes()), (2.0, 4.0, 1.0));
    }

    fn run(script: &str, directory: &Path) -> Run {
        let home = Home::create(Path::new("sh"), &directory.join("home"), "type: stdin", "stdout: {}")
            .expect("home");
        home.start(&["-c".as_ref(), script.as_ref()], Stdio::null()).expect("started")
    }

    #[test]
    fn the_use_of_a_program_is_known_after_its_end() {
        let directory = tempfile::tempdir().expect("directory");
        let run = run("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done", directory.path());
        let filling = run.to_its_end(1, || LOAD).expect("filled");
        assert!(filling.peak_resident > 0 && filling.cpu_seconds > 0.0, "{filling:?}");
    }

    #[test]
    fn a_line_that_did_not_come_is_an_error() {
        let directory = tempfile::tempdir().expect("directory");
        let error =
            run("echo 'no such host' >&2", directory.path()).to_its_end(2, || LOAD).expect_err("one of two");
        let text = error.to_string();
        assert!(text.contains("1 of 2 lines") && text.contains("no such host"), "{text}");
    }
}
