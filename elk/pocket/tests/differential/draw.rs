//! One case in the making: the dice, the fields to choose from, and which features were used.

use super::events;
use bench::random::Dice;
use serde_json::Value;
use std::collections::BTreeSet;

/// Fields by what they hold. The second half of each list has several values a document, or often none.
pub(crate) const KEYWORDS: [&str; 12] = [
    "log.level",
    "service.name",
    "http.request.method",
    "http.route",
    "event.outcome",
    "error.type",
    "host.name",
    "tags",
    "labels.team",
    "user.roles",
    "labels.cached",
    "event.category",
];
pub(crate) const WHOLES: [&str; 4] =
    ["event.duration", "http.response.status_code", "http.response.body.bytes", "process.pid"];
pub(crate) const REALS: [&str; 2] = ["numeric_labels.price", "numeric_labels.items"];
pub(crate) const TEXTS: [&str; 2] = ["message", "error.message"];

pub(crate) struct Draw {
    pub(crate) dice: Dice,
    pub(crate) seed: u64,
    pub(crate) events: u64,
    pub(crate) features: BTreeSet<&'static str>,
}

impl Draw {
    pub(crate) fn new(seed: u64, events: u64, case: u64) -> Self {
        let dice = Dice::new(bench::random::mix(seed, case ^ 0xca5e));
        Self { dice, seed, events, features: BTreeSet::new() }
    }

    pub(crate) fn uses(&mut self, feature: &'static str) {
        self.features.insert(feature);
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.dice.below(bound as u64) as usize
    }

    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.dice.chance(per_mille)
    }

    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    pub(crate) fn number(&mut self) -> &'static str {
        match self.chance(600) {
            true => self.pick(&WHOLES),
            false => self.pick(&REALS),
        }
    }

    /// An id there is.
    pub(crate) fn id(&mut self) -> String {
        let number = self.dice.below(self.events);
        events::event(self.seed, number).0
    }

    /// A value some document has in this field; 40 tries, for many have none.
    pub(crate) fn value(&mut self, field: &str) -> Value {
        for _ in 0..40 {
            let number = self.dice.below(self.events);
            let (_, event) = events::event(self.seed, number);
            let pointer = format!("/{}", field.replace('.', "/"));
            match event.pointer(&pointer) {
                Some(Value::Array(values)) if !values.is_empty() => return self.pick(values),
                Some(Value::Array(_) | Value::Null) | None => {}
                Some(value) => return value.clone(),
            }
        }
        Value::from("none")
    }

    /// A moment within the events.
    pub(crate) fn millis(&mut self) -> i64 {
        events::START_MILLIS + self.dice.below(events::SPAN_MILLIS as u64) as i64
    }

    /// The same, as text.
    pub(crate) fn stamp(&mut self) -> String {
        let moment = jiff::Timestamp::from_millisecond(self.millis()).expect("a moment");
        match self.below(4) {
            0 => format!("{}", moment.strftime("%Y-%m-%d")),
            1 => format!("{}", moment.strftime("%Y-%m-%dT%H:%M")),
            2 => format!("{}||-{}h/d", moment.strftime("%Y-%m-%d"), self.below(40)),
            _ => format!("{moment:.3}"),
        }
    }

    pub(crate) fn zone(&mut self) -> &'static str {
        self.pick(&["Europe/Berlin", "America/New_York", "+05:30", "Asia/Kathmandu", "UTC", "-03:00"])
    }
}
