//! How a KQL text can go on: names of fields, their values, operators.
//!
//! ```text
//! text before the cursor → place (`place`) → fields (`_field_caps`) or values (`_search`) → choices
//! ```

mod place;

mod fields;

use super::fault::Fault;
use super::server::{Parameters, read, shown};
use super::source::Source;
use crate::time::now_millis;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use dashboards::kql::{Literal, Pattern, Query};
use dashboards::lens::{Context, Control, DataView, Selection, TimeRange};
use fields::{Family, Field, Fields};
use place::{Place, Spot};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most choices offered.
const CHOICES_MAX: usize = 20;
/// Longest text, in bytes.
const TEXT_MAX: usize = 4096;
/// Where lines are; boards of other data views are searched by those too.
const LINES: &str = "logs-*";

#[derive(Clone)]
struct Completer {
    source: Source,
    fields: Arc<Fields>,
}

/// The address of completions.
pub(super) fn router(source: Source) -> Router {
    let completer = Completer { source, fields: Arc::default() };
    Router::new().route("/api/complete", get(complete)).with_state(completer)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The text before the cursor.
    before: String,
    /// Values are those of this time.
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// One way to go on.
#[derive(Debug, PartialEq)]
struct Choice {
    /// `field`, `value` or `word`.
    kind: &'static str,
    /// What takes the place of the text from `from` on.
    text: String,
    /// Byte of the text.
    from: usize,
    detail: String,
}

async fn complete(State(completer): State<Completer>, asked: Parameters<Asked>) -> Result<Response, Fault> {
    let asked = read(asked)?;
    let before = &asked.before;
    if before.len() > TEXT_MAX {
        return Err(Fault::Parameter(format!("the text is longer than {TEXT_MAX} bytes; make it shorter")));
    }
    let choices = completer.choices(&asked).await?;
    // Texts in a browser are counted in UTF-16.
    let units = |at: usize| before.get(..at).unwrap_or_default().encode_utf16().count();
    let written = |choice: &Choice| json!({"kind": choice.kind, "text": choice.text, "from": units(choice.from), "detail": choice.detail});
    Ok(shown(&json!({"choices": choices.iter().map(written).collect::<Vec<_>>()})))
}

impl Completer {
    async fn choices(&self, asked: &Asked) -> Result<Vec<Choice>, Fault> {
        let Spot { place, from, prefix } = place::find(&asked.before);
        let view = data_view();
        let fields = self.fields.of(&self.source, &control("", &view)).await?;
        let mut choices = match place {
            Place::Term => fields::begun(&fields, &prefix, from),
            Place::AfterName { name, end } => match fields.get(&name) {
                Some(field) if prefix.is_empty() => operators(field, end),
                _ => words(&prefix, from).chain(fields::begun(&fields, &prefix, from)).collect(),
            },
            Place::AfterValue => words(&prefix, from).collect(),
            Place::Value { field } => match fields::valued(&fields, &field) {
                Some(field) => self.values(&field, &prefix, from, asked, &view).await?,
                None => Vec::new(),
            },
            Place::Nothing => Vec::new(),
        };
        // A name that is whole goes on with what can be asked of it.
        if let (Place::Term, Some(field)) = (place::find(&asked.before).place, fields.get(&prefix)) {
            choices.retain(|choice| choice.text != prefix);
            choices.splice(0..0, operators(field, asked.before.len()));
        }
        choices.truncate(CHOICES_MAX);
        Ok(choices)
    }

    async fn values(
        &self,
        field: &Field,
        prefix: &str,
        from: usize,
        asked: &Asked,
        view: &Arc<DataView>,
    ) -> Result<Vec<Choice>, Fault> {
        let offered = |text: String, detail: String| Choice { kind: "value", text, from, detail };
        if field.family == Family::Boolean {
            let words = ["true", "false"].into_iter().filter(|word| word.starts_with(prefix));
            return Ok(words.map(|word| offered(format!("{word} "), String::new())).collect());
        }
        let or = |text: &str, default: &str| if text.is_empty() { default } else { text }.to_owned();
        let now = now_millis();
        let range = TimeRange::parse(&or(&asked.from, "now-15m"), &or(&asked.to, "now"), now)?;
        let control = control(&field.name, view);
        // Only texts can be asked for by what they begin with.
        let narrowing = if field.family == Family::Text { prefix } else { "" };
        let answer = self.source.ask(&control.values(&Context::new(range, now), narrowing)).await?;
        let values = control.choices(&answer)?.into_iter();
        let documents = |count: u64| format!("{count} {}", if count == 1 { "line" } else { "lines" });
        let values = values.map(|choice| (plain(&choice.value), choice));
        let begun = values.filter(|(text, _)| text.starts_with(prefix));
        Ok(begun.map(|(_, choice)| offered(written(&choice.value), documents(choice.documents))).collect())
    }
}

fn operators(field: &Field, from: usize) -> Vec<Choice> {
    let all = [
        (": ", "is", true),
        (": * ", "has the field", true),
        (" >= ", "at least", field.is_ordered()),
        (" > ", "more than", field.is_ordered()),
        (" <= ", "at most", field.is_ordered()),
        (" < ", "less than", field.is_ordered()),
    ];
    let fitting = all.into_iter().filter(|(.., fits)| *fits);
    fitting.map(|(text, detail, _)| word(text, detail, from)).collect()
}

fn words(prefix: &str, from: usize) -> impl Iterator<Item = Choice> {
    let all = [("and ", "both hold"), ("or ", "one of both holds")];
    let prefix = prefix.to_lowercase();
    all.into_iter()
        .filter(move |(text, _)| text.starts_with(&prefix))
        .map(move |(text, detail)| word(text, detail, from))
}

fn word(text: &str, detail: &str, from: usize) -> Choice {
    Choice { kind: "word", text: text.to_owned(), from, detail: detail.to_owned() }
}

/// A value as KQL writes it after `field: `.
fn written(value: &Json) -> String {
    let Json::String(text) = value else { return format!("{value} ") };
    let clause = Query::Is(Some(Pattern::plain("f")), Literal::Phrase(text.clone())).to_string();
    format!("{} ", clause.strip_prefix("f: ").unwrap_or(&clause))
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn data_view() -> Arc<DataView> {
    Arc::new(DataView {
        id: LINES.to_owned(),
        name: LINES.to_owned(),
        title: LINES.to_owned(),
        time_field: Some("@timestamp".to_owned()),
        formats: BTreeMap::new(),
    })
}

/// Values of a field are asked for as those of a control.
fn control(field: &str, view: &Arc<DataView>) -> Control {
    Control {
        id: String::new(),
        title: String::new(),
        field: field.to_owned(),
        data_view: Arc::clone(view),
        selection: Selection { field: field.to_owned(), values: Vec::new(), exclude: false },
    }
}
