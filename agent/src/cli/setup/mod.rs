//! `setup`: templates, retention, role, key and boards of a cluster.

mod connection;

mod key_file;

mod request;

mod voice;

use super::{Exit, printed, refuse};
use crate::config::{ConfigError, Environment, Server};
use connection::Connection;
use elk_setup::SetupError;
use elk_setup::apply::{Listener, Partial, apply};
use elk_setup::check::check;
use elk_setup::key::NewKey;
use elk_setup::plan::{KibanaServer, Plan, Servers, Step};
use elk_setup::remove::Removal;
use elk_setup::transport::Transport;
use key_file::KeyFile;
pub(super) use request::SetupArguments;
use request::{Request, Task};
use std::io;
use std::time::Duration;
use voice::Voice;

/// A connection to a cluster, with the log-in and certificates of the environment, for programs that look at what arrived.
///
/// `flag` is the argument that named `url`. Blocks, so not to be used inside an asynchronous runtime.
pub fn connect(flag: &str, url: &str, patience: Duration) -> Result<impl Transport + use<>, ConnectError> {
    let server = Server::named(flag, url, &Environment::of_process())?;
    Ok(Connection::open(&server.elasticsearch, patience)?)
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Connection(#[from] connection::ConnectionError),
}

pub(super) fn setup(arguments: &SetupArguments) -> Exit {
    let request = match Request::read(arguments) {
        Ok(request) => request,
        Err(error) => return refuse(&error),
    };
    request.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    let mut voice = Voice::new();
    match run(&request, &mut voice) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => printed(Err(error), Exit::Done),
        Err(stop) => stopped(&stop),
    }
}

/// Why a set-up stops before its end.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Connection(#[from] connection::ConnectionError),
    #[error(transparent)]
    KeyFile(#[from] key_file::KeyFileError),
}

fn stopped(stop: &Stop) -> Exit {
    eprintln!("{}", crate::telemetry::escaped(&crate::telemetry::chain(stop)));
    match stop {
        Stop::Setup(error) => exit_of(error),
        Stop::Connection(_) | Stop::KeyFile(_) => Exit::Invalid,
    }
}

fn exit_of(error: &SetupError) -> Exit {
    if error.is_temporary() { Exit::Unavailable } else { Exit::Invalid }
}

/// The inner result is that of standard output.
fn run(request: &Request, voice: &mut Voice) -> Result<io::Result<Exit>, Stop> {
    let mut key_file = request.key_file.as_deref().map(KeyFile::look).transpose()?;
    let wish = request.wish(key_file.as_ref().map(KeyFile::id));
    let mut cluster = Connection::open(&request.elasticsearch, request.patience)?;
    let mut kibana =
        request.kibana.as_ref().map(|server| Connection::open(server, request.patience)).transpose()?;
    let mut servers = Servers {
        cluster: &mut cluster,
        kibana: kibana.as_mut().map(|transport| KibanaServer {
            transport,
            space: request.space.clone(),
            objects: elk_setup::kibana::boards(),
        }),
    };
    match request.task {
        Task::Plan => Ok(voice.plan(&Plan::survey(&mut servers, &wish)?).map(|()| Exit::Done)),
        Task::Apply => {
            let plan = Plan::survey(&mut servers, &wish)?;
            if let Some(key_file) = key_file.as_mut().filter(|_| plan.makes_key()) {
                key_file.prepare()?;
            }
            Ok(make(&plan, &mut servers, voice, key_file))
        }
        Task::Check => {
            let report = check(&mut servers, &wish, jiff::Timestamp::now().as_millisecond())?;
            let exit = if report.is_good() { Exit::Done } else { Exit::Unavailable };
            Ok(voice.report(&report).map(|()| exit))
        }
        Task::Remove(data) => {
            let removal = Removal::survey(&mut servers, data)?;
            Ok(remove(&removal, &mut servers, voice))
        }
    }
}

fn make(
    plan: &Plan,
    servers: &mut Servers<'_>,
    voice: &mut Voice,
    key_file: Option<KeyFile>,
) -> io::Result<Exit> {
    voice.servers(&plan.cluster, plan.kibana.as_ref())?;
    let mut making = Making { voice, key_file, output: Ok(()) };
    let result = apply(plan, servers, &mut making);
    making.output?;
    match result {
        Ok(()) => {
            let boards = servers.kibana.as_ref().map(|kibana| kibana.objects.as_slice()).unwrap_or_default();
            voice.made(plan, boards)?;
            Ok(Exit::Done)
        }
        Err(Partial { error, done, open }) => {
            let title = |step: &&Step| step.title.clone();
            voice.partial(
                &error,
                &done.iter().map(title).collect::<Vec<_>>(),
                &open.iter().map(title).collect::<Vec<_>>(),
            );
            Ok(exit_of(&error))
        }
    }
}

/// Tells of each step and keeps the key. A standard output that is closed does not stop a set-up half-way.
struct Making<'a> {
    voice: &'a mut Voice,
    key_file: Option<KeyFile>,
    output: io::Result<()>,
}

impl Listener for Making<'_> {
    fn done(&mut self, step: &Step) {
        let result = self.voice.step(step);
        self.output = std::mem::replace(&mut self.output, Ok(())).and(result);
    }

    fn keep(&mut self, key: &NewKey) -> Result<(), String> {
        match self.key_file.take() {
            Some(file) => file.write(&key.encoded).map_err(|error| crate::telemetry::chain(&error)),
            None => Err("no file was named for it".to_owned()),
        }
    }
}

fn remove(removal: &Removal, servers: &mut Servers<'_>, voice: &mut Voice) -> io::Result<Exit> {
    voice.removal(removal)?;
    let mut output = Ok(());
    let result = removal.apply(servers, &mut |going| {
        let result = voice.gone(going);
        output = std::mem::replace(&mut output, Ok(())).and(result);
    });
    output?;
    match result {
        Ok(()) => Ok(Exit::Done),
        Err(partial) => {
            let titles: Vec<String> = removal.going.iter().map(|going| going.title()).collect();
            let (done, open) = titles.split_at(partial.done);
            voice.partial(&partial.error, done, open);
            Ok(exit_of(&partial.error))
        }
    }
}
