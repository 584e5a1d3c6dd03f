//! What the configuration means for each stage.

use super::dated::DatedIndex;
use super::intake::{BatchRules, Intake, Route};
use super::start::RunError;
use crate::batch::{Batch, Form};
use crate::checkpoint::{Checkpoint, KnownInput};
use crate::config::{Config, Input, LOGSTASH_WINDOW_BYTES, Output, ReadFrom};
use crate::event::{Environment, Process, Stream};
use crate::file::table::{InputRules, Settings, unix_time};
use std::time::Duration;
use tokio::sync::mpsc;

/// Default linger and size of the outputs that have no such setting.
const PLAIN_RULES: (usize, Duration) = (256 * 1024, Duration::from_millis(50));

/// Most bytes of one request to an http input before compression.
const HTTP_BYTES: usize = 1 << 20;

pub(super) fn intake(
    config: &Config,
    checkpoint: &Checkpoint,
    environment: &Environment,
    sender: mpsc::Sender<Batch>,
) -> Result<Intake, RunError> {
    let mut streams = Vec::new();
    for input in &config.inputs {
        let mut stream = Stream::new(input, environment)?;
        stream.rename(&config.processors);
        streams.push(stream);
    }
    for (input, stream) in config.inputs.iter().zip(&mut streams) {
        let name = stream_name(input);
        if let Some(state) = checkpoint.streams.iter().find(|state| state.index == name) {
            stream.leftover_keys_mut().import(state.leftover_keys.iter().map(String::as_str));
        }
    }
    let routes = config.inputs.iter().map(|input| route(&config.output, input)).collect();
    let (rules, compression) = rules(&config.output);
    let process = Process::new(&config.processors);
    Ok(Intake::new(streams, process, routes, rules, compression, config.limits.memory, sender))
}

/// How batches are cut for an output, and their level of compression.
fn rules(output: &Output) -> (BatchRules, u8) {
    let (plain_bytes, plain_linger) = PLAIN_RULES;
    let plain =
        BatchRules { max_bytes: plain_bytes, linger: plain_linger, in_flight: 2, form: Form::Documents };
    match output {
        Output::Elasticsearch(elasticsearch) => (
            BatchRules {
                max_bytes: elasticsearch.bulk_bytes,
                linger: elasticsearch.linger,
                in_flight: elasticsearch.in_flight,
                form: Form::Bulk,
            },
            elasticsearch.compression,
        ),
        Output::Logstash(logstash) => (
            BatchRules {
                max_bytes: LOGSTASH_WINDOW_BYTES,
                in_flight: logstash.pipelining,
                form: Form::Lumberjack,
                ..plain
            },
            logstash.compression,
        ),
        Output::Http(http) => {
            (BatchRules { max_bytes: HTTP_BYTES, form: Form::Array, ..plain }, http.compression)
        }
        Output::Syslog(_) | Output::File(_) | Output::Stdout => (plain, 0),
    }
}

pub(super) fn stream_name(input: &Input) -> String {
    format!("logs-{}-{}", input.dataset, input.namespace)
}

/// What the checkpoint knows an input by: its id, else its patterns.
fn identity(input: &Input) -> String {
    input.id.clone().unwrap_or_else(|| input.paths.join(","))
}

fn route(output: &Output, input: &Input) -> Route {
    let index = match output {
        Output::Elasticsearch(elasticsearch) => elasticsearch.index.as_deref(),
        _ => None,
    };
    match index {
        None => Route::Fixed(stream_name(input).into()),
        Some(name) => match DatedIndex::parse(name) {
            Some(dated) => Route::Dated(dated),
            None => Route::Fixed(name.into()),
        },
    }
}

pub(super) fn settings(config: &Config, once: bool) -> Settings {
    let inputs = config.inputs.iter().map(|input| InputRules {
        id: input.id.clone(),
        identity: identity(input),
        from_end: input.read_from == ReadFrom::End && !once,
        is_queue: input.source.queue().is_some(),
    });
    Settings {
        host_id: config.host_id.clone(),
        inputs: inputs.collect(),
        open_files: usable_descriptors(config.limits.open_files),
        held_bytes: config.limits.held_files,
        retention: config.state.retention,
        once,
    }
}

/// `limits.open_files`, less what the process needs for itself where the system allows fewer.
fn usable_descriptors(wanted: usize) -> usize {
    const OWN: usize = 24;
    let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    allowed.map_or(wanted, |allowed| wanted.min((allowed as usize).saturating_sub(OWN).max(4)))
}

pub(super) fn known_inputs(config: &Config, checkpoint: &Checkpoint) -> Vec<KnownInput> {
    let mut known = checkpoint.inputs.clone();
    for input in &config.inputs {
        let identity = identity(input);
        if !known.iter().any(|input| input.identity == identity) {
            known.push(KnownInput { identity, first_start_unix_s: unix_time().as_secs() });
        }
    }
    known
}
