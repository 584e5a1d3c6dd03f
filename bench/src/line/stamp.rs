//! Times as text. Only the second is formatted anew; most lines share it with the one before.

use jiff::Timestamp;

/// RFC 3339 in UTC.
#[derive(Debug, Default)]
pub(super) struct Stamp {
    second: u64,
    /// `2026-08-21T10:15:30`, for `second`.
    text: String,
}

impl Stamp {
    /// Appends `time` (nanoseconds since the epoch) with `digits` (1 to 9) decimals, `2026-08-21T10:15:30.123Z`.
    pub(super) fn append(&mut self, out: &mut Vec<u8>, time: u64, digits: usize) {
        let second = time / 1_000_000_000;
        if second != self.second || self.text.is_empty() {
            self.second = second;
            let whole = Timestamp::from_second(second as i64).unwrap_or(Timestamp::UNIX_EPOCH);
            self.text = whole.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        }
        out.extend_from_slice(self.text.as_bytes());
        out.push(b'.');
        let mut rest = time % 1_000_000_000;
        let mut decimals = [b'0'; 9];
        for decimal in decimals.iter_mut().rev() {
            *decimal = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&decimals[..digits.clamp(1, 9)]);
        out.push(b'Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_also_over_the_edge_of_a_second() {
        let mut stamp = Stamp::default();
        let mut check = |time, digits, expected: &str| {
            let mut out = Vec::new();
            stamp.append(&mut out, time, digits);
            assert_eq!(String::from_utf8(out).expect("ASCII"), expected);
        };
        check(0, 3, "1970-01-01T00:00:00.000Z");
        check(1_787_307_330_123_456_789, 9, "2026-08-21T10:15:30.123456789Z");
        check(1_787_307_330_999_999_999, 3, "2026-08-21T10:15:30.999Z");
        check(1_787_307_331_000_000_001, 9, "2026-08-21T10:15:31.000000001Z");
    }
}
