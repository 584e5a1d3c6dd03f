//! What must be found in a document made from a line, however its fields were named.

use super::Origin;
use super::format::{address, decimal, path, uuid};
use super::request::{Request, Step};
use serde_json::Value;

/// One value of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Some text of the document contains it.
    Text(String),
    /// Some number of the document is it, or some text contains its digits.
    Number(u64),
}

/// The values of one line that no mapping may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts(Vec<Fact>);

impl Facts {
    /// Facts of line `sequence`.
    pub fn of(origin: Origin, sequence: u64) -> Self {
        let request = Request::of(origin, sequence);
        let mut facts = vec![Fact::Number(sequence), Fact::Text(made(|out| uuid(out, request.id)))];
        match request.step {
            Step::Start => {}
            Step::Event(happening) => facts.push(Fact::Text(made(|out| {
                out.extend_from_slice(happening.text.plain.as_bytes());
                decimal(out, happening.number);
            }))),
            Step::End => {
                facts.push(Fact::Text(made(|out| path(out, &request))));
                facts.push(Fact::Text(made(|out| address(out, request.client))));
                facts.push(Fact::Number(u64::from(request.status)));
            }
        }
        Self(facts)
    }

    /// Whether `document` tells all of them. A line kept whole, as text in a field, counts: its JSON is looked into.
    pub fn hold_in(&self, document: &Value) -> bool {
        let mut leaves = Leaves::default();
        leaves.collect(document);
        if self.0.iter().all(|fact| leaves.tell(fact)) {
            return true;
        }
        let inner = leaves.texts.iter().filter(|text| text.starts_with('{'));
        inner.filter_map(|text| serde_json::from_str(text).ok()).any(|value: Value| {
            let mut leaves = Leaves::default();
            leaves.collect(&value);
            self.0.iter().all(|fact| leaves.tell(fact))
        })
    }
}

/// Scalars of a document.
#[derive(Default)]
struct Leaves<'a> {
    texts: Vec<&'a str>,
    numbers: Vec<u64>,
}

impl<'a> Leaves<'a> {
    fn collect(&mut self, value: &'a Value) {
        match value {
            Value::String(text) => self.texts.push(text),
            Value::Number(number) => self.numbers.extend(number.as_u64()),
            Value::Array(values) => values.iter().for_each(|value| self.collect(value)),
            Value::Object(fields) => fields.values().for_each(|value| self.collect(value)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn tell(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Text(text) => self.texts.iter().any(|leaf| leaf.contains(text)),
            Fact::Number(number) => {
                let digits = number.to_string();
                self.numbers.contains(number) || self.texts.iter().any(|leaf| leaf.contains(&digits))
            }
        }
    }
}

fn made(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}
