//! What can be made worse on purpose, at the start and while serving.

use super::App;
use super::endpoints::require_json;
use super::failure::Failure;
use super::upstream::Downtime;
use crate::log::field;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use tracing::info;

/// One fault; written `kind:value`, and `kind:off` to end it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    written: String,
    effect: Effect,
}

#[derive(Debug, Clone, PartialEq)]
enum Effect {
    /// `/compute` works so many times longer.
    SlowCompute(u32),
    /// A share of the requests of a route fails with 500.
    ErrorRate { route: String, rate: f64 },
    /// The dependency of `/chain` is down.
    UpstreamDown(Downtime),
    /// Connections leak until so many are left.
    Pool(u16),
    /// A logger writes so many lines a second.
    Noisy(u32),
}

/// Why a text is no fault.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no fault; use slow-compute:FACTOR, error-rate:ROUTE=RATE, upstream-down:refuse, upstream-down:hang, pool:SIZE or \
     noisy:LINES_PER_SECOND, or `off` as the value"
)]
pub(super) struct UnknownFault(String);

/// Faults that the requests themselves ask for.
#[derive(Debug, Default)]
pub(super) struct Faults {
    slowdown: AtomicU32,
    rates: RwLock<Vec<(String, f64)>>,
    noise: AtomicU32,
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let effect = text.split_once(':').and_then(|(kind, value)| Effect::parse(kind, value));
        let effect = effect.ok_or_else(|| UnknownFault(text.to_owned()))?;
        Ok(Self { written: text.to_owned(), effect })
    }
}

impl Effect {
    fn parse(kind: &str, value: &str) -> Option<Self> {
        let number = |off: u32, max: u32| match value {
            "off" => Some(off),
            value => value.parse().ok().filter(|number| *number <= max),
        };
        Some(match kind {
            "slow-compute" => Self::SlowCompute(number(1, 1_000)?.max(1)),
            "pool" => Self::Pool(number(u16::MAX.into(), u16::MAX.into())? as u16),
            "noisy" => Self::Noisy(number(0, 100_000)?),
            "upstream-down" => Self::UpstreamDown(match value {
                "off" => Downtime::None,
                "refuse" => Downtime::Refuse,
                "hang" => Downtime::Hang,
                _ => return None,
            }),
            "error-rate" => {
                let (route, rate) = value.split_once('=')?;
                let rate = if rate == "off" { 0.0 } else { rate.parse().ok()? };
                let possible = route.starts_with('/') && (0.0..=1.0).contains(&rate);
                possible.then(|| Self::ErrorRate { route: route.to_owned(), rate })?
            }
            _ => return None,
        })
    }
}

impl Faults {
    pub(super) fn slowdown(&self) -> u32 {
        self.slowdown.load(Relaxed).max(1)
    }

    /// Lines a second of the noisy logger.
    pub(super) fn noise(&self) -> u32 {
        self.noise.load(Relaxed)
    }

    /// A failure, if this request of the route is to have one.
    pub(super) fn strike(&self, route: &str) -> Option<Failure> {
        let rates = self.rates.read().unwrap_or_else(PoisonError::into_inner);
        let rate = rates.iter().find(|(of, _)| of == route)?.1;
        (fastrand::f64() < rate).then(Failure::made_up)
    }

    fn set_rate(&self, route: &str, rate: f64) {
        let mut rates = self.rates.write().unwrap_or_else(PoisonError::into_inner);
        rates.retain(|(of, _)| of != route);
        if rate > 0.0 {
            rates.push((route.to_owned(), rate));
        }
    }
}

impl App {
    /// Makes it so.
    pub(super) fn set(&self, fault: &Fault) -> io::Result<()> {
        match &fault.effect {
            Effect::SlowCompute(factor) => self.faults.slowdown.store(*factor, Relaxed),
            Effect::ErrorRate { route, rate } => self.faults.set_rate(route, *rate),
            Effect::UpstreamDown(downtime) => self.upstream.set(*downtime)?,
            Effect::Pool(left) => self.pool.leave(*left),
            Effect::Noisy(lines) => self.faults.noise.store(*lines, Relaxed),
        }
        info!({ field::FAULT } = fault.written, "fault set");
        Ok(())
    }
}

#[derive(Deserialize)]
struct Body {
    kind: String,
    value: serde_json::Value,
}

/// `POST /fault {"kind": …, "value": …}`, from this host only.
pub(super) async fn receive(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<&'static str, Failure> {
    if !is_this_host(peer) {
        return Err(Failure::new(StatusCode::FORBIDDEN, "NotLoopback", "only the host itself may do this"));
    }
    require_json(&headers)?;
    let unset = || Failure::bad("the fault cannot be set");
    let Body { kind, value } = serde_json::from_slice(&body?).map_err(|error| unset().because(error))?;
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fault = format!("{kind}:{value}").parse().map_err(|error: UnknownFault| unset().because(error))?;
    app.set(&fault).map_err(|error| unset().because(error))?;
    Ok("set\n")
}

fn is_this_host(peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_this_host() {
        for (peer, expected) in [
            ("127.0.0.1:1", true),
            ("127.8.8.8:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("192.0.2.1:1", false),
            ("[2001:db8::1]:1", false),
            ("[::ffff:192.0.2.1]:1", false),
        ] {
            assert_eq!(is_this_host(peer.parse().unwrap()), expected, "{peer}");
        }
    }
}
