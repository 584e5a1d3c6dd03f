//! Texts of several lines, such as stack traces behind a message.

use super::group::Part;
use regex::bytes::Regex;

/// Which lines belong to the line before them. A line that begins with `{` always stands alone.
#[derive(Debug, Clone)]
pub enum Blocks {
    /// All that are not found by this.
    Start(Regex),
    /// Those that are found by this.
    Continue(Regex),
}

impl Blocks {
    pub(super) fn part(&self, line: &[u8]) -> Part {
        let is_object = line.first() == Some(&b'{');
        let joins = !is_object
            && match self {
                Self::Start(pattern) => !pattern.is_match(line),
                Self::Continue(pattern) => pattern.is_match(line),
            };
        Part { stream: None, joins, closes: is_object, is_blank: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::group::{Framing, GROUP_BYTES, frame_groups};
    use crate::line::{Flow, Piece};

    fn blocks(text: &str, blocks: &Blocks) -> (Vec<String>, String) {
        let mut found = Vec::new();
        let consumed = frame_groups(text.as_bytes(), 0, &Framing::Blocks(blocks.clone()), |piece| {
            if let Piece::Line { bytes, .. } = piece {
                found.push(String::from_utf8(bytes.to_vec()).unwrap());
            }
            Flow::Continue
        });
        (found, text[consumed..].to_owned())
    }

    fn dated() -> Blocks {
        Blocks::Start(Regex::new(r"^\d{4}-").unwrap())
    }

    #[test]
    fn a_block_ends_before_the_next_start_and_the_last_one_waits() {
        let text = "2026-08-21 failed\njava.io.IOException: no\n\tat a.B.c(B.java:3)\n\nCaused by: x\n{\"a\":1}\nstray\n2026-08-21 next\n";
        let (found, rest) = blocks(text, &dated());
        let trace = "2026-08-21 failed\njava.io.IOException: no\n\tat a.B.c(B.java:3)\n\nCaused by: x";
        assert_eq!(found, [trace, "{\"a\":1}", "stray"]);
        assert_eq!(rest, "2026-08-21 next\n");
    }

    #[test]
    fn what_continues_can_be_said_in_place_of_what_starts() {
        let indented = Blocks::Continue(Regex::new(r"^(\s|Caused by:)").unwrap());
        let (found, rest) = blocks("a\n b\nCaused by: c\n\td\ne\nf\n", &indented);
        assert_eq!(found, ["a\n b\nCaused by: c\n\td", "e"]);
        assert_eq!(rest, "f\n");
    }

    #[test]
    fn a_block_without_end_is_cut_into_bounded_ones() {
        let text = "no start in sight\n".repeat(20_000);
        let (found, rest) = blocks(&text, &dated());
        assert!(
            found.len() > 4
                && found.iter().all(|block| block.len() <= GROUP_BYTES)
                && rest.len() <= GROUP_BYTES
        );
        let whole: usize = found.iter().map(|block| block.len() + 1).sum();
        assert_eq!(whole + rest.len(), text.len());
    }
}
