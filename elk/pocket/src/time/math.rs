//! Date math: `now-15m`, `now/d`, `2026-01-01||+1M/d`.

use super::calendar::{TimeZone, Unit};
use super::format::{DateFormat, Missing};
use super::{NANOS_PER_MILLI, now_millis};

/// What the words of a date expression are read against.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Milliseconds that `now` means.
    pub now_millis: i64,
    /// How dates are written.
    pub format: &'a DateFormat,
    /// The zone of dates without one, and of rounding.
    pub zone: &'a TimeZone,
}

impl<'a> Context<'a> {
    /// A context that means this moment by `now`.
    pub fn at_present(format: &'a DateFormat, zone: &'a TimeZone) -> Self {
        Self { now_millis: now_millis(), format, zone }
    }

    /// Nanoseconds since the epoch of `text`. Rounding and left-out parts go to the side `missing` names.
    pub fn read(&self, text: &str, missing: Missing) -> Option<i64> {
        let (start, steps) = match text.strip_prefix("now") {
            Some(steps) => (self.now_millis.checked_mul(NANOS_PER_MILLI)?, steps),
            None => {
                let (anchor, steps) = text.split_once("||").unwrap_or((text, ""));
                let side = if steps.is_empty() { missing } else { Missing::First };
                (self.read_anchor(anchor, side)?, steps)
            }
        };
        self.walk(start, steps, missing)
    }

    fn read_anchor(&self, anchor: &str, missing: Missing) -> Option<i64> {
        let guess = self.format.read(anchor, missing, 0)?;
        let offset = self.zone.offset_at_local(guess.div_euclid(1_000_000_000));
        self.format.read(anchor, missing, offset)
    }

    fn walk(&self, start: i64, steps: &str, missing: Missing) -> Option<i64> {
        let mut nanos = start;
        let mut rest = steps;
        while let Some(operation) = rest.chars().next() {
            rest = &rest[operation.len_utf8()..];
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let count: i64 = if digits == 0 { 1 } else { rest[..digits].parse().ok()? };
            rest = &rest[digits..];
            let unit = Unit::from_letter(rest.chars().next()?)?;
            rest = &rest[1..];
            nanos = match operation {
                '+' => self.zone.add(nanos, unit, count)?,
                '-' => self.zone.add(nanos, unit, -count)?,
                '/' => self.round(nanos, unit, missing)?,
                _ => return None,
            };
        }
        Some(nanos)
    }

    fn round(&self, nanos: i64, unit: Unit, missing: Missing) -> Option<i64> {
        let start = self.zone.floor(nanos.div_euclid(NANOS_PER_MILLI), unit);
        match missing {
            Missing::First => start.checked_mul(NANOS_PER_MILLI),
            Missing::Last => {
                Some(self.zone.add(start.checked_mul(NANOS_PER_MILLI)?, unit, 1)? - NANOS_PER_MILLI)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read() {
        let (format, zone) = (DateFormat::default(), TimeZone::utc());
        let context = Context { now_millis: 1_767_323_045_678, format: &format, zone: &zone };
        for (text, missing, expected) in [
            ("now", Missing::First, Some("2026-01-02T03:04:05.678Z")),
            ("now-15m", Missing::First, Some("2026-01-02T02:49:05.678Z")),
            ("now/d", Missing::First, Some("2026-01-02T00:00:00.000Z")),
            ("now/d", Missing::Last, Some("2026-01-02T23:59:59.999Z")),
            ("now-1M/M", Missing::First, Some("2025-12-01T00:00:00.000Z")),
            ("2026-01-31||+1M", Missing::First, Some("2026-02-28T00:00:00.000Z")),
            ("now-1x", Missing::First, None),
            ("now-", Missing::First, None),
            ("nowhere", Missing::First, None),
        ] {
            let found = context.read(text, missing).map(|nanos| format.print(nanos, 0));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
