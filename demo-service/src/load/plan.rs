//! What the user asks for, checked.

use super::mix::Mix;
use super::shape::{Peaks, Profile, Shape};
use clap::{Args, ValueEnum, value_parser};
use hyper::Uri;
use hyper::http::uri::Scheme;
use serde::Serialize;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// When the next request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// When it is due, whatever became of the ones before; latency counts from there.
    Open,
    /// When a user has its answer and has thought about it; a slow service is asked less.
    Closed,
}

/// Arguments of `load`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Services to put under load, each as http://HOST:PORT; requests go round them
    #[arg(value_name = "URL", required = true, value_parser = target)]
    pub targets: Vec<Uri>,
    /// How the number of users goes over the run
    #[arg(long, value_enum, default_value_t = Profile::SteadyPeaks)]
    pub profile: Profile,
    /// Send when due (open), or let each user wait for its answer (closed)
    #[arg(long, value_enum, default_value_t = Model::Open)]
    pub model: Model,
    /// Users outside peaks, at the end of a ramp
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = value_parser!(u32).range(1..=20_000))]
    pub users: u32,
    /// Length of the run
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    pub duration: Duration,
    /// Users in a peak as a multiple of those around it
    #[arg(long, value_name = "FACTOR", default_value_t = 3.0, value_parser = height)]
    pub peak_height: f64,
    /// Length of a peak
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    pub peak_length: Duration,
    /// Time from one peak to the next
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = time)]
    pub peak_period: Duration,
    /// Time between two requests of a user; in the open model users / think time requests are due a second
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    pub think_time: Duration,
    /// Endpoints and their shares; a query may follow the name, as in slow?rows=5000=1
    #[arg(long, value_name = "NAME=SHARE,…", default_value = "simple=6,compute=3,slow=1")]
    pub mix: Mix,
    /// Give a request up after this time
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub timeout: Duration,
    /// Most requests in flight in the open model; what is due beyond is not sent and counts as an error
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = value_parser!(u32).range(1..=50_000))]
    pub in_flight: u32,
    /// Allow this host besides loopback, e.g. a service of the compose file; may be repeated
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<String>,
    /// Allow any host; only for machines that are yours
    #[arg(long)]
    pub allow_remote: bool,
    /// Log the generator's view as service `load`, one line a second
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Name of this instance in the log
    #[arg(long, value_name = "NAME", requires = "log")]
    pub instance: Option<String>,
    /// Log every request as well
    #[arg(long, requires = "log")]
    pub log_requests: bool,
    /// Print the report as JSON, and no progress
    #[arg(long)]
    pub json: bool,
}

/// Arguments that go together.
#[derive(Debug, Clone)]
pub struct Plan {
    /// As given.
    pub asked: Arguments,
    /// Users over time.
    pub shape: Shape,
}

/// Why arguments do not go together.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PlanError {
    #[error(
        "`{0}` is not this machine, and load nobody asked for is an attack; if it is yours, allow it \
         by `--allow-host {0}` (a service of the compose file) or `--allow-remote`"
    )]
    Remote(String),
    #[error("a peak of {0:?} does not fit into a period of {1:?}; `--peak-length` has to be the shorter one")]
    PeakTooLong(Duration, Duration),
}

impl Plan {
    /// Checks what the single arguments cannot know.
    pub fn new(asked: Arguments) -> Result<Self, PlanError> {
        let known = |host: &str| asked.allow_remote || asked.allow_host.iter().any(|known| known == host);
        let mut hosts = asked.targets.iter().filter_map(Uri::host);
        if let Some(stranger) = hosts.find(|host| !is_loopback(host) && !known(host)) {
            return Err(PlanError::Remote(stranger.to_owned()));
        }
        let (length, period) = (asked.peak_length, asked.peak_period);
        if length >= period {
            return Err(PlanError::PeakTooLong(length, period));
        }
        let peaks = Peaks { height: asked.peak_height, length, period };
        let users = f64::from(asked.users);
        let shape = Shape { profile: asked.profile, users, duration: asked.duration, peaks };
        Ok(Self { asked, shape })
    }
}

