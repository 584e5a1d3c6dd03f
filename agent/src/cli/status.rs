//! `status`: accounts, held indices and files of a running agent.

use super::{Exit, printed, table};
use crate::config::{Environment, Secret, shown, status_token};
use crate::monitoring::{ListenerStatus, StatusReport};
use crate::telemetry::{chain, escaped};
use indicatif::{HumanBytes, HumanDuration};
use std::io::{self, Write};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Largest answer read.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    #[error("cannot start the network runtime")]
    Start(#[source] io::Error),
    #[error("no agent answers at {url}; start it, or name its status page with --url")]
    Unreachable { url: String, source: reqwest::Error },
    #[error("{url} answers with status {status}; {remedy}")]
    Refused { url: String, status: u16, remedy: &'static str },
    #[error("the answer of {url} is no status report; name the status page of an agent with --url")]
    NotAReport { url: String },
}

pub(super) fn status(url: &str) -> Exit {
    let token = match status_token(&Environment::of_process()) {
        Ok(token) => token,
        Err(error) => return super::refuse(&error),
    };
    let Some(page) = page(url) else {
        eprintln!("--url {} is no status page; write it like http://127.0.0.1:5066", shown(url));
        return Exit::Usage;
    };
    match ask(&page, token.as_ref()) {
        Ok(report) => {
            let exit = if report.ready { Exit::Done } else { Exit::Unavailable };
            printed(write_report(&mut io::stdout().lock(), &report), exit)
        }
        Err(error) => {
            eprintln!("{}", escaped(&chain(&error)));
            Exit::Unavailable
        }
    }
}

fn page(url: &str) -> Option<reqwest::Url> {
    let page = reqwest::Url::parse(&format!("{}/status", url.trim_end_matches('/'))).ok()?;
    (matches!(page.scheme(), "http" | "https") && page.username().is_empty() && page.password().is_none())
        .then_some(page)
}

/// What the agent with its status page at `url`, one that asks for no token, reports. Blocks.
pub fn status_of(url: &str) -> Result<StatusReport, StatusError> {
    let page = page(url).ok_or_else(|| StatusError::NotAReport { url: url.to_owned() })?;
    ask(&page, None)
}

fn ask(page: &reqwest::Url, token: Option<&Secret>) -> Result<StatusReport, StatusError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StatusError::Start)?;
    let url = page.to_string();
    let body = runtime.block_on(async {
        let unreachable = |source: reqwest::Error| StatusError::Unreachable {
            url: url.clone(),
            source: source.without_url(),
        };
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(unreachable)?;
        let mut request = client.get(page.clone());
        if let Some(token) = token {
            request = request.bearer_auth(token.reveal());
        }
        let mut answer = request.send().await.map_err(unreachable)?;
        match answer.status().as_u16() {
            200 => {}
            401 => return Err(refused(&url, 401, "set BLUEOX_TOKEN to the agent's monitoring.token")),
            status => return Err(refused(&url, status, "name the status page of an agent with --url")),
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(StatusError::NotAReport { url: url.clone() });
            }
        }
        Ok(body)
    })?;
    serde_json::from_slice(&body).map_err(|_| StatusError::NotAReport { url: url.clone() })
}

fn refused(url: &str, status: u16, remedy: &'static str) -> StatusError {
    StatusError::Refused { url: url.to_owned(), status, remedy }
}

