//! The configuration as the agent uses it: checked, paths absolute, defaults filled in.
//!
//! Made by the resolver from the written form; nothing downstream sees the written one.

use crate::line::{Blocks, Container, Framing};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// `host.id`, by default the host name. Part of every event id.
    pub host_id: String,
    /// What to read.
    pub inputs: Vec<Input>,
    /// What happens to events on the way, in this order.
    pub processors: Vec<Processor>,
    /// Where to send it.
    pub output: Output,
    /// Checkpoint, lock and dead letters.
    pub state: State,
    /// Bounds.
    pub limits: Limits,
    /// `shutdown.drain`: how long a stop waits for open requests.
    pub drain: Duration,
    /// Status page and the agent's own metric events.
    pub monitoring: Monitoring,
}

/// One `inputs` entry.
#[derive(Debug, Clone)]
pub struct Input {
    /// The stated `id`; part of the event ids where there is one.
    pub id: Option<String>,
    /// Where lines come from.
    pub source: Source,
    /// Globs, absolute; of a stream those of the segments of its queue.
    pub paths: Vec<String>,
    /// Globs of files to leave alone.
    pub exclude: Vec<String>,
    /// `format`: `None` detects each line's format by its signature.
    pub format: Option<String>,
    /// Whether files present at the first start are read from their beginning.
    pub read_from: ReadFrom,
    /// Longest line in bytes; the rest is cut and flagged.
    pub max_line: usize,
    /// Zone of times that state none.
    pub timezone: jiff::tz::TimeZone,
    /// `fields`: ECS name and value, in the order written.
    pub fields: Vec<(String, FieldValue)>,
    /// What a container runtime has put around each line.
    pub container: Container,
    /// Which lines of a text belong together.
    pub multiline: Option<Blocks>,
    /// `data_stream.dataset`.
    pub dataset: String,
    /// `data_stream.namespace`.
    pub namespace: String,
}

impl Input {
    /// Longest line of its files, or of the segments of its queue, in which messages are cut already.
    pub fn longest_line(&self) -> usize {
        match self.source {
            Source::Files | Source::Stdin => self.max_line,
            Source::Syslog { .. } => crate::line::encoded_message_len(self.max_line),
        }
    }

    /// How its bytes become events.
    pub fn framing(&self) -> Framing {
        match (&self.multiline, self.container) {
            _ if matches!(self.source, Source::Syslog { .. }) => Framing::Messages,
            (Some(blocks), _) => Framing::Blocks(blocks.clone()),
            (None, Container::None) => Framing::Lines,
            (None, container) => Framing::Container(container),
        }
    }
}

/// `type`.
#[derive(Debug, Clone)]
pub enum Source {
    /// Files by their paths.
    Files,
    /// Standard input.
    Stdin,
    /// Syslog from the network.
    Syslog {
        /// Where senders send to.
        listen: SocketAddr,
        /// How messages come.
        protocol: Protocol,
    },
}

/// `protocol` of a syslog input.
#[derive(Debug, Clone)]
pub enum Protocol {
    /// A stream of messages, RFC 6587.
    Tcp {
        /// `None`: not encrypted.
        tls: Option<ServerTls>,
    },
    /// Requests with a message each, or several.
    Http {
        /// `None`: not encrypted.
        tls: Option<ServerTls>,
    },
    /// Datagrams with a message each.
    Udp,
}

impl Protocol {
    /// The word of the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tcp { .. } => "tcp",
            Self::Http { .. } => "http",
            Self::Udp => "udp",
        }
    }
}

/// `tls` of a listener.
#[derive(Debug, Clone)]
pub struct ServerTls {
    /// PEM file of the certificate chain that senders are shown.
    pub certificate: PathBuf,
    /// PEM file of its key.
    pub key: PathBuf,
    /// PEM file of the authorities of the senders' certificates; `None`: senders need none.
    pub client_ca: Option<PathBuf>,
}

