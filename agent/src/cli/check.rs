//! `check`: is the configuration valid, and with `--output`: can its events be delivered.

use super::{Exit, load, printed};
use crate::config::{Config, Elasticsearch, Input, Output, Transport};
use crate::output::elasticsearch::Timing;
use crate::output::elasticsearch::check::{self, Engine, Report};
use crate::telemetry::{chain, escaped};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

pub(super) fn check(file: &Path, output: bool) -> Exit {
    let config = match load(file) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let valid = printed(say_valid(file, &config), Exit::Done);
    match &config.output {
        Output::Elasticsearch(elasticsearch) if output => connect(elasticsearch, &config.inputs),
        _ => valid,
    }
}

fn say_valid(file: &Path, config: &Config) -> io::Result<()> {
    let inputs = config.inputs.len();
    let output = match &config.output {
        Output::Elasticsearch(elasticsearch) => {
            format!("elasticsearch at {}", elasticsearch.hosts.join(", "))
        }
        Output::Logstash(logstash) => {
            let hosts: Vec<String> = logstash.hosts.iter().map(ToString::to_string).collect();
            let how = if logstash.tls.is_some() { " by TLS" } else { "" };
            format!("logstash at {}{how}", hosts.join(", "))
        }
        Output::Syslog(syslog) => {
            let transport = match syslog.transport {
                Transport::Tcp => "tcp",
                Transport::Tls(_) => "tls",
                Transport::Udp => "udp",
            };
            format!("syslog at {transport}://{}, which acknowledges nothing", syslog.address)
        }
        Output::Http(http) => format!("http at {}", http.url),
        Output::File(path) => format!("file {}", path.display()),
        Output::Stdout => "stdout".to_owned(),
    };
    let file = escaped(&file.to_string_lossy());
    let plural = if inputs == 1 { "input" } else { "inputs" };
    let streams: Vec<String> = config.inputs.iter().filter_map(|input| input.source.queue()).collect();
    let streams = match streams.is_empty() {
        true => String::new(),
        false => format!(" (with a queue on disk: {})", streams.join(", ")),
    };
    writeln!(io::stdout(), "{file}: valid; {inputs} {plural}{streams}, output {}", escaped(&output))
}

fn connect(output: &Elasticsearch, inputs: &[Input]) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start the network runtime: {error}");
            return Exit::Failed;
        }
    };
    // With an index of its own no data stream is written to.
    let streams = match output.index {
        Some(_) => Vec::new(),
        None => streams(inputs),
    };
    match runtime.block_on(check::check(output, Timing::default(), &streams)) {
        Ok(report) => {
            let exit = if report.is_deliverable() { Exit::Done } else { Exit::Unavailable };
            printed(write_report(&mut io::stdout().lock(), &report), exit)
        }
        Err(error) => {
            eprintln!("output.elasticsearch: {}", escaped(&chain(&error)));
            Exit::Invalid
        }
    }
}

fn streams(inputs: &[Input]) -> Vec<String> {
    let names = inputs.iter().map(|input| format!("logs-{}-{}", input.dataset, input.namespace));
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

fn write_report(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for (host, found) in &report.hosts {
        let words = match found {
            Ok(Engine::Elasticsearch(version)) => format!("reachable, Elasticsearch {version}"),
            Ok(Engine::OpenSearch(version)) => format!("reachable, OpenSearch {version}"),
            Ok(Engine::Hidden) => "reachable, the log-in may not see its version".to_owned(),
            Err(reason) => format!("cannot be used: {reason}"),
        };
        writeln!(out, "{}: {}", escaped(host), escaped(&words))?;
    }
    match &report.without_template {
        Ok(streams) => {
            for stream in streams {
                writeln!(
                    out,
                    "{}: has no index template of ours; its fields get guessed types",
                    escaped(stream)
                )?;
            }
            Ok(())
        }
        Err(reason) => writeln!(out, "index templates: not known: {}", escaped(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_names_each_host_and_each_stream_without_template() {
        let report = Report {
            hosts: vec![
                ("https://a".into(), Ok(Engine::Elasticsearch("9.1.0".into()))),
                ("https://b".into(), Err("cannot connect: refused\n".into())),
            ],
            without_template: Ok(vec!["logs-app.x-default".into()]),
        };
        let mut out = Vec::new();
        write_report(&mut out, &report).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "https://a: reachable, Elasticsearch 9.1.0\nhttps://b: cannot be used: cannot connect: refused\\n\n\
             logs-app.x-default: has no index template of ours; its fields get guessed types\n"
        );
    }
}
