//! How the browser is to write the numbers of a column.

use dashboards::lens::{Column, Decimals, Format};
use serde_json::{Value as Json, json};

/// `kind`, and what it needs: `digits`, `suffix`, `compact`, `nanos` (of one unit of a duration), `grouped`.
pub(super) fn format(column: &Column) -> Json {
    match &column.format {
        Format::Number(decimals) => with("number", decimals),
        Format::Percent(decimals) => with("percent", decimals),
        Format::Bytes(decimals) => with("bytes", decimals),
        Format::Bits(decimals) => with("bits", decimals),
        Format::Duration { unit, decimals } => {
            let mut json = with("duration", decimals);
            json["nanos"] = json!(unit.nanoseconds());
            json
        }
        Format::Pattern(pattern) => of_pattern(pattern),
        Format::Date => json!({"kind": "date"}),
        Format::Text => json!({"kind": "text"}),
    }
}

/// A number without any format.
pub(super) fn plain() -> Json {
    with("number", &Decimals::default())
}

/// Shares of a whole.
pub(super) fn percent() -> Json {
    json!({"kind": "percent", "digits": 0})
}

fn with(kind: &str, decimals: &Decimals) -> Json {
    let Decimals { digits, suffix, compact } = decimals;
    json!({"kind": kind, "digits": digits, "suffix": suffix, "compact": compact})
}

/// Of a pattern of numeral.js: the kind by its sign, and how many digits stand behind the point.
fn of_pattern(pattern: &str) -> Json {
    let kind = match pattern {
        bytes if bytes.contains('b') => "bytes",
        percent if percent.contains('%') => "percent",
        _ => "number",
    };
    let digits = pattern.split_once('.').map_or(0, |(_, behind)| behind.matches('0').count());
    json!({"kind": kind, "digits": digits, "grouped": pattern.contains(','), "compact": pattern.contains('a')})
}