impl Source {
    /// Name of its queue, for what cannot be read again.
    pub fn queue(&self) -> Option<String> {
        match self {
            Self::Files => None,
            Self::Stdin => Some("stdin".into()),
            // The same port can be open for both.
            Self::Syslog { listen, protocol: Protocol::Udp } => Some(format!("syslog-udp-{}", listen.port())),
            Self::Syslog { listen, .. } => Some(format!("syslog-{}", listen.port())),
        }
    }
}

/// One `processors` entry.
#[derive(Debug, Clone)]
pub enum Processor {
    /// Events for which this holds end here.
    Drop(Condition),
    /// Events for which this does not hold end here.
    Keep(Condition),
    /// A key of the line by another name.
    Rename {
        /// As the line writes it, members of objects with a dot.
        from: String,
        /// As it is mapped.
        to: String,
    },
    /// Replaces secrets.
    Redact(Redact),
    /// Thins out.
    Sample(Sample),
    /// Bounds.
    RateLimit(RateLimit),
}

/// What is asked of a field of the finished document.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Its dotted name.
    pub field: String,
    /// What its value has to be; a field that is missing passes no test.
    pub test: Test,
}

/// See [`Condition`].
#[derive(Debug, Clone)]
pub enum Test {
    /// One of these.
    Is(Vec<String>),
    /// A text in which this is found.
    Matches(regex::Regex),
}

/// `redact`.
#[derive(Debug, Clone)]
pub struct Redact {
    /// The known kinds to look for.
    pub secrets: Vec<Secrets>,
    /// The operator's own; of one with a group only that is replaced.
    pub patterns: Vec<regex::Regex>,
    /// What takes their place.
    pub with: String,
}

/// A kind of secret that is known by its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// Access key ids and secret keys of AWS.
    AwsKey,
    /// What follows `Bearer`.
    BearerToken,
    /// Numbers of payment cards.
    CardNumber,
}

impl Secrets {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::AwsKey, Self::BearerToken, Self::CardNumber];

    /// The word of the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::AwsKey => "aws_key",
            Self::BearerToken => "bearer_token",
            Self::CardNumber => "card_number",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|secrets| secrets.name() == name)
    }
}

/// `sample`.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// One event in so many goes on.
    pub one_in: u64,
    /// Events that took this long all do.
    pub slow: Duration,
}

/// `rate_limit`.
#[derive(Debug, Clone)]
pub struct RateLimit {
    /// Most events in the time.
    pub events: u64,
    /// The time.
    pub per: Duration,
    /// Field whose values are counted each for themselves.
    pub by: Option<String>,
}

/// Value of a configured field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// Text.
    Text(String),
    /// A number, as JSON text.
    Number(String),
    /// True or false.
    Bool(bool),
}

/// Where reading begins for files that are present when the agent starts for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// Offset 0.
    Beginning,
    /// Their end at that moment.
    End,
}

/// The one output.
#[derive(Debug, Clone)]
pub enum Output {
    /// `_bulk` requests to Elasticsearch or OpenSearch.
    Elasticsearch(Elasticsearch),
    /// Lumberjack to Logstash.
    Logstash(Logstash),
    /// Syslog over TCP, TLS or UDP.
    Syslog(Syslog),
    /// JSON arrays to Logstash's http input.
    Http(Http),
    /// Documents as NDJSON into a file.
    File(PathBuf),
    /// Documents as NDJSON on standard output.
    Stdout,
}

impl Output {
    /// Whether what reads it knows an event it has by its id. Elsewhere a repeat is one more event.
    pub fn knows_repeats(&self) -> bool {
        matches!(self, Self::Elasticsearch(_))
    }
}

