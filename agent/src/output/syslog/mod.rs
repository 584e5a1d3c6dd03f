//! Syslog over TCP, TLS or UDP, for Logsearch or any receiver of RFC 5424.
//!
//! Syslog has no acknowledgements. An event is settled when its bytes are handed to the system and the connection stands; what
//! the system or the receiver then still loses, nobody sees. So that this is rare, a connection is looked at before each
//! write, is not used again after a pause that could have cut it, and after a failed write the whole batch is sent again.

mod document;

pub mod message;

use super::backoff::{Backoff, Delays};
use super::link::{Connector, Link};
use super::{Fate, OutputState, Refusal, SettleSink, Settlement, TlsError};
use crate::batch::Batch;
use crate::config::{Dialect, Syslog, Transport};
use jiff::Timestamp;
use message::{DATAGRAM_MAX, NoMessage, Writer};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{info, warn};

/// Deadlines and delays.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Name look-up, TCP and TLS. Default 5 s.
    pub connect: Duration,
    /// A receiver that takes nothing. Default 30 s.
    pub write: Duration,
    /// A connection not used for so long is replaced. Default 20 s: proxies in front of Logsearch cut at 30 s.
    pub idle: Duration,
    /// Between tries.
    pub backoff: Delays,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            write: Duration::from_secs(30),
            idle: Duration::from_secs(20),
            backoff: Delays::default(),
        }
    }
}

/// Events Logsearch strips of everything but their text: this old, or this far ahead.
const OLDEST: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);
const NEWEST: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// Sends batches in the form [`crate::batch::Form::Documents`], one after the other, until the sender is dropped.
pub async fn run(
    config: &Syslog,
    timing: Timing,
    mut batches: mpsc::Receiver<Batch>,
    settle: SettleSink,
    state: Arc<OutputState>,
) -> Result<(), TlsError> {
    let tls = match &config.transport {
        Transport::Tls(tls) => Some(tls),
        Transport::Tcp | Transport::Udp => None,
    };
    let connector = Connector::new(tls, timing.connect)?;
    let host = config.address.to_string();
    state.update(|state| state.host.clone_from(&host));
    warn!(
        host,
        "syslog has no acknowledgements: what a broken connection or receiver loses is not sent again and not counted"
    );
    let backoff = Backoff::new(timing.backoff, RandomState::new().hash_one(0));
    let mut sender =
        Sender { config, timing, connector, host, state, backoff, road: None, used_at: Instant::now() };
    let writer = Writer::new(&config.dialect, &config.shipper);
    while let Some(batch) = batches.recv().await {
        let (packets, fates) = encode(&batch, &writer, config);
        sender.deliver(&packets).await;
        let Batch { index, runs, items, .. } = batch;
        settle(Settlement { index, runs, items, fates, backing_index: None, last: true });
    }
    sender.end().await;
    Ok(())
}

/// The bytes to write, a packet for each datagram, else all in one; and what becomes of each event, as a settlement wants it.
fn encode(batch: &Batch, writer: &Writer<'_>, config: &Syslog) -> (Vec<Vec<u8>>, Vec<Fate>) {
    let raw = batch.raw();
    let (mut packets, mut fates) = (Vec::new(), Vec::new());
    let (now, mut out_of_time) = (Timestamp::now(), 0u32);
    for line in raw.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match writer
            .write(line)
            .and_then(|messages| frames(messages.texts, config).map(|frames| (frames, messages.time)))
        {
            Ok((frames, time)) => {
                out_of_time += u32::from(time.is_some_and(|time| is_out_of_time(time, now)));
                packets.extend(frames);
                fates.push(Fate::Delivered { failure_store: false });
            }
            Err(error) => {
                let refusal = Refusal { status: 0, kind: "no_message".into(), reason: error.to_string() };
                fates.push(Fate::Refused(Box::new(refusal)));
            }
        }
    }
    if out_of_time > 0 && config.dialect != Dialect::Rfc5424 {
        warn!(
            events = out_of_time,
            "lines older than 24 h or more than 1 h ahead: Logsearch keeps only their text, under the time of arrival"
        );
    }
    if !matches!(config.transport, Transport::Udp) {
        packets = vec![packets.concat()];
    }
    if fates.iter().all(|fate| matches!(fate, Fate::Delivered { .. })) {
        fates.clear();
    }
    (packets, fates)
}

fn is_out_of_time(time: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(time);
    age > OLDEST || age < -NEWEST
}

