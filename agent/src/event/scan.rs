//! One pass over a line: is it exactly one JSON object, and where are its values?
//!
//! Accepts RFC 8259 and nothing else, with three bounds on top: depth, number of values, and no lone surrogate escapes
//! (legal in the grammar, but they stand for no text; Elasticsearch's parser fails on them). The caller has
//! checked that the bytes are UTF-8.

use super::format::UNKNOWN;
use super::habit::Habit;
use super::refusal::Refusal;

/// Deepest nesting of objects and arrays, the outermost object included.
pub(super) const MAX_DEPTH: usize = 64;
/// Most values (members and elements at all levels) in one line.
pub(super) const MAX_NODES: usize = 16_384;

/// Kind of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    False,
    True,
    Number,
    Text,
    Array,
    Object,
}

/// One value of the line: where its key and its text lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// Key without its quotes; empty for array elements.
    key: (u32, u32),
    /// Value as written, a text with its quotes.
    value: (u32, u32),
    /// Index of the first node that is not inside this one.
    pub(super) next: u32,
    pub(super) kind: Kind,
    /// The key holds at least one backslash.
    pub(super) key_escaped: bool,
    /// Of the key in the tables, as far as it needs no decoding.
    pub(super) number: u16,
}

impl Node {
    pub(super) fn key_range(&self) -> std::ops::Range<usize> {
        self.key.0 as usize..self.key.1 as usize
    }

    pub(super) fn range(&self) -> std::ops::Range<usize> {
        self.value.0 as usize..self.value.1 as usize
    }

    pub(super) fn value<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        &line[self.range()]
    }
}

/// The values of one line in the order of their text, children behind their parent.
#[derive(Debug, Default)]
pub(super) struct Tape {
    nodes: Vec<Node>,
    habit: Habit,
}

impl Tape {
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Reads `line`, which must be UTF-8. After an error the tape holds nothing of use.
    pub(super) fn scan(&mut self, line: &[u8]) -> Result<(), Refusal> {
        self.scan_within(line, MAX_NODES)
    }

    /// As [`Tape::scan`], with another limit of values.
    pub(super) fn scan_within(&mut self, line: &[u8], max_nodes: usize) -> Result<(), Refusal> {
        self.nodes.clear();
        if u32::try_from(line.len()).is_err() {
            return Err(Refusal::Length);
        }
        self.habit.begin();
        let mut scan = Scan { line, at: 0, max_nodes, nodes: &mut self.nodes, habit: &mut self.habit };
        scan.blanks();
        if scan.peek() != Some(b'{') {
            return Err(Refusal::NotAnObject);
        }
        scan.at += 1;
        scan.document()?;
        scan.blanks();
        if scan.at == line.len() { Ok(()) } else { Err(Refusal::Trailing(scan.at as u32)) }
    }
}

/// What a `,` leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Object,
    Array,
}

struct Scan<'a> {
    line: &'a [u8],
    at: usize,
    max_nodes: usize,
    nodes: &'a mut Vec<Node>,
    habit: &'a mut Habit,
}

struct Key {
    range: (u32, u32),
    escaped: bool,
    number: u16,
}

/// What an element of an array has for a key.
const NO_KEY: Key = Key { range: (0, 0), escaped: false, number: UNKNOWN };

/// Node index in [`Open`] of the outermost object, which has no node.
const ROOT: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Open {
    node: u32,
    inside: Inside,
}