/// `output.elasticsearch`.
#[derive(Debug, Clone)]
pub struct Elasticsearch {
    /// Base URLs without trailing slash, log-in taken out.
    pub hosts: Vec<String>,
    /// How to log in.
    pub login: Login,
    /// Certificates.
    pub tls: Tls,
    /// `index`: instead of the data stream; may hold `%{+yyyy.MM.dd}`.
    pub index: Option<String>,
    /// gzip level, 0 is off.
    pub compression: u8,
    /// `bulk.max_bytes`: body before compression.
    pub bulk_bytes: usize,
    /// `bulk.linger`: how long an event waits for company.
    pub linger: Duration,
    /// `bulk.in_flight`: requests at once.
    pub in_flight: usize,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Name or IP address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Most bytes of a Lumberjack window before compression.
pub const LOGSTASH_WINDOW_BYTES: usize = 2 << 20;

/// `output.logstash`.
#[derive(Debug, Clone)]
pub struct Logstash {
    /// Beats inputs; one is used at a time.
    pub hosts: Vec<Address>,
    /// Certificates; `None`: no TLS.
    pub tls: Option<Tls>,
    /// Windows under way at once.
    pub pipelining: usize,
    /// zlib level, 0 is off.
    pub compression: u8,
}

/// `output.http`.
#[derive(Debug, Clone)]
pub struct Http {
    /// Where to POST, log-in taken out.
    pub url: String,
    /// How to log in.
    pub login: Login,
    /// Certificates.
    pub tls: Tls,
    /// gzip level, 0 is off.
    pub compression: u8,
}

/// `output.syslog`.
#[derive(Debug, Clone)]
pub struct Syslog {
    /// Host in the head of each message: this machine.
    pub shipper: String,
    /// How messages travel.
    pub transport: Transport,
    /// Where to.
    pub address: Address,
    /// What they look like.
    pub dialect: Dialect,
}

/// How syslog messages travel.
#[derive(Debug, Clone)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// TLS.
    Tls(Tls),
    /// One datagram a message.
    Udp,
}

/// What syslog messages look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialect {
    /// What Logsearch's filters take apart; one message a line.
    Logsearch,
    /// As [`Dialect::Logsearch`], for its Cloud Foundry add-on.
    CloudFoundry(Box<CloudFoundry>),
    /// RFC 5424 with the ECS document as the message; octet counting on TCP and TLS.
    Rfc5424,
}

/// Who an app of Cloud Foundry is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloudFoundry {
    /// `cf_app_id`.
    pub app_id: String,
    /// `cf_app_name`.
    pub app_name: String,
    /// `cf_org_name`.
    pub org: String,
    /// `cf_space_name`.
    pub space: String,
    /// `source_instance`.
    pub instance: String,
    /// `source_type`.
    pub source_type: String,
    /// `origin`.
    pub origin: String,
    /// `deployment`.
    pub deployment: String,
    /// `job`.
    pub job: String,
    /// `job_index`.
    pub job_index: String,
    /// `ip`.
    pub ip: String,
}

/// How to log in. Its parts never appear in a log, a dump or an error.
#[derive(Debug, Clone)]
pub enum Login {
    /// No log-in.
    None,
    /// `Authorization: ApiKey …`; the base64 form or `id:key`.
    ApiKey(Secret),
    /// Basic.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
    },
}

/// Text that prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; only for building a request.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// `tls`.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// PEM file of authorities; replaces the system's.
    pub ca: Option<PathBuf>,
    /// PEM file of the client certificate chain.
    pub certificate: Option<PathBuf>,
    /// PEM file of its key.
    pub key: Option<PathBuf>,
    /// `verify: none`.
    pub verify: Verify,
}

/// How much of the server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Chain, dates and name.
    #[default]
    Full,
    /// Nothing; warned of at each start.
    None,
}

/// `state`.
#[derive(Debug, Clone)]
pub struct State {
    /// Directory of checkpoint, lock and dead letters.
    pub path: PathBuf,
    /// How long vanished files are remembered.
    pub retention: Duration,
}

/// `limits`.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Resident memory to stay within.
    pub memory: u64,
    /// Most files open at once.
    pub open_files: usize,
    /// Most unsent bytes of rotated or deleted files held open.
    pub held_files: u64,
    /// Most bytes of dead letters on disk.
    pub dead_letters: u64,
    /// Most bytes of the queue of each stream.
    pub queue: u64,
}

/// `monitoring`.
#[derive(Debug, Clone)]
pub struct Monitoring {
    /// Address of the status page; `None`: off.
    pub listen: Option<SocketAddr>,
    /// Bearer token; required beyond loopback.
    pub token: Option<Secret>,
    /// Whether the agent adds its own metric event every 10 s.
    pub events: bool,
}
