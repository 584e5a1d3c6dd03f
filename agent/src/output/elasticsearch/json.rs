//! A pull scanner for JSON that may not be complete yet.
//!
//! It validates (RFC 8259 except that text need not be UTF-8, depth at most [`MAX_DEPTH`]) and copies nothing.

use super::text::truncate;

/// Deepest nesting that is read.
const MAX_DEPTH: u32 = 64;

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes end inside of it.
    Incomplete,
    /// It is not what was expected.
    Invalid(&'static str),
}

type Scan<T> = Result<T, Fault>;

/// Reads values from the front of `bytes`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A JSON text as it stands between its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text<'a> {
    raw: &'a [u8],
    escaped: bool,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Offset of the next byte.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The bytes from offset `start` up to the next one.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    /// Takes these texts if they come next, one after the other.
    #[inline]
    pub(super) fn take_all(&mut self, texts: [&[u8]; 3]) -> bool {
        let rest = texts.iter().try_fold(&self.bytes[self.at..], |rest, text| rest.strip_prefix(*text));
        if let Some(rest) = rest {
            self.at = self.bytes.len() - rest.len();
        }
        rest.is_some()
    }

    /// The next byte that is no blank; it stays.
    #[inline]
    pub(super) fn peek(&mut self) -> Scan<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(Fault::Incomplete),
            }
        }
    }

    /// Takes `byte` if it comes next.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> Scan<bool> {
        let next = self.peek()? == byte;
        self.at += usize::from(next);
        Ok(next)
    }

    #[inline]
    pub(super) fn expect(&mut self, byte: u8, what: &'static str) -> Scan<()> {
        if self.take(byte)? { Ok(()) } else { Err(Fault::Invalid(what)) }
    }

    /// Goes through an object. `member` gets each key and has to read its value.
    #[inline]
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, Text<'a>) -> Scan<()>) -> Scan<()> {
        self.expect(b'{', "an object was expected")?;
        if self.take(b'}')? {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            if self.take(b'}')? {
                return Ok(());
            }
            self.expect(b',', "members are not separated by a comma")?;
        }
    }

    /// A key and its colon.
    #[inline]
    pub(super) fn key(&mut self) -> Scan<Text<'a>> {
        let key = self.text()?;
        self.expect(b':', "a key is not followed by a colon")?;
        Ok(key)
    }

    #[inline]
    pub(super) fn text(&mut self) -> Scan<Text<'a>> {
        self.expect(b'"', "a text was expected")?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = special(self.bytes, self.at).ok_or(Fault::Incomplete)?;
            match self.bytes[self.at] {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(Fault::Invalid("a text holds a control character")),
            }
        }
        let raw = &self.bytes[start..self.at];
        self.at += 1;
        Ok(Text { raw, escaped, at: start })
    }

    fn escape(&mut self) -> Scan<()> {
        let kind = *self.bytes.get(self.at + 1).ok_or(Fault::Incomplete)?;
        self.at += 2;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                let digits = self.bytes.get(self.at..self.at + 4).ok_or(Fault::Incomplete)?;
                self.at += 4;
                let hex = digits.iter().all(u8::is_ascii_hexdigit);
                if hex { Ok(()) } else { Err(Fault::Invalid("a \\u escape has no four hexadecimal digits")) }
            }
            _ => Err(Fault::Invalid("a text holds an unknown escape")),
        }
    }

    /// A number as it stands. The byte behind it must be there, to know where it ends.
    #[inline]
    pub(super) fn number(&mut self) -> Scan<&'a [u8]> {
        let negative = self.peek()? == b'-';
        let start = self.at;
        self.at += usize::from(negative);
        let integer = self.digits()?;
        if integer > 1 && self.bytes[self.at - integer] == b'0' {
            return Err(Fault::Invalid("a number starts with a zero"));
        }
        if self.byte()? == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte()?, b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.byte()?, b'+' | b'-'));
            self.digits()?;
        }
        Ok(&self.bytes[start..self.at])
    }

    #[inline]
    fn digits(&mut self) -> Scan<usize> {
        let start = self.at;
        while self.byte()?.is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start { Err(Fault::Invalid("a value was expected")) } else { Ok(self.at - start) }
    }

    #[inline]
    fn byte(&self) -> Scan<u8> {
        self.bytes.get(self.at).copied().ok_or(Fault::Incomplete)
    }

    /// Any value.
    #[inline]
    pub(super) fn skip(&mut self) -> Scan<()> {
        self.skip_at_depth(0)
    }

    fn skip_at_depth(&mut self, depth: u32) -> Scan<()> {
        if depth > MAX_DEPTH {
            return Err(Fault::Invalid("values are nested too deeply"));
        }
        match self.peek()? {
            b'"' => self.text().map(drop),
            b'{' => self.object(|scanner, _| scanner.skip_at_depth(depth + 1)),
            b'[' => self.skip_array(depth),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number().map(drop),
        }
    }

    fn skip_array(&mut self, depth: u32) -> Scan<()> {
        self.at += 1;
        if self.take(b']')? {
            return Ok(());
        }
        loop {
            self.skip_at_depth(depth + 1)?;
            if self.take(b']')? {
                return Ok(());
            }
            self.expect(b',', "elements are not separated by a comma")?;
        }
    }

    fn word(&mut self, word: &'static [u8]) -> Scan<()> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        if word.starts_with(rest) {
            Err(Fault::Incomplete)
        } else {
            Err(Fault::Invalid("a value was expected"))
        }
    }
}

