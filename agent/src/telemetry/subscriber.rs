//! From `tracing` events to records.

use super::limiter::{Limiter, Pass};
use super::record::{self, EscapingStderr, Style};
use serde_json::Value;
use std::collections::hash_map::DefaultHasher;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber};
use tracing_bunyan_formatter::BunyanFormattingLayer;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Sets the subscriber of this process.
pub(super) fn install(level: LevelFilter, style: Style) -> Result<(), TryInitError> {
    tracing_subscriber::registry().with(Voice::new(level, style)).try_init()
}

type Bunyan = BunyanFormattingLayer<fn() -> EscapingStderr>;

/// Lets the agent's own events through, bounded, in one of two styles. Starts and ends of spans are no records.
struct Voice {
    level: LevelFilter,
    style: Style,
    bunyan: Bunyan,
    limiter: Mutex<Limiter>,
    started: Instant,
}

impl Voice {
    fn new(level: LevelFilter, style: Style) -> Self {
        let bunyan =
            BunyanFormattingLayer::new("blueox".into(), (|| EscapingStderr) as fn() -> EscapingStderr);
        Self { level, style, bunyan, limiter: Mutex::default(), started: Instant::now() }
    }

    fn pass(&self, key: u64) -> Pass {
        let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        limiter.pass(key, self.started.elapsed())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Voice {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let target = metadata.target();
        *metadata.level() <= self.level && (target == "blueox" || target.starts_with("blueox::"))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = *event.metadata().level();
        let Pass::Yes { suppressed } = self.pass(kind(event.metadata(), &fields)) else { return };
        match self.style {
            Style::Bunyan => self.bunyan.on_event(event, context),
            Style::Text => record::write(Style::Text, level, &fields.message, &fields.values),
        }
        if suppressed > 0 {
            let of = [("suppressed", suppressed.into()), ("message", fields.message.into())];
            record::write(self.style, level, "more of the same were left out before this one", &of);
        }
    }
}

/// The same place in the code speaking of the same thing.
fn kind(metadata: &Metadata<'_>, fields: &Fields) -> u64 {
    let mut hasher = DefaultHasher::new();
    metadata.callsite().hash(&mut hasher);
    for (name, value) in &fields.values {
        if matches!(*name, "file" | "index" | "host" | "key" | "place") {
            (name, value.to_string()).hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[derive(Default)]
struct Fields {
    message: String,
    values: Vec<(&'static str, Value)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => self.values.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}").into());
    }
}
