//! A server of Lumberjack version 2 that takes every window as cheaply as it can, for measuring those who send them.
//!
//! It inflates, counts and checks that events are numbered from 1 on in each window; their JSON is not read.

use crate::sink::Totals;
use flate2::read::ZlibDecoder;
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Largest frame taken, also when inflated.
const FRAME_MAX: usize = 100 << 20;

/// A running sink. It ends with the process.
#[derive(Debug)]
pub struct BeatsSink {
    address: SocketAddr,
    totals: Arc<Mutex<Totals>>,
}

impl BeatsSink {
    /// Listens on `address` (port 0: any). A connection that sends anything but sound windows is closed and told on stderr.
    pub fn start(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let totals = Arc::new(Mutex::new(Totals::default()));
        let shared = Arc::clone(&totals);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let totals = Arc::clone(&shared);
                std::thread::spawn(move || {
                    if let Err(error) = converse(&stream, &totals) {
                        eprintln!("connection closed: {error}");
                    }
                });
            }
        });
        Ok(Self { address, totals })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has come in so far; a request is a window.
    pub fn totals(&self) -> Totals {
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn converse(stream: &TcpStream, totals: &Mutex<Totals>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 16, stream);
    let mut frames = Vec::new();
    loop {
        let mut head = [0; 6];
        match reader.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        let [b'2', b'W', count @ ..] = head else { return Err(odd("a window frame", &head)) };
        let count = u32::from_be_bytes(count);
        let (mut taken, mut wire, mut body) = (0, head.len() as u64, 0);
        while taken < count {
            frames.clear();
            wire += read_frames(&mut reader, &mut frames)?;
            body += frames.len() as u64;
            taken = count_events(&frames, taken)?;
        }
        if taken != count {
            return Err(odd("as many events as announced", &taken.to_be_bytes()));
        }
        {
            let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
            totals.events += u64::from(count);
            totals.requests += 1;
            totals.wire_bytes += wire;
            totals.body_bytes += body;
        }
        (&*stream).write_all(&[&b"2A"[..], &count.to_be_bytes()].concat())?;
    }
}

/// Data frames: one as it is, or those of a compressed one. Returns the bytes on the wire.
fn read_frames(reader: &mut impl Read, frames: &mut Vec<u8>) -> io::Result<u64> {
    let mut kind = [0; 2];
    reader.read_exact(&mut kind)?;
    match &kind {
        b"2C" => {
            let len = number(reader)?;
            let packed = ZlibDecoder::new(reader.by_ref().take(len as u64));
            packed.take(FRAME_MAX as u64).read_to_end(frames)?;
            Ok(6 + len as u64)
        }
        b"2J" => {
            let (sequence, len) = (number(reader)?, number(reader)?);
            frames.extend_from_slice(b"2J");
            frames.extend_from_slice(&(sequence as u32).to_be_bytes());
            frames.extend_from_slice(&(len as u32).to_be_bytes());
            reader.by_ref().take(len as u64).read_to_end(frames)?;
            Ok(10 + len as u64)
        }
        other => Err(odd("a data frame", other)),
    }
}

fn number(reader: &mut impl Read) -> io::Result<usize> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes)?;
    let number = u32::from_be_bytes(bytes) as usize;
    if number > FRAME_MAX { Err(odd("a frame of at most 100 MiB", &bytes)) } else { Ok(number) }
}

/// The number of the last event in `frames`, which go on behind event `taken`.
fn count_events(mut frames: &[u8], mut taken: u32) -> io::Result<u32> {
    while let Some((head, rest)) = frames.split_first_chunk::<10>() {
        let [b'2', b'J', s0, s1, s2, s3, l0, l1, l2, l3] = *head else {
            return Err(odd("a data frame", head));
        };
        if u32::from_be_bytes([s0, s1, s2, s3]) != taken + 1 {
            return Err(odd("the next number", head));
        }
        let len = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        frames = rest.get(len..).ok_or_else(|| odd("a whole event", head))?;
        taken += 1;
    }
    if frames.is_empty() { Ok(taken) } else { Err(odd("a whole frame", frames)) }
}

fn odd(expected: &str, found: &[u8]) -> io::Error {
    let shown = &found[..found.len().min(16)];
    io::Error::other(format!("expected {expected}, found `{}`", shown.escape_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u32) -> Vec<u8> {
        [&b"2J"[..], &number.to_be_bytes(), &2u32.to_be_bytes(), b"{}"].concat()
    }

    /// Sends `bytes` and reads what comes until the sink closes or six bytes are there.
    fn answer(sink: &BeatsSink, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(sink.address()).expect("it listens");
        stream.write_all(bytes).expect("written");
        let mut answer = Vec::new();
        stream.take(6).read_to_end(&mut answer).expect("read");
        answer
    }

    #[test]
    fn whole_windows_are_counted_and_acknowledged_and_others_are_not() {
        let sink = BeatsSink::start(([127, 0, 0, 1], 0).into()).expect("sink");
        let window = [&b"2W\0\0\0\x02"[..], &event(1), &event(2)].concat();
        assert_eq!(answer(&sink, &window), b"2A\0\0\0\x02");
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&[event(1), event(2)].concat()).expect("packed");
        let packed = packed.finish().expect("packed");
        let head = [&b"2W\0\0\0\x02"[..], b"2C", &(packed.len() as u32).to_be_bytes()].concat();
        assert_eq!(answer(&sink, &[head, packed].concat()), b"2A\0\0\0\x02");
        let totals = sink.totals();
        assert_eq!((totals.events, totals.requests), (4, 2));
        assert_eq!(answer(&sink, &[&b"2W\0\0\0\x02"[..], &event(1), &event(3)].concat()), b"");
        assert_eq!(answer(&sink, b"GET / HTTP/1.1\r\n\r\n"), b"");
        assert_eq!(sink.totals().events, 4);
    }
}