impl<'a> Text<'a> {
    /// Whether it stands for `plain`, escapes decoded.
    #[inline]
    pub(super) fn is(&self, plain: &[u8]) -> bool {
        if self.escaped { self.to_lossy(usize::MAX).as_bytes() == plain } else { self.raw == plain }
    }

    /// The bytes between the quotes where they stand for themselves.
    #[inline]
    pub(super) fn plain(&self) -> Option<&'a [u8]> {
        (!self.escaped).then_some(self.raw)
    }

    /// Offset of the first byte between the quotes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Decoded, cut to at most `max` bytes; what is no UTF-8 becomes U+FFFD.
    pub(super) fn to_lossy(self, max: usize) -> String {
        // Six bytes of escape are at least one byte of text.
        let raw = &self.raw[..self.raw.len().min(max.saturating_mul(6))];
        let mut text = String::with_capacity(raw.len().min(max));
        let mut rest = raw;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            text.push_str(&String::from_utf8_lossy(&rest[..at]));
            let (decoded, len) = decode_escape(&rest[at..]);
            text.push(decoded);
            rest = &rest[(at + len).min(rest.len())..];
        }
        text.push_str(&String::from_utf8_lossy(rest));
        truncate(&mut text, max);
        text
    }
}

/// The character an escape (at the start of `bytes`) stands for, and its length.
fn decode_escape(bytes: &[u8]) -> (char, usize) {
    match bytes.get(1) {
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => decode_unicode(bytes),
        Some(other) => (char::from(*other), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

fn decode_unicode(bytes: &[u8]) -> (char, usize) {
    let unit = |at: usize| -> Option<u32> {
        let escape = bytes.get(at..at + 6).filter(|escape| escape.starts_with(b"\\u"))?;
        u32::from_str_radix(std::str::from_utf8(&escape[2..]).ok()?, 16).ok()
    };
    match (unit(0), unit(6)) {
        (Some(high @ 0xd800..0xdc00), Some(low @ 0xdc00..0xe000)) => {
            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        (Some(code), _) => (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
        (None, _) => (char::REPLACEMENT_CHARACTER, 6),
    }
}

/// Offset of the next quote, backslash or control character from `at` on. Eight bytes at a time.
#[inline]
fn special(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    while let Some(eight) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(eight.try_into().expect("eight bytes"));
        // The lowest mark of each term is exact; marks above it may be false, but only the lowest is used.
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let marks = zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) | control;
        if marks != 0 {
            return Some(at + (marks.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = &bytes[at.min(bytes.len())..];
    rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).map(|place| at + place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn skip(json: &[u8]) -> Result<usize, Fault> {
        let mut scanner = Scanner::new(json, 0);
        scanner.skip().map(|()| scanner.at())
    }

    #[test]
    fn valid_values_are_read_to_their_end() {
        for json in [
            "{}",
            "[]",
            "\"\"",
            "null",
            "[1,-2.5e+3,{\"a\":[true,false]}]",
            "\"\\ud83d\\ude00 \\\"\"",
            "{ \"a\" : [ ] }",
        ] {
            assert_eq!(skip(format!("{json},").as_bytes()), Ok(json.len()), "{json}");
        }
    }

    #[test]
    fn broken_values_are_refused() {
        for json in [
            "{a:1}",
            "[1 2]",
            "\"\\x\"",
            "\"\\u12g4\"",
            "tru ",
            "01,",
            "1.,",
            "-,",
            "{\"a\" 1}",
            "\"a\nb\"",
            "]",
            "{,}",
        ] {
            assert!(
                matches!(skip(json.as_bytes()), Err(Fault::Invalid(_))),
                "{json}: {:?}",
                skip(json.as_bytes())
            );
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(matches!(skip(&[b'['; 100_000]), Err(Fault::Invalid(_))));
    }

    #[test]
    fn escapes_are_decoded() {
        let text = |json: &str| Scanner::new(json.as_bytes(), 0).text().unwrap().to_lossy(100);
        assert_eq!(text(r#""a\n\u00e4\ud83d\ude00\/\"""#), "a\nä😀/\"");
        assert_eq!(text(r#""\ud83d!""#), "\u{fffd}!");
        assert!(Scanner::new(br#""st\u0061tus""#, 0).text().unwrap().is(b"status"));
        assert_eq!(Scanner::new("\"äää\"".as_bytes(), 0).text().unwrap().to_lossy(3), "ä");
    }

    proptest! {
        #[test]
        fn the_next_special_byte_is_the_first_one(bytes in prop::collection::vec(any::<u8>(), 0..64), at in 0usize..64) {
            let at = at.min(bytes.len());
            let slow = bytes[at..].iter().position(|b| matches!(b, b'"' | b'\\' | ..0x20)).map(|place| place + at);
            prop_assert_eq!(special(&bytes, at), slow);
        }

        #[test]
        fn no_cut_value_is_complete(text in "[ -~äöü\n\t\"\\\\]{0,20}", number: i64, cut in 0usize..200) {
            let json = serde_json::json!({"a": [text, number, null, {"b": true}]}).to_string();
            let cut = cut % json.len();
            prop_assert_eq!(skip(&json.as_bytes()[..cut]), Err(Fault::Incomplete));
            prop_assert_eq!(skip(json.as_bytes()), Ok(json.len()));
        }
    }
}
