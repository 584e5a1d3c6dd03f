//! The frames of Lumberjack v2, as far as a client needs them.
//!
//! All integers have 32 bits, big-endian. Each frame begins with its version (`2`) and a letter: `W` count of the events that
//! follow, `J` number, length and JSON of one event, `C` length and zlib stream of whole frames; the server answers with `A`
//! and the number of the last event it has taken.

use crate::batch::Body;
use bytes::Bytes;

const ACK_LEN: usize = 6;

/// The window frame: so many events follow. Servers want it uncompressed.
pub fn window(count: u32) -> Bytes {
    head(b'W', count)
}

/// A window with the data frames of `body`, ready to be written one after the other.
pub fn window_of(count: u32, body: &Body) -> Vec<Bytes> {
    match body {
        Body::Plain(frames) => vec![window(count), frames.clone()],
        Body::Zlib(packed) | Body::Gzip(packed) => {
            vec![window(count), head(b'C', packed.len() as u32), packed.clone()]
        }
    }
}

fn head(letter: u8, number: u32) -> Bytes {
    let [a, b, c, d] = number.to_be_bytes();
    Bytes::copy_from_slice(&[b'2', letter, a, b, c, d])
}

/// What came is no acknowledgement: the peer speaks something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is no acknowledgement of Lumberjack version 2 (it begins with {}){}", shown(.start), guess(.start))]
pub struct NotLumberjack {
    /// The first bytes of it.
    pub start: Vec<u8>,
}

/// Reads acknowledgements from bytes that come in pieces of any size.
#[derive(Debug, Default)]
pub struct AckReader {
    begun: Vec<u8>,
}

impl AckReader {
    /// Takes the next piece and appends the numbers of the acknowledgements that are complete. Memory: one frame.
    pub fn receive(&mut self, piece: &[u8], acks: &mut Vec<u32>) -> Result<(), NotLumberjack> {
        for (at, byte) in piece.iter().enumerate() {
            if !matches!((self.begun.len(), byte), (0, b'2') | (1, b'A') | (2.., _)) {
                let mut start = std::mem::take(&mut self.begun);
                start.extend(piece[at..].iter().take(16));
                return Err(NotLumberjack { start });
            }
            self.begun.push(*byte);
            if let [_, _, a, b, c, d] = self.begun[..] {
                acks.push(u32::from_be_bytes([a, b, c, d]));
                self.begun.clear();
            }
        }
        debug_assert!(self.begun.len() < ACK_LEN);
        Ok(())
    }

    /// Part of a frame is there.
    pub fn is_in_a_frame(&self) -> bool {
        !self.begun.is_empty()
    }
}

fn shown(start: &[u8]) -> String {
    format!("`{}`", start.escape_ascii())
}

fn guess(start: &[u8]) -> &'static str {
    match start {
        [b'H', b'T', b'T', b'P', ..] | [b'<', ..] => {
            "; a web server listens there: name the port of Logstash's beats input, or use `output.http`"
        }
        [0x15, 0x03, ..] => "; the peer speaks TLS: add `tls` to `output.logstash`, or use logstashs://",
        [b'1', b'A', ..] => "; the peer speaks version 1, which only old servers do",
        [b'{' | b'#' | b'+' | b'-' | b'$', ..] => "; this is another protocol: check the port",
        _ => "; is this the port of a beats input?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_window_is_written_as_the_protocol_page_says() {
        let body = Body::Plain(Bytes::from_static(b"2J\0\0\0\x01\0\0\0\x10{\"message\":\"hi\"}"));
        assert_eq!(window_of(1, &body).concat(), b"2W\0\0\0\x012J\0\0\0\x01\0\0\0\x10{\"message\":\"hi\"}");
        let body = Body::Zlib(Bytes::from_static(b"packed"));
        assert_eq!(window_of(258, &body).concat(), b"2W\0\0\x01\x022C\0\0\0\x06packed");
    }

    // L06
    proptest! {
        #[test]
        fn acknowledgements_are_read_however_they_are_cut(numbers: Vec<u32>, cuts in prop::collection::vec(1usize..20, 1..50)) {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| [&b"2A"[..], &number.to_be_bytes()].concat()).collect();
            let (mut reader, mut acks, mut rest) = (AckReader::default(), Vec::new(), &bytes[..]);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at((*cut).min(rest.len()));
                reader.receive(piece, &mut acks).unwrap();
                rest = behind;
            }
            prop_assert_eq!(acks, numbers);
            prop_assert!(!reader.is_in_a_frame());
        }

        #[test]
        fn any_bytes_are_acknowledgements_or_an_error(bytes: Vec<u8>) {
            let mut acks = Vec::new();
            let _ = AckReader::default().receive(&bytes, &mut acks);
            prop_assert!(acks.len() * ACK_LEN <= bytes.len());
        }
    }

    // L07
    #[test]
    fn another_protocol_is_refused_with_a_guess() {
        let check = |bytes: &[u8], words: &str| {
            let error = AckReader::default().receive(bytes, &mut Vec::new()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        check(b"HTTP/1.1 400 Bad Request\r\n", "a web server");
        check(b"\x15\x03\x03\0\x02\x02\x16", "speaks TLS");
        check(b"1A\0\0\0\x01", "version 1");
        check(b"2J\0\0\0\x01", "begins with `2J");
        check(b"-ERR unknown command", "another protocol");
        check(b"\xff\n", "`\\xff\\n`");
    }
}
