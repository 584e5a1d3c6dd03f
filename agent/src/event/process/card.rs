//! Numbers of payment cards: by the ranges and lengths of the issuers (ISO/IEC 7812) and the Luhn check.

use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// A run of digits, single blanks or hyphens between them.
static DIGITS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[0-9](?:[ -]?[0-9]){12,18}").expect("a valid pattern"));

/// Where card numbers stand in `text`.
pub(super) fn cards(text: &str) -> impl Iterator<Item = Range<usize>> {
    DIGITS
        .find_iter(text)
        .filter(move |found| stands_alone(text, found.range()) && is_card(found.as_str()))
        .map(|found| found.range())
}

/// A longer run of digits is something else.
fn stands_alone(text: &str, range: Range<usize>) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    !digit(bytes.get(range.end)) && !digit(range.start.checked_sub(1).and_then(|before| bytes.get(before)))
}

/// Whether digits, blanks and hyphens are the number of a card.
pub(super) fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|letter| letter.to_digit(10)).collect();
    let begins = |len: usize| digits.iter().take(len).fold(0, |sum, digit| sum * 10 + digit);
    let issued = match digits.len() {
        13 | 19 => begins(1) == 4,
        14 => matches!(begins(2), 36 | 38 | 39) || (300..=305).contains(&begins(3)),
        15 => matches!(begins(2), 34 | 37),
        16 => {
            matches!(begins(1), 4)
                || matches!(begins(2), 35 | 51..=55 | 62 | 65)
                || (2221..=2720).contains(&begins(4))
                || begins(4) == 6011
        }
        _ => false,
    };
    issued && luhn(&digits)
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| if at % 2 == 1 { doubled(*digit) } else { *digit })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_issuers_that_pass_the_check_are_cards_and_others_are_not() {
        for card in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "5500-0000-0000-0004",
            "340000000000009",
            "30000000000004",
            "6011000000000004",
            "3530111333300000",
            "2223000048400011",
            "4222222222222",
        ] {
            assert!(is_card(card), "{card}");
        }
        for other in [
            "4111111111111112",
            "1787307330123456789",
            "1787307330123",
            "0000000000000000",
            "9111111111111111",
        ] {
            assert!(!is_card(other), "{other}");
        }
    }

    #[test]
    fn a_card_is_found_where_it_stands_alone() {
        let found = |text: &str| cards(text).map(|range| text[range].to_owned()).collect::<Vec<_>>();
        assert_eq!(found("paid with 4111 1111 1111 1111, thanks"), ["4111 1111 1111 1111"]);
        assert_eq!(found("no 41111111111111111111111 card"), Vec::<String>::new());
    }
}
