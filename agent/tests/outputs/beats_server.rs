//! A server of Lumberjack version 2 that does what a test says.
//!
//! Each connection hands its windows to the script, one after the other. What is no window is an error of the test.

use flate2::read::ZlibDecoder;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A window as it came.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// Number of the connection, from 0.
    pub(crate) connection: usize,
    pub(crate) events: Vec<serde_json::Value>,
}

impl Window {
    /// Member `n` of the events.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.events.iter().map(|event| event["n"].as_u64().expect("a number")).collect()
    }

    pub(crate) fn ids(&self) -> Vec<&str> {
        self.events.iter().map(|event| event["@metadata"]["_id"].as_str().expect("an id")).collect()
    }
}

/// What the server does upon a window.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// These bytes, then the next window.
    Say(Vec<u8>),
    /// These bytes, then the end of the connection.
    SayAndClose(Vec<u8>),
    /// Nothing, for ever.
    Hang,
}

/// The frame of an acknowledgement.
pub(crate) fn ack(number: u32) -> Vec<u8> {
    [&b"2A"[..], &number.to_be_bytes()].concat()
}

impl Act {
    /// All of the window is taken.
    pub(crate) fn take(window: &Window) -> Self {
        Self::Say(ack(window.events.len() as u32))
    }

    pub(crate) fn close() -> Self {
        Self::SayAndClose(Vec::new())
    }
}

type Script = Box<dyn FnMut(&Window) -> Act + Send>;

pub(crate) struct BeatsServer {
    pub(crate) address: SocketAddr,
    windows: Arc<Mutex<Vec<Window>>>,
    task: JoinHandle<()>,
}

impl BeatsServer {
    pub(crate) async fn start(script: impl FnMut(&Window) -> Act + Send + 'static) -> Self {
        Self::serve(None, script).await
    }

    pub(crate) async fn serve(
        tls: Option<TlsAcceptor>,
        script: impl FnMut(&Window) -> Act + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let windows = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Box::new(script)));
        let seen = Arc::clone(&windows);
        let task = tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (seen, script, tls) = (Arc::clone(&seen), Arc::clone(&script), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => converse(stream, connection, &seen, &script).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                converse(stream, connection, &seen, &script).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, windows, task }
    }

    /// The windows so far.
    pub(crate) fn windows(&self) -> Vec<Window> {
        self.windows.lock().expect("no panic").clone()
    }
}

impl Drop for BeatsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    seen: &Mutex<Vec<Window>>,
    script: &Mutex<Script>,
) {
    while let Some(events) = read_window(&mut stream).await {
        let window = Window { connection, events };
        seen.lock().expect("no panic").push(window.clone());
        let act = (script.lock().expect("no panic"))(&window);
        let (bytes, ends) = match act {
            Act::Say(bytes) => (bytes, false),
            Act::SayAndClose(bytes) => (bytes, true),
            Act::Hang => std::future::pending().await,
        };
        // The client may be gone.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.flush().await;
        if ends {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// The next window; `None` at the end of the connection, wherever that is.
async fn read_window(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<serde_json::Value>> {
    let mut head = [0; 6];
    stream.read_exact(&mut head).await.ok()?;
    assert_eq!(&head[..2], b"2W", "a window first");
    let count = number(&head[2..]);
    let mut events = Vec::new();
    while events.len() < count {
        let mut kind = [0; 2];
        stream.read_exact(&mut kind).await.ok()?;
        match &kind {
            b"2C" => {
                let packed = read_sized(stream).await?;
                let mut frames = Vec::new();
                ZlibDecoder::new(&packed[..]).read_to_end(&mut frames).expect("zlib");
                read_frames(&frames, &mut events);
            }
            b"2J" => {
                let mut sequence = [0; 4];
                stream.read_exact(&mut sequence).await.ok()?;
                assert_eq!(number(&sequence), events.len() + 1);
                events.push(serde_json::from_slice(&read_sized(stream).await?).expect("JSON"));
            }
            other => panic!("no frame: {other:?}"),
        }
    }
    assert_eq!(events.len(), count, "as many as announced");
    Some(events)
}

async fn read_sized(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).await.ok()?;
    let mut bytes = vec![0; number(&len)];
    stream.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}

fn read_frames(mut rest: &[u8], events: &mut Vec<serde_json::Value>) {
    while !rest.is_empty() {
        assert_eq!(&rest[..2], b"2J", "data frames in a compressed one");
        assert_eq!(number(&rest[2..6]), events.len() + 1);
        let (json, behind) = rest[10..].split_at(number(&rest[6..10]));
        events.push(serde_json::from_slice(json).expect("JSON"));
        rest = behind;
    }
}

fn number(bytes: &[u8]) -> usize {
    u32::from_be_bytes(bytes.try_into().expect("four bytes")) as usize
}
