//! Text of others on one line of the agent's own.

/// Appends a character so that no terminal and no line reader takes it for more than text: control characters (ESC among
/// them), line and paragraph separators, and characters that turn the writing direction become escapes.
pub fn push_escaped(out: &mut String, character: char) {
    match character {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ if is_dangerous(character) => out.extend(character.escape_unicode()),
        _ => out.push(character),
    }
}

/// The text with each dangerous character escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|character| push_escaped(&mut out, character));
    out
}

/// Control characters (C0, DEL, C1), U+2028/2029, and the marks, embeddings, overrides and isolates of UAX #9.
pub fn is_dangerous(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_cursor_line_or_direction_passes() {
        assert_eq!(escaped("a\x1b[31mb"), r"a\u{1b}[31mb");
        assert_eq!(escaped("a\r\n\tb"), r"a\r\n\tb");
        assert_eq!(escaped("a\u{2028}b\u{202e}c\u{9b}d"), r"a\u{2028}b\u{202e}c\u{9b}d");
        assert_eq!(escaped("grün 日本 🐂"), "grün 日本 🐂");
    }
}
