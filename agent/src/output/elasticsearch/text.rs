//! Text from outside, on its way to a log line, a status or a dead letter.

/// Most bytes of it in one line.
pub(super) const MAX_TEXT: usize = 300;

/// Text from outside in one line: bounded, blanks joined, control characters escaped.
pub(super) fn one_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(4 * MAX_TEXT)]);
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        for character in word.chars() {
            match character.is_control() {
                true => line.extend(character.escape_default()),
                false => line.push(character),
            }
        }
        if line.len() > MAX_TEXT {
            truncate(&mut line, MAX_TEXT);
            line.push('…');
            break;
        }
    }
    line
}

/// Cuts to at most `max` bytes of whole characters.
pub(super) fn truncate(text: &mut String, max: usize) {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}
