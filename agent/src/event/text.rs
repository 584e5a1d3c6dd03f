//! JSON texts: bytes into a text, a text into its characters.

use super::scan::special;

/// Appends `bytes` as a JSON text with its quotes. What is not UTF-8 becomes U+FFFD.
pub(super) fn write_quoted(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    match simdutf8::basic::from_utf8(bytes) {
        Ok(_) => write_escaped(bytes, out),
        Err(_) => write_lossy(bytes, out),
    }
    out.push(b'"');
}

#[cold]
fn write_lossy(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        write_escaped(chunk.valid().as_bytes(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// Appends UTF-8 text with JSON's escapes and without quotes.
pub(super) fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    let mut from = 0;
    loop {
        let at = special(text, from);
        out.extend_from_slice(&text[from..at]);
        let Some(byte) = text.get(at) else { return };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                let digit = b"0123456789abcdef"[usize::from(control & 15)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (control >> 4), digit]);
            }
        }
        from = at + 1;
    }
}

/// Appends the characters of a scanned JSON text, which is given without its quotes.
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        out.extend_from_slice(&rest[..at]);
        let escape = rest[at + 1];
        rest = &rest[at + 2..];
        match escape {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => rest = decode_unicode(rest, out),
            itself => out.push(itself),
        }
    }
    out.extend_from_slice(rest);
}

/// `XXXX` or `XXXX\uXXXX`; gives back what follows.
fn decode_unicode<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let unit = |at: usize| {
        let digits = text.get(at..at + 4).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or("");
        u32::from_str_radix(digits, 16).unwrap_or(0)
    };
    let (code, len) = match unit(0) {
        high @ 0xd800..=0xdbff => {
            (0x1_0000 + ((high - 0xd800) << 10) + (unit(6).wrapping_sub(0xdc00) & 0x3ff), 10)
        }
        code => (code, 4),
    };
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    &text[len.min(text.len())..]
}

/// The length of the longest piece of a scanned JSON text (no quotes) that fits in `max` bytes and ends between characters.
pub(super) fn cut(text: &[u8], max: usize) -> usize {
    if text.len() <= max {
        return text.len();
    }
    let mut at = 0;
    loop {
        let next = at + character_len(&text[at..]);
        if next > max {
            return at;
        }
        at = next;
    }
}

fn character_len(text: &[u8]) -> usize {
    match text {
        [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', ..] => 12,
        [b'\\', b'u', ..] => 6,
        [b'\\', ..] => 2,
        [..0x80, ..] => 1,
        [0xf0..=0xff, ..] => 4,
        [0xe0..=0xef, ..] => 3,
        _ => 2,
    }
}

/// Undoes Rust's debug form of a text (`?value` in tracing): the given characters with their quotes, without them and without
/// its escapes. `None` if that is not what it is.
pub(super) fn undo_debug(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let inner = text.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut characters = std::str::from_utf8(inner).ok()?.chars();
    while let Some(character) = characters.next() {
        let meant = match character {
            '"' => return None,
            '\\' => match characters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => debug_unicode(&mut characters)?,
                itself @ ('"' | '\\' | '\'') => itself,
                _ => return None,
            },
            itself => itself,
        };
        out.extend_from_slice(meant.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(())
}

/// `{1f600}` behind `\u`.
fn debug_unicode(characters: &mut std::str::Chars<'_>) -> Option<char> {
    let (digits, rest) = characters.as_str().strip_prefix('{')?.split_once('}')?;
    let code = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() <= 6)?;
    *characters = rest.chars();
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        let mut out = Vec::new();
        write_quoted(b"a\xff\"\xe2\x82z", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\u{fffd}\\\"\u{fffd}z\"");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(text: String) {
            let mut out = Vec::new();
            write_quoted(text.as_bytes(), &mut out);
            prop_assert_eq!(&serde_json::from_slice::<String>(&out).unwrap(), &text);
            let mut back = Vec::new();
            decode(&out[1..out.len() - 1], &mut back);
            prop_assert_eq!(back, text.as_bytes());
        }

        #[test]
        fn escapes_decode_as_serde_json_decodes_them(units in prop::collection::vec(prop_oneof![
            Just("\\n"), Just("\\u00e9"), Just("\\ud83d\\ude00"), Just("\\/"), Just("\\\""), Just("x"), Just("ü"), Just("\\b\\f")
        ], 0..8), max in 0usize..40) {
            let inner = units.concat();
            let mut out = Vec::new();
            decode(inner.as_bytes(), &mut out);
            let reference: String = serde_json::from_str(&format!("\"{inner}\"")).unwrap();
            prop_assert_eq!(out, reference.as_bytes());

            let kept = &inner[..cut(inner.as_bytes(), max)];
            prop_assert!(kept.len() <= max);
            prop_assert!(inner.len() <= max || kept.len() + 12 > max);
            let shorter: String = serde_json::from_str(&format!("\"{kept}\"")).unwrap();
            prop_assert!(reference.starts_with(&shorter));
        }

        #[test]
        fn the_debug_form_is_undone(text: String) {
            let mut out = Vec::new();
            let debug = format!("{text:?}");
            prop_assert!(undo_debug(debug.as_bytes(), &mut out).is_some());
            prop_assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn quotes_that_are_part_of_a_sentence_stay() {
        for text in [r#""a" and "b""#, r#""a"#, "a", r#""\q""#, r#""\u{d800}""#, r#"""""#, "\""] {
            assert_eq!(undo_debug(text.as_bytes(), &mut Vec::new()), None, "{text}");
        }
    }
}
