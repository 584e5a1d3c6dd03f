//! Addresses: those of version 4 count as `::ffff:…`, so that one range covers both.

use super::bind::text_of;
use crate::store::ApiError;
use serde_json::Value;
use std::net::IpAddr;

/// The number of an address.
pub(super) fn number(text: &str) -> Option<u128> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    })
}

/// First and last address of one address, or of a block like `10.0.0.0/8`.
pub(super) fn block(text: &str) -> Result<(u128, u128), ApiError> {
    let Some((start, length)) = text.split_once('/') else {
        let one = number(text).ok_or_else(|| bad(text))?;
        return Ok((one, one));
    };
    let width = if start.contains(':') { 128 } else { 32 };
    let length = length.parse::<u32>().ok().filter(|length| *length <= width).ok_or_else(|| bad(text))?;
    let free = 1u128.checked_shl(width - length).map_or(u128::MAX, |size| size - 1);
    let start = number(start).ok_or_else(|| bad(text))? & !free;
    Ok((start, start | free))
}

/// First and last address between bounds, each excluded where its flag is set; none where they leave nothing.
pub(super) fn between(
    low: &Option<(Value, bool)>,
    high: &Option<(Value, bool)>,
) -> Result<Option<(u128, u128)>, ApiError> {
    let side = |bound: &Option<(Value, bool)>| {
        bound.as_ref().map(|(value, open)| {
            let text = text_of(value);
            number(&text).map(|number| (number, *open)).ok_or_else(|| bad(&text))
        })
    };
    let low = match side(low).transpose()? {
        None => Some(0),
        Some((number, open)) => number.checked_add(u128::from(open)),
    };
    let high = match side(high).transpose()? {
        None => Some(u128::MAX),
        Some((number, open)) => number.checked_sub(u128::from(open)),
    };
    Ok(low.zip(high).filter(|(low, high)| low <= high))
}

fn bad(text: &str) -> ApiError {
    ApiError::new(
        400,
        "query_shard_exception",
        format!("failed to create query: '{text}' is not an IP string literal."),
    )
    .caused_by("illegal_argument_exception", &format!("'{text}' is not an IP string literal."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blocks_and_bounds_are_ranges() {
        let of = |text| number(text).unwrap();
        for (text, first, last) in [
            ("10.1.2.3", "10.1.2.3", "10.1.2.3"),
            ("10.2.3.64/26", "10.2.3.64", "10.2.3.127"),
            ("10.2.3.70/26", "10.2.3.64", "10.2.3.127"),
            ("0.0.0.0/0", "0.0.0.0", "255.255.255.255"),
            ("2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            assert_eq!(block(text).unwrap(), (of(first), of(last)), "{text}");
        }
        assert_eq!(block("::/0").unwrap(), (0, u128::MAX));
        for text in ["10.0.0.0/33", "10.0.0", "x/8", "10.0.0.0/"] {
            assert_eq!(block(text).unwrap_err().status, 400, "{text}");
        }
        let bound = |text: &str, open| Some((json!(text), open));
        assert_eq!(
            between(&bound("10.0.0.1", true), &bound("10.0.0.9", false)).unwrap(),
            Some((of("10.0.0.2"), of("10.0.0.9")))
        );
        assert_eq!(between(&bound("10.0.0.9", true), &bound("10.0.0.9", false)).unwrap(), None);
    }
}