/// Messages as their transport wants them.
fn frames(texts: Vec<String>, config: &Syslog) -> Result<Vec<Vec<u8>>, NoMessage> {
    let frame = |text: String| match (&config.transport, &config.dialect) {
        (Transport::Udp, _) if text.len() > DATAGRAM_MAX => {
            Err(NoMessage::TooLong { len: text.len(), max: DATAGRAM_MAX, what: "a UDP datagram" })
        }
        (Transport::Udp, _) => Ok(text.into_bytes()),
        (_, Dialect::Rfc5424) => Ok(format!("{} {text}", text.len()).into_bytes()),
        (_, Dialect::Logsearch | Dialect::CloudFoundry(_)) => Ok((text + "\n").into_bytes()),
    };
    texts.into_iter().map(frame).collect()
}

/// A way to the receiver.
enum Road {
    Stream(Link),
    Datagrams(UdpSocket),
}

struct Sender<'a> {
    config: &'a Syslog,
    timing: Timing,
    connector: Connector,
    host: String,
    state: Arc<OutputState>,
    backoff: Backoff,
    road: Option<Road>,
    used_at: Instant,
}

impl Sender<'_> {
    /// Writes until all of it is written over one connection.
    async fn deliver(&mut self, packets: &[Vec<u8>]) {
        while let Err(error) = self.try_to_deliver(packets).await {
            self.road = None;
            if self.backoff.failures() == 0 {
                warn!(host = self.host, error, "output host in trouble, trying again");
            }
            self.state.update(|state| {
                state.retries += 1;
                state.last_error = Some(error);
                state.reachable = false;
            });
            tokio::time::sleep(self.backoff.next_delay()).await;
        }
        if self.backoff.failures() > 0 {
            info!(host = self.host, "output host works again");
            self.backoff.reset();
        }
        self.state.update(|state| {
            state.requests += 1;
            state.bytes_sent += packets.iter().map(|packet| packet.len() as u64).sum::<u64>();
            state.last_error = None;
            state.reachable = true;
        });
    }

    async fn try_to_deliver(&mut self, packets: &[Vec<u8>]) -> Result<(), String> {
        if self.used_at.elapsed() >= self.timing.idle || self.is_cut().await {
            self.end().await;
        }
        let mut road = match self.road.take() {
            Some(road) => road,
            None => self.open().await?,
        };
        let writing = tokio::time::timeout(self.timing.write, write(&mut road, packets));
        writing.await.map_err(|_| format!("takes nothing for {} s", self.timing.write.as_secs_f32()))??;
        self.road = Some(road);
        self.used_at = Instant::now();
        match self.is_cut().await {
            true => Err("the receiver closed the connection".into()),
            false => Ok(()),
        }
    }

    async fn open(&self) -> Result<Road, String> {
        let address = &self.config.address;
        if !matches!(self.config.transport, Transport::Udp) {
            return Ok(Road::Stream(self.connector.connect(address).await?));
        }
        let mut found = tokio::net::lookup_host((address.host.as_str(), address.port))
            .await
            .map_err(|error| format!("cannot look `{}` up: {error}", address.host))?;
        let peer = found.next().ok_or_else(|| format!("`{}` has no address", address.host))?;
        let any = if peer.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let open = async {
            let socket = UdpSocket::bind(any).await?;
            socket.connect(peer).await?;
            Ok(Road::Datagrams(socket))
        };
        open.await.map_err(|error: std::io::Error| format!("cannot use UDP: {error}"))
    }

    /// Whether the receiver has closed the connection. What it says is of no interest.
    async fn is_cut(&mut self) -> bool {
        let Some(Road::Stream(link)) = &mut self.road else { return false };
        let mut piece = [0; 512];
        loop {
            tokio::select! {
                biased;
                read = link.read(&mut piece) => match read {
                    Ok(0) | Err(_) => return true,
                    Ok(_) => {}
                },
                () = std::future::ready(()) => return false,
            }
        }
    }

    async fn end(&mut self) {
        if let Some(Road::Stream(mut link)) = self.road.take() {
            // It is gone in any case.
            let _ = tokio::time::timeout(self.timing.connect, link.shutdown()).await;
        }
    }
}

async fn write(road: &mut Road, packets: &[Vec<u8>]) -> Result<(), String> {
    let writing = async {
        match road {
            Road::Stream(link) => {
                for packet in packets {
                    link.write_all(packet).await?;
                }
                link.flush().await
            }
            Road::Datagrams(socket) => {
                for packet in packets {
                    socket.send(packet).await?;
                }
                Ok(())
            }
        }
    };
    writing.await.map_err(|error| format!("cannot write: {error}"))
}
