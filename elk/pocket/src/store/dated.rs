//! Names with a date in them: `<shop-{now/d}>` is `shop-2026.03.01` on that day.

use super::ApiError;
use crate::time::calendar::TimeZone;
use crate::time::format::{DateFormat, Missing};
use crate::time::math::Context;
use crate::time::now_millis;
use std::borrow::Cow;

/// How dates are written where the name does not say.
const FORMAT: &str = "uuuu.MM.dd";

/// What `name`, or each name of a list, means at this moment. Names without angle brackets mean themselves.
pub fn resolve_name(name: &str) -> Result<Cow<'_, str>, ApiError> {
    match name.contains('<') {
        true => Ok(Cow::Owned(list(name, now_millis())?)),
        false => Ok(Cow::Borrowed(name)),
    }
}

fn list(names: &str, now_millis: i64) -> Result<String, ApiError> {
    let one = |name: &str| match name.strip_prefix('<').and_then(|name| name.strip_suffix('>')) {
        Some(inner) => dated(inner, now_millis).ok_or_else(|| invalid(name)),
        None => Ok(name.to_owned()),
    };
    Ok(names.split(',').map(one).collect::<Result<Vec<_>, _>>()?.join(","))
}

/// The name without its brackets: words, and expressions in braces.
fn dated(inner: &str, now_millis: i64) -> Option<String> {
    let mut name = String::new();
    let mut rest = inner;
    while let Some((words, after)) = rest.split_once('{') {
        let (date, after) = date(after, now_millis)?;
        name.push_str(words);
        name.push_str(&date);
        rest = after;
    }
    name.push_str(rest);
    (!name.is_empty() && !name.contains('}')).then_some(name)
}

/// Reads `now/d}…` or `now/d{yyyy.MM|+01:00}}…`; gives the date and what comes after it.
fn date(text: &str, now_millis: i64) -> Option<(String, &str)> {
    let end = text.find(['{', '}'])?;
    let (math, rest) = text.split_at(end);
    let (shape, rest) = match rest.strip_prefix('{') {
        Some(rest) => rest.split_once("}}")?,
        None => (FORMAT, &rest[1..]),
    };
    let (format, zone) = shape.split_once('|').map_or((shape, None), |(format, zone)| (format, Some(zone)));
    let format = DateFormat::parse(format).ok()?;
    let zone = zone.map_or_else(|| Some(TimeZone::utc()), TimeZone::parse)?;
    let nanos = Context { now_millis, format: &format, zone: &zone }.read(math, Missing::First)?;
    Some((format.print(nanos, zone.offset_at(nanos.div_euclid(1_000_000_000))), rest))
}

fn invalid(name: &str) -> ApiError {
    let shown: String = name.chars().take(300).collect();
    ApiError::new(400, "parse_exception", format!("invalid dynamic name expression [{shown}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-01T23:30:00Z
    const NOW: i64 = 1_772_407_800_000;

    #[test]
    fn dates_are_written_as_the_name_says() {
        for (name, expected) in [
            ("<filebeat-7.17.29-{now/d}-000001>", "filebeat-7.17.29-2026.03.01-000001"),
            ("<shop-{now/M{uuuu.MM}}>", "shop-2026.03"),
            ("<shop-{now/d{uuuu.MM.dd|+01:00}}>", "shop-2026.03.02"),
            ("<a-{now/d-1d}>,b,<c>", "a-2026.02.28,b,c"),
        ] {
            assert_eq!(list(name, NOW).unwrap(), expected);
        }
    }

    #[test]
    fn broken_expressions_are_named() {
        for name in ["<a-{now/d>", "<a-{now/d}}>", "<a-{yesterday}>", "<{}>", "<a-{now/d{uuuu}>", "<>"] {
            let error = list(name, NOW).unwrap_err();
            assert_eq!(error.reason, format!("invalid dynamic name expression [{name}]"));
        }
        // Half a bracket is no expression, and no name either: `check_name` says so.
        assert_eq!(list("<a", NOW).unwrap(), "<a");
    }
}
