//! Sizes and durations with their units.

use std::time::Duration;

/// Why a text is no size or duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnitError {
    #[error("does not start with a number")]
    NoNumber,
    #[error("is negative")]
    Negative,
    #[error("has a fraction")]
    Fraction,
    #[error("has no unit")]
    NoUnit,
    #[error("has an unknown unit")]
    UnknownUnit,
    #[error("is too large to count")]
    Overflow,
}

const SIZES: [(&str, u64); 8] = [
    ("B", 1),
    ("KB", 1000),
    ("MB", 1000 * 1000),
    ("GB", 1000 * 1000 * 1000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

const DURATIONS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60 * 1000), ("h", 3600 * 1000), ("d", 24 * 3600 * 1000)];

/// Bytes of a size like `24MiB`, `100 MB`, `512KiB`, or a plain number of bytes.
pub(super) fn size(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        "" => 1,
        _ => factor(unit, &SIZES)?,
    };
    number.checked_mul(factor).ok_or(UnitError::Overflow)
}

/// A duration like `100ms`, `5s`, `10m`, `12h`, `7d`. Only `0` needs no unit.
pub(super) fn duration(text: &str) -> Result<Duration, UnitError> {
    let (number, unit) = split(text)?;
    let factor = match (number, unit) {
        (0, "") => 1,
        (_, "") => return Err(UnitError::NoUnit),
        (_, unit) => factor(unit, &DURATIONS)?,
    };
    number.checked_mul(factor).map(Duration::from_millis).ok_or(UnitError::Overflow)
}

fn split(text: &str) -> Result<(u64, &str), UnitError> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(UnitError::Negative);
    }
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    if digits == 0 {
        return Err(UnitError::NoNumber);
    }
    if text[digits..].starts_with(['.', ',']) {
        return Err(UnitError::Fraction);
    }
    let number = text[..digits].parse().map_err(|_| UnitError::Overflow)?;
    Ok((number, text[digits..].trim_start()))
}

fn factor(unit: &str, units: &[(&str, u64)]) -> Result<u64, UnitError> {
    units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor).ok_or(UnitError::UnknownUnit)
}

/// A size as an operator would write it.
pub(super) fn size_text(bytes: u64) -> String {
    let whole = SIZES[4..].iter().rev().find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor));
    match whole {
        Some((unit, factor)) => format!("{}{unit}", bytes / factor),
        None => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let check = |text, expected| assert_eq!(size(text), expected, "{text:?}");
        check("24MiB", Ok(24 << 20));
        check("1 GiB", Ok(1 << 30));
        check("100MB", Ok(100_000_000));
        check("512", Ok(512));
        check("0", Ok(0));
        check("10x", Err(UnitError::UnknownUnit));
        check("1ZB", Err(UnitError::UnknownUnit));
        check("1mib", Err(UnitError::UnknownUnit));
        check("-1MiB", Err(UnitError::Negative));
        check("1.5MiB", Err(UnitError::Fraction));
        check("1e3", Err(UnitError::UnknownUnit));
        check("MiB", Err(UnitError::NoNumber));
        check("", Err(UnitError::NoNumber));
        check("99999999999999999999", Err(UnitError::Overflow));
        check("18446744073709551615KiB", Err(UnitError::Overflow));
    }

    #[test]
    fn durations() {
        let check = |text, expected: Result<u64, UnitError>| {
            assert_eq!(duration(text), expected.map(Duration::from_millis), "{text:?}");
        };
        check("100ms", Ok(100));
        check("5s", Ok(5000));
        check("7d", Ok(7 * 86_400_000));
        check("0", Ok(0));
        check("5", Err(UnitError::NoUnit));
        check("5sec", Err(UnitError::UnknownUnit));
        check("-5s", Err(UnitError::Negative));
        check("0.5s", Err(UnitError::Fraction));
        check("1:30", Err(UnitError::UnknownUnit));
        check("18446744073709551615d", Err(UnitError::Overflow));
    }

    #[test]
    fn texts_read_back_as_the_same_value() {
        for bytes in [0, 1, 1023, 1024, 1536, 24 << 20, 1 << 30, 100_000_000] {
            assert_eq!(size(&size_text(bytes)), Ok(bytes));
        }
    }
}
