//! The body of a request becomes messages.
//!
//! Cloud Foundry sends one message a request, and it may hold line feeds. Where several come at once each has its count, or
//! begins in a line of its own.

use super::framer::{Facts, Head, Put, head, put};
use memchr::memchr_iter;

/// Appends the messages of `body`, a line each, to `out`.
///
/// Behind `<count> ` a message is as long as its count says, or as the body. One that begins with `<` ends before the next
/// line that does, so that the lines of a stack trace stay together; any other text is a message a line.
pub(super) fn messages(body: &[u8], max: usize, out: &mut Vec<u8>) -> Facts {
    let mut facts = Facts::default();
    let mut rest = body;
    while !rest.is_empty() {
        let (from, len) = match head(rest) {
            Head::Counted { digits, len } => (digits + 1, len.min(rest.len() - digits - 1)),
            Head::Open | Head::Line => (0, line(rest)),
        };
        let message = &rest[from..from + len];
        match put(message, message.len() as u64, max, out) {
            Put::Nothing => {}
            Put::Whole => facts.messages += 1,
            Put::Cut => {
                facts.messages += 1;
                facts.cut += 1;
            }
        }
        rest = &rest[from + len..];
        rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    }
    facts
}

/// Length of the message at the beginning of `rest`.
fn line(rest: &[u8]) -> usize {
    let begins_as_syslog = rest[0] == b'<';
    let is_end = |at: &usize| !begins_as_syslog || is_beginning(&rest[at + 1..]);
    memchr_iter(b'\n', rest).find(is_end).unwrap_or(rest.len())
}

/// Whether a message begins here, with a count or with its priority.
fn is_beginning(rest: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    match rest {
        [b'<', behind @ ..] => matches!((digits(behind), behind.get(digits(behind))), (1..=3, Some(b'>'))),
        _ => matches!(head(rest), Head::Counted { .. }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::decode_message;
    use proptest::prelude::*;

    const MAX: usize = 32;

    fn split(body: &[u8]) -> (Vec<String>, Facts) {
        let mut out = Vec::new();
        let facts = messages(body, MAX, &mut out);
        let text = |line: &[u8]| {
            let mut buffer = Vec::new();
            String::from_utf8_lossy(decode_message(&line[..line.len() - 1], &mut buffer).text).into_owned()
        };
        (out.split_inclusive(|byte| *byte == b'\n').map(text).collect(), facts)
    }

    #[test]
    fn one_message_or_several_in_either_framing() {
        let cases: [(&[u8], &[&str]); 13] = [
            (b"<1>a", &["<1>a"]),
            (b"<1>a\n", &["<1>a"]),
            (b"<1>a\r\n<2>b\n", &["<1>a", "<2>b"]),
            // A stack trace stays whole, also before another message.
            (b"<1>a\n\tat b\n<c>\n<2>d", &["<1>a\n\tat b\n<c>", "<2>d"]),
            (b"4 <1>a4 <2>b", &["<1>a", "<2>b"]),
            (b"7 <1>a\nbc\n4 <2>d\n", &["<1>a\nbc", "<2>d"]),
            (b"<1>a\n4 <2>b", &["<1>a", "<2>b"]),
            // A count that promises more than there is: all of it is here, so it is the count that is wrong.
            (b"99 <1>a", &["<1>a"]),
            (b"plain\n\tlines\n\n", &["plain", "\tlines"]),
            (b"7 days", &["7 days"]),
            (b"12", &["12"]),
            (b"\n\r\n", &[]),
            (b"", &[]),
        ];
        for (body, expected) in cases {
            let (found, facts) = split(body);
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(body));
            assert_eq!((facts.messages, facts.cut), (expected.len() as u64, 0));
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_cut() {
        let (found, facts) = split(format!("<1>{}\n<2>b", "x".repeat(MAX)).as_bytes());
        assert_eq!((found[0].len(), found[1].as_str()), (MAX, "<2>b"));
        assert_eq!((facts.messages, facts.cut), (2, 1));
    }

    proptest! {
        /// Whatever comes, it ends, and every visible byte is in a message.
        #[test]
        fn nothing_of_a_text_is_lost(body in "(<1>|[0-9]{1,3} <|\n|[a-z]{1,3}){0,12}") {
            let mut out = Vec::new();
            messages(body.as_bytes(), 1000, &mut out);
            let letters = |text: &[u8]| text.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
            let escaped = out.iter().filter(|byte| **byte == 0x10).count();
            prop_assert_eq!(letters(&out) - escaped, letters(body.as_bytes()));
        }
    }
}