impl Scan<'_> {
    /// Everything behind the first `{`, up to and with its `}`.
    fn document(&mut self) -> Result<(), Refusal> {
        let mut open = [Open { node: ROOT, inside: Inside::Object }; MAX_DEPTH];
        let mut depth = 0;
        let mut first = true;
        loop {
            self.blanks();
            let inside = open[depth].inside;
            if first && self.closes(inside) {
                if self.close(open[depth].node) {
                    return Ok(());
                }
                depth -= 1;
            } else {
                let opened = self.member(inside)?;
                if let Some(inside) = opened {
                    depth += 1;
                    if depth == MAX_DEPTH {
                        return Err(Refusal::Depth(self.at as u32));
                    }
                    open[depth] = Open { node: self.nodes.len() as u32 - 1, inside };
                    first = true;
                    continue;
                }
            }
            first = false;
            loop {
                self.blanks();
                if self.peek() == Some(b',') {
                    self.at += 1;
                    break;
                }
                if !self.closes(open[depth].inside) {
                    return Err(self.syntax());
                }
                if self.close(open[depth].node) {
                    return Ok(());
                }
                depth -= 1;
            }
        }
    }

    fn closes(&self, inside: Inside) -> bool {
        self.peek() == Some(if inside == Inside::Object { b'}' } else { b']' })
    }

    /// Takes the closing bracket of `node`; true if that was the outermost.
    fn close(&mut self, node: u32) -> bool {
        self.at += 1;
        if node == ROOT {
            return true;
        }
        let next = self.nodes.len() as u32;
        let node = &mut self.nodes[node as usize];
        node.value.1 = self.at as u32;
        node.next = next;
        false
    }

    /// One member or element; says what it opened if it is a container.
    fn member(&mut self, inside: Inside) -> Result<Option<Inside>, Refusal> {
        let key = match inside {
            Inside::Object => self.key()?,
            Inside::Array => NO_KEY,
        };
        let start = self.at as u32;
        let (kind, opened) = self.value()?;
        let next = self.nodes.len() as u32 + 1;
        if next as usize > self.max_nodes {
            return Err(Refusal::Values);
        }
        let Key { range, escaped, number } = key;
        let value = (start, self.at as u32);
        self.nodes.push(Node { key: range, value, next, kind, key_escaped: escaped, number });
        Ok(opened)
    }

    /// A key, its colon and the blanks around it.
    #[inline]
    fn key(&mut self) -> Result<Key, Refusal> {
        let Some(met) = self.habit.meet(&self.line[self.at..]) else { return self.unexpected_key() };
        let start = self.at as u32 + 1;
        self.at += met.len;
        self.blanks();
        Ok(Key { range: (start, start + met.len as u32 - 3), escaped: false, number: met.number })
    }

    fn unexpected_key(&mut self) -> Result<Key, Refusal> {
        self.expect(b'"')?;
        let start = self.at;
        let escaped = self.text()?;
        let end = self.at - 1;
        self.blanks();
        self.expect(b':')?;
        self.blanks();
        let number = if escaped { UNKNOWN } else { self.habit.learn(&self.line[start..end]) };
        Ok(Key { range: (start as u32, end as u32), escaped, number })
    }

    #[inline]
    fn value(&mut self) -> Result<(Kind, Option<Inside>), Refusal> {
        let Some(byte) = self.peek() else { return Err(self.syntax()) };
        let kind = match byte {
            b'"' => {
                self.at += 1;
                self.text()?;
                Kind::Text
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
                Kind::Number
            }
            b'{' | b'[' => {
                self.at += 1;
                return Ok(match byte {
                    b'{' => (Kind::Object, Some(Inside::Object)),
                    _ => (Kind::Array, Some(Inside::Array)),
                });
            }
            b't' => self.word(b"true", Kind::True)?,
            b'f' => self.word(b"false", Kind::False)?,
            b'n' => self.word(b"null", Kind::Null)?,
            _ => return Err(self.syntax()),
        };
        Ok((kind, None))
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<Kind, Refusal> {
        if !self.line[self.at..].starts_with(word) {
            return Err(self.syntax());
        }
        self.at += word.len();
        Ok(kind)
    }

    /// From behind the opening quote to behind the closing one; says whether there was a backslash.
    #[inline]
    fn text(&mut self) -> Result<bool, Refusal> {
        self.at = special(self.line, self.at);
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(false);
        }
        self.escaped_text()
    }

    fn escaped_text(&mut self) -> Result<bool, Refusal> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(true);
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(self.syntax()),
            }
            self.at = special(self.line, self.at);
        }
    }

    fn escape(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                let lone = Refusal::Surrogate(start as u32);
                match self.unit()? {
                    0xd800..=0xdbff if self.line[self.at..].starts_with(b"\\u") => {
                        self.at += 1;
                        if (0xdc00..=0xdfff).contains(&self.unit()?) { Ok(()) } else { Err(lone) }
                    }
                    0xd800..=0xdfff => Err(lone),
                    _ => Ok(()),
                }
            }
            _ => Err(self.syntax()),
        }
    }

    /// `uXXXX`, from the `u` on.
    fn unit(&mut self) -> Result<u32, Refusal> {
        let mut unit = 0;
        for _ in 0..4 {
            self.at += 1;
            let digit = self.peek().and_then(|byte| (byte as char).to_digit(16));
            unit = unit << 4 | digit.ok_or_else(|| self.syntax())?;
        }
        self.at += 1;
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), Refusal> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax()) } else { Ok(()) }
    }

    #[inline]
    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Refusal> {
        if self.peek() != Some(byte) {
            return Err(self.syntax());
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    #[cold]
    fn syntax(&self) -> Refusal {
        Refusal::Syntax(self.at as u32)
    }
}

/// Index of the first `"`, `\` or control character at or behind `from`; the length if there is none.
#[inline]
pub(super) fn special(bytes: &[u8], from: usize) -> usize {
    let mut rest = &bytes[from..];
    while let Some((sixteen, behind)) = rest.split_first_chunk::<16>() {
        // Without early exits, so that all are compared at once.
        let any = |any, byte: &u8| any | (*byte == b'"') | (*byte == b'\\') | (*byte < b' ');
        if sixteen.iter().fold(false, any) {
            break;
        }
        rest = behind;
    }
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        let hits = special_in(u64::from_le_bytes(*eight));
        if hits != 0 {
            return bytes.len() - rest.len() + (hits.trailing_zeros() / 8) as usize;
        }
        rest = behind;
    }
    let tail = rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | ..b' ')).count();
    bytes.len() - rest.len() + tail
}

