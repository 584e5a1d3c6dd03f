//! Numbers as JSON writes them: checks and exact decimal scaling.

/// The value of a whole number within 64 bits.
pub(super) fn whole(number: &[u8]) -> Option<i64> {
    let (negative, digits) = match number {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut sum: i64 = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        let digit = i64::from(digit);
        sum = sum.checked_mul(10)?.checked_add(if negative { -digit } else { digit })?;
    }
    Some(sum)
}

/// Whether a JSON number is finite as a double.
pub(super) fn is_finite(number: &[u8]) -> bool {
    let plain = number.len() <= 300 && !number.iter().any(|byte| matches!(byte, b'e' | b'E'));
    plain || as_f64(number).is_some_and(f64::is_finite)
}

fn as_f64(number: &[u8]) -> Option<f64> {
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// `number` × 10^`exponent` as a whole number, further decimals cut off. `None` if negative or above 64 bits.
pub(super) fn scaled(number: &[u8], exponent: u32) -> Option<i64> {
    let (whole, fraction) = match number.iter().position(|byte| *byte == b'.') {
        Some(point) => (&number[..point], &number[point + 1..]),
        None => (number, &b""[..]),
    };
    if number.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        let value = as_f64(number)? * 10f64.powi(exponent as i32);
        return (0.0..9.2e18).contains(&value).then_some(value as i64);
    }
    if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return None;
    }
    let padding = std::iter::repeat(&b'0');
    let decimals = fraction.iter().chain(padding).take(exponent as usize);
    let append = |sum: i64, byte: &u8| sum.checked_mul(10)?.checked_add(i64::from(byte - b'0'));
    whole.iter().chain(decimals).try_fold(0, append)
}

/// Nanoseconds of a text with unit: `103µs`, `12.8ms`, `1 s`, and Go's `1m30s` and `1h0m0.5s`.
pub(super) fn duration_ns(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    if let Some((hours, rest)) = text.split_once('h') {
        return minutes_ns(rest)?.checked_add(scaled(hours.as_bytes(), 0)?.checked_mul(3_600_000_000_000)?);
    }
    if text.ends_with('s') && text.contains('m') && !text.ends_with("ms") {
        return minutes_ns(text);
    }
    single_ns(text)
}

fn minutes_ns(text: &str) -> Option<i64> {
    let (minutes, seconds) = text.split_once('m')?;
    single_ns(seconds)?.checked_add(scaled(minutes.as_bytes(), 0)?.checked_mul(60_000_000_000)?)
}

fn single_ns(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?);
    let exponent = match unit.trim_start_matches(' ') {
        "ns" => 0,
        "us" | "µs" | "μs" => 3,
        "ms" => 6,
        "s" => 9,
        _ => return None,
    };
    scaled(number.as_bytes(), exponent)
}

/// Appends a whole number.
pub(super) fn write(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_scaled_without_rounding() {
        let cases = [
            ("12", 6, Some(12_000_000)),
            ("0.0000015", 9, Some(1500)),
            ("12.3456789", 6, Some(12_345_678)),
            ("9223372036854775807", 0, Some(i64::MAX)),
            ("9223372036854775808", 0, None),
            ("9223372036854", 9, None),
            ("-1", 6, None),
            ("1e3", 3, Some(1_000_000)),
            ("1e300", 3, None),
            ("", 3, None),
            ("x", 3, None),
        ];
        for (number, exponent, expected) in cases {
            assert_eq!(scaled(number.as_bytes(), exponent), expected, "{number}");
        }
    }

    #[test]
    fn texts_with_unit_are_durations() {
        let cases = [
            ("103µs", Some(103_000)),
            ("103us", Some(103_000)),
            ("12.8ms", Some(12_800_000)),
            ("1 s", Some(1_000_000_000)),
            ("7ns", Some(7)),
            ("1m30s", Some(90_000_000_000)),
            ("1h0m0.5s", Some(3_600_500_000_000)),
            ("1h", None),
            ("1m5ms", None),
            ("12", None),
            ("ms", None),
            ("1m", None),
            ("-1ms", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration_ns(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn doubles_end_where_they_end() {
        assert!(is_finite(b"1e308") && is_finite(b"-1.5E-400") && is_finite(&[b'9'; 308]));
        assert!(!is_finite(b"1e309") && !is_finite(b"-1e400") && !is_finite(&[b'9'; 400]));
    }

    proptest! {
        #[test]
        fn whole_numbers_are_those_std_reads(number in "-?[1-9][0-9]{0,20}") {
            prop_assert_eq!(whole(number.as_bytes()), number.parse::<i64>().ok());
        }

        #[test]
        fn written_numbers_read_back(number: u64) {
            let mut out = Vec::new();
            write(number, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