/// Reads `http://HOST:PORT`; the URI has a host and the path `/`.
fn target(text: &str) -> Result<Uri, String> {
    let uri = text.parse::<Uri>().ok().filter(|uri| uri.scheme() == Some(&Scheme::HTTP));
    let bare = uri.filter(|uri| uri.path() == "/" && uri.query().is_none());
    let plain = bare.filter(|uri| uri.authority().is_some_and(|authority| !authority.as_str().contains('@')));
    plain.ok_or_else(|| "write http://HOST:PORT, without a path".to_owned())
}

/// Whether a host, an address of IPv6 in brackets, can only be this machine.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Reads a time like `60s`, `1m 30s` or `250ms`, from a millisecond to a week.
pub fn time(text: &str) -> Result<Duration, String> {
    let time = text.parse::<jiff::SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
    let possible = Duration::from_millis(1)..=Duration::from_secs(168 * 3600);
    time.filter(|time| possible.contains(time))
        .ok_or_else(|| "write a time from 1ms to 168h, e.g. `250ms`, `60s` or `1m 30s`".to_owned())
}

fn height(text: &str) -> Result<f64, String> {
    let height = text.parse().ok().filter(|height| (0.0..=100.0).contains(height));
    height.ok_or_else(|| "write a factor from 0 to 100".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        load: Arguments,
    }

    fn plan(line: &str) -> Result<Plan, String> {
        let command = Command::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
        Plan::new(command.load).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_make_a_plan() {
        let plan = plan("load http://127.0.0.1:8080 --duration 90s --think-time 250ms").expect("a plan");
        let Plan { asked, shape } = plan;
        assert_eq!((shape.duration, asked.think_time), (Duration::from_secs(90), Duration::from_millis(250)));
        assert_eq!((asked.model, asked.mix.endpoints().count()), (Model::Open, 3));
    }

    #[test]
    fn wrong_arguments_are_refused_with_a_remedy() {
        for (line, remedy) in [
            ("load", "<URL>"),
            ("load shop:80", "write http://HOST:PORT"),
            ("load https://localhost", "write http://HOST:PORT"),
            ("load http://localhost/simple", "write http://HOST:PORT"),
            ("load http://localhost?a=1", "write http://HOST:PORT"),
            ("load http://u:p@localhost", "write http://HOST:PORT"),
            ("load http://localhost http://10.1.1.1:80", "--allow-host 10.1.1.1"),
            ("load http://localhost --duration 60", "`60s`"),
            ("load http://localhost --duration 0s", "1ms to 168h"),
            ("load http://localhost --think-time 0s", "1ms to 168h"),
            ("load http://localhost --peak-length 20s", "`--peak-length` has to be the shorter one"),
            ("load http://localhost --peak-height NaN", "0 to 100"),
            ("load http://localhost --users 0", "1..=20000"),
            ("load http://localhost --mix cart=1", "simple, compute"),
            ("load http://localhost --log-requests", "--log"),
        ] {
            let error = plan(line).expect_err(line);
            assert!(error.contains(remedy), "{line}: {error}");
        }
    }

    #[test]
    fn only_this_machine_is_put_under_load_unless_asked_for() {
        for url in ["http://127.0.0.1:80", "http://127.9.9.9:1/", "http://localhost", "http://[::1]:80"] {
            assert!(plan(&format!("load {url}")).is_ok(), "{url}");
        }
        for url in
            ["http://shop:80", "http://10.0.0.1:80", "http://localhost.example.com", "http://0.0.0.0:80"]
        {
            assert!(plan(&format!("load {url}")).is_err(), "{url}");
            assert!(plan(&format!("load {url} --allow-remote")).is_ok(), "{url}");
        }
        assert!(plan("load http://shop:80/ --allow-host shop").is_ok());
        assert!(plan("load http://shop.example.com:80 --allow-host shop").is_err());
    }
}