/// The high bit of each byte that is `"`, `\` or below 0x20. The lowest hit is exact, those above it may be false:
/// a borrow only travels upwards from a hit.
#[inline]
fn special_in(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let below_quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let below_backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    let below_blank = word.wrapping_sub(ONES * b' ' as u64);
    (below_quote | below_backslash | below_blank) & !word & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(line: &str) -> Result<Vec<(Kind, String)>, Refusal> {
        let mut tape = Tape::default();
        tape.scan(line.as_bytes())?;
        let text = |node: &Node| String::from_utf8(node.value(line.as_bytes()).to_vec()).unwrap();
        Ok(tape.nodes().iter().map(|node| (node.kind, text(node))).collect())
    }

    #[test]
    fn values_are_found_with_their_text_and_nesting() {
        let line = r#" { "a" : {"b":[1, -2.5e+3 ],"c":{}} , "d\"":"x\u00e9\\" , "e":null,"f":true } "#;
        let mut tape = Tape::default();
        tape.scan(line.as_bytes()).unwrap();
        let seen: Vec<_> = tape
            .nodes()
            .iter()
            .map(|node| (&line[node.key_range()], &line[node.range()], node.next, node.key_escaped))
            .collect();
        assert_eq!(
            seen,
            [
                ("a", r#"{"b":[1, -2.5e+3 ],"c":{}}"#, 5, false),
                ("b", "[1, -2.5e+3 ]", 4, false),
                ("", "1", 3, false),
                ("", "-2.5e+3", 4, false),
                ("c", "{}", 5, false),
                (r#"d\""#, r#""x\u00e9\\""#, 6, true),
                ("e", "null", 7, false),
                ("f", "true", 8, false),
            ]
        );
    }

    #[test]
    fn refusals_name_their_reason() {
        let cases = [
            ("", Refusal::NotAnObject),
            ("[1]", Refusal::NotAnObject),
            ("12", Refusal::NotAnObject),
            ("{}{}", Refusal::Trailing(2)),
            ("{} x", Refusal::Trailing(3)),
            (r#"{"a":1,}"#, Refusal::Syntax(7)),
            (r#"{"a":"\ud800"}"#, Refusal::Surrogate(6)),
            (r#"{"a":"\udc00\ud800"}"#, Refusal::Surrogate(6)),
            (r#"{"a":"\ud800\u0041"}"#, Refusal::Surrogate(6)),
        ];
        for (line, refusal) in cases {
            assert_eq!(scan(line), Err(refusal), "{line}");
        }
        assert!(scan(r#"{"a":"\ud83d\ude00"}"#).is_ok());
    }

    #[test]
    fn depth_64_passes_and_65_does_not() {
        let nested =
            |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(scan(&nested(64)).is_ok());
        assert!(matches!(scan(&nested(65)), Err(Refusal::Depth(_))));
        assert!(matches!(scan(&format!("{{\"a\":{}", "[".repeat(100_000))), Err(Refusal::Depth(_))));
    }

    #[test]
    fn too_many_values_are_refused() {
        let line = |count: usize| format!("{{\"a\":[{}]}}", vec!["1"; count].join(","));
        assert!(scan(&line(MAX_NODES - 1)).is_ok());
        assert_eq!(scan(&line(MAX_NODES)), Err(Refusal::Values));
    }

    /// Texts on which parsers are known to disagree, each as the value of a member or as a whole line.
    #[test]
    fn accepts_what_serde_json_accepts() {
        #[rustfmt::skip]
        let values = [
            "0", "-0", "-", "+1", "01", "-01", "1.", ".5", "1.0", "1e5", "1E+05", "1e", "1e+", "0x10",
            "1_000", "NaN", "Infinity", "-Infinity", "1 2", "nul", "null", "NULL", "nullx", "true", "tru",
            "truefalse", "false", "\"", "\"\"", "\"\\\"", "\"\\\\\"", "\"\\/\"", "\"\\a\"", "\"\\'\"",
            "'a'", "\"\\u\"", "\"\\u12\"", "\"\\u123g\"", "\"\\u00E9\"", "\"\\U0041\"", "\"\\u0000\"",
            "\"\\uD83D\\uDE00\"", "\"\\uD83D\"", "\"\\uD83Dx\"", "\"\\uD83D\\n\"", "\"\\uDE00\"",
            "\"\\uD83D\\uD83D\"", "\"a\tb\"", "\"a\u{0}b\"", "\"a\u{7f}b\"", "\"\u{2028}\u{1f600}\"", "[",
            "]", "[]", "[ ]", "[,]", "[1,]", "[,1]", "[1 2]", "[1,2]", "[[[]]]", "{", "}", "{}", "{ }",
            "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1 \"b\":2}", "{a:1}", "{\"a\":1}",
            "{\"a\":1]", "[1}", "{1:2}", "{null:1}", "/*c*/1", "1//c", "\u{feff}1", "\u{a0}1", "\u{b}1",
            "\u{c}1", " \t\r\n1 \t\r\n", "123456789012345678901234567890", "0.1e-7", "\"\\ud83d\\ude0\"",
            "\"abcdefg\\", "\"abcdefg\"", "\"abcdef\\\"gh\"", "\"12345678\\u00e912345678\"", "\"\\",
            "tru e",
        ];
        for value in values {
            for line in [format!("{{\"k\":{value}}}"), format!("{{\"k\":1{value}"), format!("{{{value}}}")] {
                let reference = serde_json::from_str::<serde_json::Value>(&line).is_ok();
                assert_eq!(scan(&line).is_ok(), reference, "{line:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json_on_mutated_json(
            line in r#"\{("[a"\\u{}:,\[\]0-9e.+ -]{0,6}"?:?[\[{]?("\\?u?[d8-9]{0,5}"|-?[0-9.eE]{1,4}|true|null)[\]}]?,?){0,4}\}"#
        ) {
            // serde_json refuses numbers beyond f64; the grammar has no such bound.
            let reference = serde_json::from_str::<serde_json::Value>(&line);
            let out_of_range = matches!(&reference, Err(error) if error.to_string().contains("out of range"));
            prop_assume!(!out_of_range);
            prop_assert_eq!(scan(&line).is_ok(), reference.is_ok());
        }

        /// Which keys are expected is a matter of speed alone.
        #[test]
        fn earlier_lines_change_nothing(
            lines in prop::collection::vec(
                r#"\{("(a|level|time|l\\u0065vel|a key of thirty-three characters)" {0,1}: {0,1}("a text long enough to fill a block"|-?1|\{"a":\[\{"level":1\}\]\}|null)?,?){0,6}\}? {0,40}"#,
                1..8
            )
        ) {
            let mut used = Tape::default();
            for line in &lines {
                let mut fresh = Tape::default();
                let expected = fresh.scan(line.as_bytes());
                prop_assert_eq!(used.scan(line.as_bytes()), expected, "{}", line);
                if expected.is_ok() {
                    prop_assert_eq!(format!("{:?}", used.nodes()), format!("{:?}", fresh.nodes()), "{}", line);
                }
            }
        }

        #[test]
        fn special_finds_what_a_plain_loop_finds(bytes: Vec<u8>, from in 0usize..20) {
            let from = from.min(bytes.len());
            let plain = bytes[from..].iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '));
            prop_assert_eq!(special(&bytes, from), plain.map_or(bytes.len(), |at| from + at));
        }
    }
}
