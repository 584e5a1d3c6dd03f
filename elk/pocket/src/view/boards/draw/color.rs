//! Colours by meaning, colours by value, and one colour a name on all panels.

use dashboards::lens::{Palette, Value};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use xxhash_rust::xxh3::xxh3_64;

const GOOD: &str = "#4dae8f";
const NEUTRAL: &str = "#5b8fc2";
const WARNING: &str = "#d9a93b";
const BAD: &str = "#d0543f";
const WORST: &str = "#b04fb8";
const FOREIGN: &str = "#9170b8";
const FAINT: &str = "#98a2b3";

/// Readable on light and dark, and none of them red or amber: those mean something.
const NAMES: [&str; 12] = [
    "#4a8fe0", "#2fae9f", "#9673d8", "#74a83a", "#e07bb5", "#3fc1e0", "#b8934a", "#5a63d8", "#1f8a5b",
    "#c99bd8", "#8aa0b6", "#9c6b4e",
];
/// The names where all of them are bad: shades of red, each the place of its name. None is pale: what fails is not pink.
pub(super) const BAD_NAMES: [&str; NAMES.len()] = [
    "#d0543f", "#e5484d", "#b3364c", "#bb3355", "#c2455f", "#d9381e", "#a94a4a", "#df4661", "#d14a2f",
    "#c7254e", "#b8614f", "#d96a6a",
];
/// Fields whose names are kept apart; of further ones each name keeps to its own colour.
const FIELDS_MAX: usize = 64;

/// Which name has which colour. The first twelve names of a field never share one.
#[derive(Debug, Default)]
pub(crate) struct Colors {
    fields: Mutex<HashMap<String, [Option<String>; NAMES.len()]>>,
}

impl Colors {
    /// The colour of a value of a field.
    pub(super) fn of(&self, field: Option<&str>, value: &Value) -> &'static str {
        let field = field.unwrap_or_default();
        meaning(field, value).unwrap_or_else(|| NAMES[self.place_of(field, &value.to_string())])
    }

    /// The shade of red of a value of a field, where the chart counts what is bad.
    pub(super) fn of_bad(&self, field: Option<&str>, value: &Value) -> &'static str {
        match value {
            Value::Other | Value::Missing => FAINT,
            _ => BAD_NAMES[self.place_of(field.unwrap_or_default(), &value.to_string())],
        }
    }

    fn place_of(&self, field: &str, name: &str) -> usize {
        let own = (xxh3_64(name.as_bytes()) % NAMES.len() as u64) as usize;
        let mut fields = self.fields.lock().unwrap_or_else(PoisonError::into_inner);
        if fields.len() >= FIELDS_MAX && !fields.contains_key(field) {
            return own;
        }
        let taken = fields.entry(field.to_owned()).or_default();
        let from_own = || (own..NAMES.len()).chain(0..own);
        let known = from_own().find(|place| taken[*place].as_deref() == Some(name));
        let place = known.or_else(|| from_own().find(|place| taken[*place].is_none())).unwrap_or(own);
        taken[place].get_or_insert_with(|| name.to_owned());
        place
    }
}

/// The colour of a measure that has none of its own, by its place.
pub(super) fn of_place(place: usize) -> &'static str {
    NAMES[place % NAMES.len()]
}

/// What says by itself whether it is good.
fn meaning(field: &str, value: &Value) -> Option<&'static str> {
    match value {
        Value::Other | Value::Missing => return Some(FAINT),
        Value::Number(status) if field.ends_with("status_code") => return Some(of_status(*status)),
        _ => {}
    }
    let word = value.to_string().to_lowercase();
    match field.rsplit('.').next()? {
        "level" => Some(match word.as_str() {
            "fatal" | "critical" | "emergency" | "alert" | "panic" => WORST,
            "error" | "err" | "severe" => BAD,
            "warn" | "warning" => WARNING,
            "info" | "information" | "notice" => NEUTRAL,
            "debug" | "trace" | "verbose" | "fine" => FAINT,
            _ => FOREIGN,
        }),
        "outcome" => Some(match word.as_str() {
            "failure" => BAD,
            "success" => GOOD,
            _ => FAINT,
        }),
        _ => None,
    }
}

fn of_status(status: f64) -> &'static str {
    match status {
        ..300.0 => GOOD,
        300.0..400.0 => NEUTRAL,
        400.0..500.0 => WARNING,
        _ => BAD,
    }
}

/// The colour that a palette gives a value among values from `least` to `greatest`; `None` where it has none.
pub(super) fn by_value(palette: &Palette, value: &Value, least: f64, greatest: f64) -> Option<String> {
    let params = &palette.params;
    let number = match (value.as_number()?, params.range_type.as_deref()) {
        (number, Some("number")) => number,
        (number, _) if greatest > least => (number - least) / (greatest - least) * 100.0,
        _ => return None,
    };
    let goes_on = |side: &str| params.continuity.as_deref().is_some_and(|on| on == side || on == "all");
    if params.range_min.is_some_and(|min| number < min) && !goes_on("below") {
        return None;
    }
    let within = params.stops.iter().find(|stop| stop.stop.is_none_or(|end| number < end));
    let beyond = || params.stops.last().filter(|_| goes_on("above"));
    within.or_else(beyond).map(|stop| stop.color.clone())
}
