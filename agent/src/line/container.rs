//! Container runtimes wrap each line of an application, and cut long ones: the pieces that belong together are one group.
//!
//! - CRI: `2026-08-21T10:15:30.123456789Z stdout F text`, with `P` in all pieces of a line but its last.
//! - docker's `json-file`: `{"log":"text\n","stream":"stdout","time":"…"}`; without the `\n` more follows.
//!
//! A group ends with its last piece, or before a line of the other stream.

use super::group::Part;
use memchr::memmem;

/// What a runtime puts around lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Container {
    /// Nothing.
    #[default]
    None,
    /// The container runtime interface of Kubernetes.
    Cri,
    /// docker's `json-file` driver.
    Docker,
}

/// Where a line of an application went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    fn named(name: &[u8]) -> Option<Self> {
        [Self::Stdout, Self::Stderr].into_iter().find(|stream| stream.name().as_bytes() == name)
    }
}

/// What a wrapped line says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrapping<'a> {
    /// Where it went.
    pub stream: Stream,
    /// When the runtime took it; empty for docker, which states it behind the text.
    pub time: &'a [u8],
    /// The text; JSON-escaped for docker.
    pub text: &'a [u8],
    /// More of the same line follows.
    pub is_partial: bool,
}

impl<'a> Wrapping<'a> {
    /// Reads what is around one line. `None`: it is not wrapped so.
    pub fn of(line: &'a [u8], container: Container) -> Option<Self> {
        match container {
            Container::None => None,
            Container::Cri => Self::cri(line),
            Container::Docker => Self::docker(line),
        }
    }

    fn cri(line: &'a [u8]) -> Option<Self> {
        let mut parts = line.splitn(4, |byte| *byte == b' ');
        let (time, stream, tags) = (parts.next()?, Stream::named(parts.next()?)?, parts.next()?);
        // Further tags may follow behind a colon.
        let is_partial = match tags.split(|byte| *byte == b':').next()? {
            b"P" => true,
            b"F" => false,
            _ => return None,
        };
        let is_time = time.first().is_some_and(u8::is_ascii_digit);
        is_time.then_some(Self { stream, time, text: parts.next().unwrap_or(b""), is_partial })
    }

    fn docker(line: &'a [u8]) -> Option<Self> {
        let text_on = line.strip_prefix(b"{\"log\":\"")?;
        // Quotes inside the text are escaped, so the first of these is behind it.
        let end = memmem::find(text_on, b"\",\"stream\":\"")?;
        let (text, behind) = (&text_on[..end], &text_on[end + b"\",\"stream\":\"".len()..]);
        let stream = Stream::named(behind.split(|byte| *byte == b'"').next()?)?;
        match text.strip_suffix(b"\\n") {
            Some(whole) if !ends_with_open_escape(whole) => {
                Some(Self { stream, time: b"", text: whole, is_partial: false })
            }
            _ => Some(Self { stream, time: b"", text, is_partial: true }),
        }
    }

    fn is_blank(&self) -> bool {
        super::is_blank(self.text)
    }
}

/// Whether an odd number of backslashes stands at the end: what follows them is part of an escape.
fn ends_with_open_escape(text: &[u8]) -> bool {
    text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

impl<'a> Wrapping<'a> {
    /// What a line is to the group before it.
    pub(super) fn part(line: &'a [u8], container: Container) -> Part {
        match Self::of(line, container) {
            None => Part { stream: None, joins: false, closes: true, is_blank: false },
            Some(wrapping) => Part {
                stream: Some(wrapping.stream),
                joins: true,
                closes: !wrapping.is_partial,
                is_blank: wrapping.is_blank() && !wrapping.is_partial,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::group::{Framing, GROUP_BYTES, frame_groups};
    use crate::line::{Flow, Piece};
    use proptest::prelude::*;

    fn groups(text: &[u8], container: Container) -> (Vec<String>, usize) {
        let mut groups = Vec::new();
        let consumed = frame_groups(text, 0, &Framing::Container(container), |piece| {
            if let Piece::Line { bytes, .. } = piece {
                groups.push(String::from_utf8(bytes.to_vec()).unwrap());
            }
            Flow::Continue
        });
        (groups, consumed)
    }

    const T: &str = "2026-08-21T10:15:30.1Z";

    #[test]
    fn pieces_of_one_line_are_one_group_and_the_other_stream_ends_it() {
        let text = format!(
            "{T} stdout P ab\n{T} stdout F c\n{T} stderr F e\n{T} stdout F \n{T} stdout P x\n{T} stderr F y\nodd\n{T} stdout P open\n"
        );
        let (found, consumed) = groups(text.as_bytes(), Container::Cri);
        let expected = [
            format!("{T} stdout P ab\n{T} stdout F c"),
            format!("{T} stderr F e"),
            format!("{T} stdout P x"),
            format!("{T} stderr F y"),
            "odd".to_owned(),
        ];
        assert_eq!(found, expected);
        assert!(text[consumed..].ends_with("P open\n") && text[consumed..].starts_with(T));
    }

    #[test]
    fn a_docker_line_goes_on_where_its_text_has_no_line_break() {
        let line = |log: &str| format!("{{\"log\":\"{log}\",\"stream\":\"stdout\",\"time\":\"{T}\"}}\n");
        let text =
            [line("a"), line(r"b\n"), line(r"c\\n"), line(r#"\",\"stream\":\"x\n"#), line(r"\n")].concat();
        let (found, consumed) = groups(text.as_bytes(), Container::Docker);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("\"a\"") && found[0].contains(r"b\n"));
        assert!(found[1].contains(r"c\\n") && found[1].contains(r#"\"x\n"#), "{found:?}");
        assert_eq!(consumed, text.len());
    }

    // I03
    #[test]
    fn pieces_without_end_are_cut_into_groups_of_a_bounded_size() {
        let piece = format!("{T} stdout P {}\n", "x".repeat(1000));
        let text = piece.repeat(300);
        let (found, consumed) = groups(text.as_bytes(), Container::Cri);
        assert!(found.iter().all(|group| group.len() <= GROUP_BYTES));
        assert!(text.len() - consumed <= GROUP_BYTES);
    }

    proptest! {
        /// Groups do not depend on where reading was cut.
        #[test]
        fn any_split_gives_the_same_groups(
            lines in proptest::collection::vec((any::<bool>(), any::<bool>(), 0usize..40_000), 0..12),
            cuts in proptest::collection::vec(0usize..200_000, 0..5),
        ) {
            let text: String = lines.iter().map(|(out, whole, len)| {
                let stream = if *out { "stdout" } else { "stderr" };
                let tag = if *whole { "F" } else { "P" };
                format!("{T} {stream} {tag} {}\n", "x".repeat(*len))
            }).collect();
            let (whole, _) = groups(text.as_bytes(), Container::Cri);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.push(text.len());
            cuts.sort_unstable();
            let (mut found, mut from) = (Vec::new(), 0);
            for cut in cuts {
                from += frame_groups(&text.as_bytes()[from..cut.max(from)], from as u64, &Framing::Container(Container::Cri), |piece| {
                    if let Piece::Line { bytes, .. } = piece {
                        found.push(String::from_utf8(bytes.to_vec()).unwrap());
                    }
                    Flow::Continue
                });
            }
            prop_assert_eq!(found, whole);
        }
    }
}
