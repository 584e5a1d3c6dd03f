//! What `cargo demo` runs: a service that logs, the agent beside it as a process of its own, and what comes out.
//!
//! The program is all of them: started again with `agent` as its first argument it is `blueox`, with `service` it is
//! `demo-service`.

use anyhow::{Context, Result, ensure};
use blueox::cli::{self, Arguments};
use clap::Parser;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// Lines of the second part.
const MANY: u32 = 300_000;

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    let role = arguments.get(1).and_then(|first| first.to_str()).map(str::to_owned);
    match role.as_deref() {
        Some("agent") => {
            arguments.remove(1);
            agent(Arguments::parse_from(arguments))
        }
        Some("service") => {
            arguments.remove(1);
            demo_service::run(demo_service::Arguments::parse_from(arguments))
        }
        _ => demo().map_or_else(
            |error| {
                eprintln!("demo: {error:#}");
                ExitCode::FAILURE
            },
            |()| ExitCode::SUCCESS,
        ),
    }
}

fn agent(arguments: Arguments) -> ExitCode {
    if let Err(error) = blueox::telemetry::init(tracing::level_filters::LevelFilter::WARN) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    cli::execute(arguments).into()
}

fn demo() -> Result<()> {
    let directory = tempfile::tempdir().context("no temporary directory")?;
    let few = directory.path().join("shop.log");
    fs::write(&few, (0..3).map(line).collect::<String>()).context("the log cannot be written")?;
    println!("A service writes three lines of tracing-bunyan, the last one when a request ends:\n");
    print!("{}", fs::read_to_string(&few)?);
    println!("\nThe agent, beside it, makes ECS of each, with no configuration. The last one:\n");
    println!("{}", documents(&few)?.last().context("the agent printed nothing")?);
    many(directory.path())
}

/// The documents the agent prints for a file, indented.
fn documents(log: &Path) -> Result<Vec<String>> {
    let output = agent_once(log, "stdout:")?.stdout(Stdio::piped()).stderr(Stdio::null()).output()?;
    ensure!(output.status.success(), "the agent ended with {}", output.status);
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| indented(line).context("the agent printed no JSON")).collect()
}

fn indented(line: &[u8]) -> Result<String, serde_json::Error> {
    let document: serde_json::Value = serde_json::from_slice(line)?;
    serde_json::to_string_pretty(&document)
}

/// The same for many lines, with the agent's own progress and balance.
fn many(directory: &Path) -> Result<()> {
    let (log, out) = (directory.join("many.log"), directory.join("many.ndjson"));
    let mut file = BufWriter::new(File::create(&log)?);
    for number in 0..MANY {
        file.write_all(line(number).as_bytes())?;
    }
    file.into_inner()?.sync_all()?;
    println!("\nNow {MANY} lines, read to the end; the balance has to come out even:\n");
    let status = agent_once(&log, &format!("file:{}", out.display()))?.status()?;
    ensure!(status.success(), "the agent ended with {status}");
    let stored = fs::read(&out)?.iter().filter(|byte| **byte == b'\n').count();
    println!("\nwritten {MANY} = stored {stored}");
    ensure!(stored == MANY as usize, "the balance does not come out even");
    println!("\nFor a cluster: blueox run '/var/log/shop/*.log' --to http://localhost:9200");
    Ok(())
}

fn agent_once(log: &Path, to: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["agent", "once"]).arg(log).args(["--to", to]);
    Ok(command)
}

/// One line in the form of tracing-bunyan-formatter: a request's start, something it says, its end.
fn line(number: u32) -> String {
    let request = number / 3;
    let at = 1_000 + number * 7;
    let (second, milli) = (at / 1_000 % 60, at % 1_000);
    let (part, level, more) = match number % 3 {
        0 => ("START]", 30, String::new()),
        1 => ("EVENT] waiting for the store", 40, ",\"attempt\":2".to_owned()),
        _ => ("END]", 30, format!(",\"http.status_code\":200,\"elapsed_milliseconds\":{}", 3 + request % 90)),
    };
    let mut line = String::with_capacity(400);
    writeln!(
        line,
        "{{\"v\":0,\"name\":\"shop\",\"msg\":\"[HTTP REQUEST - {part}\",\"level\":{level},\"hostname\":\"web-1\",\"pid\":4711,\
         \"time\":\"2026-08-21T10:15:{second:02}.{milli:03}Z\",\"target\":\"shop::http\",\"line\":41,\
         \"file\":\"src/http.rs\",\"http.method\":\"GET\",\"http.route\":\"/cart/{{id}}\",\"request_id\":\"r-{request}\"{more}}}"
    )
    .expect("text takes everything");
    line
}
