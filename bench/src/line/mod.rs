//! Log lines that are a function of (seed, writer, sequence).
//!
//! Every line carries its [`Mark`] as text, which survives any mapping of fields, and values derived from it
//! ([`Facts`]), by which a judge sees whether the content of a stored document is the line's own.

mod facts;
mod format;
mod mark;
mod request;
mod stamp;

pub use facts::{Fact, Facts};
pub use format::Format;
pub use mark::Mark;

use request::Request;
use stamp::Stamp;

/// Who writes what: together with a sequence number it determines a line but for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Origin {
    /// Seed of the run.
    pub seed: u64,
    /// Number of the writer; unique in a run.
    pub writer: u32,
    /// Shape of its lines.
    pub format: Format,
}

/// Makes the lines of one writer.
#[derive(Debug)]
pub struct LineMaker {
    origin: Origin,
    stamp: Stamp,
}

impl LineMaker {
    /// Lines of `origin`.
    pub fn new(origin: Origin) -> Self {
        Self { origin, stamp: Stamp::default() }
    }

    /// Appends line `sequence`, terminator included, as logged at `time` (nanoseconds since the epoch).
    pub fn append(&mut self, out: &mut Vec<u8>, sequence: u64, time: u64) {
        let request = Request::of(self.origin, sequence);
        let mark = Mark::of(self.origin, sequence);
        format::append(out, self.origin.format, &request, mark, time, &mut self.stamp);
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: u64 = 1_787_307_330_123_456_789;

    fn line(format: Format, sequence: u64) -> String {
        let mut out = Vec::new();
        LineMaker::new(Origin { seed: 5, writer: 3, format }).append(&mut out, sequence, TIME);
        String::from_utf8(out).expect("lines are UTF-8")
    }

    #[test]
    fn json_formats_give_one_json_object_a_line() {
        for format in [Format::Tracing, Format::Pino, Format::Ecs] {
            for sequence in 0..200 {
                let text = line(format, sequence);
                let value: serde_json::Value = serde_json::from_str(&text).expect(&text);
                assert!(value.is_object(), "{text}");
                assert_eq!(text.matches('\n').count(), 1, "{text}");
            }
        }
    }

    #[test]
    fn tracing_lines_are_about_as_long_as_those_of_a_real_service() {
        let bytes: usize = (0..1000).map(|sequence| line(Format::Tracing, sequence).len()).sum();
        assert!((440_000..510_000).contains(&bytes), "{bytes} bytes in 1000 lines");
    }

    #[test]
    fn every_line_carries_its_mark_and_its_facts() {
        for format in Format::ALL {
            let origin = Origin { seed: 5, writer: 3, format };
            for sequence in 0..100 {
                let text = line(format, sequence);
                assert_eq!(Mark::find(text.as_bytes()), Some(Mark::of(origin, sequence)), "{text}");
                let document = serde_json::json!({ "message": text.trim_end() });
                assert!(Facts::of(origin, sequence).hold_in(&document), "{text}");
            }
        }
    }

    #[test]
    fn facts_hold_in_a_parsed_line_and_in_no_other_line() {
        for format in [Format::Tracing, Format::Pino, Format::Ecs] {
            let origin = Origin { seed: 5, writer: 3, format };
            for sequence in 0..100 {
                let document = serde_json::from_str(&line(format, sequence)).expect("JSON");
                assert!(Facts::of(origin, sequence).hold_in(&document), "{document}");
                assert!(!Facts::of(origin, sequence + 5).hold_in(&document), "{document}");
            }
        }
    }

    #[test]
    fn a_line_is_the_same_each_time_it_is_made() {
        assert_eq!(line(Format::Tracing, 17), line(Format::Tracing, 17));
        assert_ne!(line(Format::Tracing, 17), line(Format::Tracing, 22));
    }
}