fn write_report(out: &mut impl Write, report: &StatusReport) -> io::Result<()> {
    let ready = if report.ready { "ready" } else { "NOT READY" };
    let uptime = HumanDuration(Duration::from_millis(report.uptime_ms));
    writeln!(out, "blueox {}, {ready}, up {uptime}", escaped(&report.version))?;
    let (accounts, bytes) = (&report.accounts, &report.bytes);
    writeln!(
        out,
        "events   {} read = {} delivered + {} duplicate + {} dead-lettered + {} filtered + {} lost + {} pending",
        accounts.read,
        accounts.delivered,
        accounts.duplicate,
        accounts.dead_lettered,
        accounts.filtered,
        accounts.lost,
        accounts.pending
    )?;
    writeln!(
        out,
        "bytes    {} read, {} sent, {} lost, {} of dead letters",
        HumanBytes(bytes.read),
        HumanBytes(bytes.sent),
        HumanBytes(bytes.lost),
        HumanBytes(bytes.dead_letters)
    )?;
    let output = &report.output;
    writeln!(
        out,
        "output   {}, {} in flight, {} retries",
        escaped(&output.host),
        output.in_flight,
        output.retries
    )?;
    writeln!(out, "memory   {} of {}", HumanBytes(report.memory.used), HumanBytes(report.memory.limit))?;
    if report.id_collisions > 0 {
        writeln!(out, "ids      {} collisions", report.id_collisions)?;
    }
    if let Some(error) = &output.last_error {
        writeln!(out, "error    {}", escaped(error))?;
    }
    for of in &report.processors {
        writeln!(out, "filtered {} by {}, number {}", of.filtered, escaped(&of.processor), of.number)?;
    }
    for queue in &report.queues {
        let (name, state) = (escaped(&queue.name), escaped(&queue.state));
        writeln!(
            out,
            "queue    {name}: {state}, {} of {}",
            HumanBytes(queue.bytes),
            HumanBytes(queue.limit)
        )?;
    }
    for listener in &report.listeners {
        write_listener(out, listener)?;
    }
    for held in &report.held {
        writeln!(out, "HELD     {}: {}", escaped(&held.index), escaped(&held.reason))?;
    }
    write_files(out, report)
}

fn write_listener(out: &mut impl Write, listener: &ListenerStatus) -> io::Result<()> {
    let (protocol, address) = (escaped(&listener.protocol), escaped(&listener.address));
    write!(
        out,
        "listener {protocol} {address}: {} open, {} messages",
        listener.connections_open, listener.messages
    )?;
    // What is nothing needs no attention.
    for (count, what) in [
        (listener.messages_cut, "cut"),
        (listener.messages_dropped, "dropped"),
        (listener.datagrams_dropped, "dropped by the system"),
        (listener.connections_refused, "connections refused"),
        (listener.requests_refused, "requests refused"),
    ] {
        if count > 0 {
            write!(out, ", {count} {what}")?;
        }
    }
    writeln!(out)
}

fn write_files(out: &mut impl Write, report: &StatusReport) -> io::Result<()> {
    if report.files.is_empty() {
        return writeln!(out, "no files");
    }
    let heading = ["FILE", "STATE", "SIZE", "READ", "SETTLED", "LAG"].map(str::to_owned).to_vec();
    let rows = report.files.iter().map(|file| {
        let offsets = [file.size, file.read, file.settled].map(|bytes| bytes.to_string());
        let [size, read, settled] = offsets;
        let lag = format!("{:.1}s", file.lag_ms as f64 / 1000.0);
        vec![file.path.clone(), file.state.clone(), size, read, settled, lag]
    });
    writeln!(out)?;
    table::write(out, &std::iter::once(heading).chain(rows).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::{FileStatus, Held, ProcessorStatus};

    #[test]
    fn report_shows_accounts_held_indices_and_files() {
        let report = StatusReport {
            processors: vec![ProcessorStatus { number: 2, processor: "drop".into(), filtered: 7 }],
            held: vec![Held { index: "logs-app-default".into(), reason: "security_exception\x1b[2J".into() }],
            files: vec![FileStatus {
                path: "/var/log/a\nb.log".into(),
                lag_ms: 1500,
                ..FileStatus::default()
            }],
            ..StatusReport::default()
        };
        let mut out = Vec::new();
        write_report(&mut out, &report).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("NOT READY") && text.contains("0 read = 0 delivered"), "{text}");
        assert!(text.contains("\nfiltered 7 by drop, number 2\n"), "{text}");
        assert!(text.contains(r"HELD     logs-app-default: security_exception\u{1b}[2J"), "{text}");
        assert!(text.contains(r"/var/log/a\nb.log") && text.contains("1.5s"), "{text}");
    }

    #[test]
    fn pages_are_http_urls_without_log_in() {
        assert_eq!(page("http://127.0.0.1:5066/").unwrap().as_str(), "http://127.0.0.1:5066/status");
        for url in ["", "127.0.0.1:5066", "ftp://x", "http://u:p@x"] {
            assert!(page(url).is_none(), "{url}");
        }
    }
}
