//! What a line tells about: one step of one request of a web shop.

use super::Origin;
use crate::random::mix;

/// Lines of one request: start, three events, end.
const STEPS: u64 = 5;

/// A step of a request; all of it follows from (seed, writer, sequence).
#[derive(Debug)]
pub(super) struct Request {
    pub(super) sequence: u64,
    pub(super) step: Step,
    pub(super) id: u128,
    pub(super) method: &'static str,
    pub(super) route: &'static str,
    /// Path before the number in `http.target`.
    pub(super) path: &'static str,
    pub(super) article: u64,
    pub(super) client: [u8; 4],
    pub(super) agent: &'static str,
    pub(super) status: u16,
    pub(super) elapsed_ms: u64,
    pub(super) thread: u64,
}

/// Which line of the request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Start,
    Event(Happening),
    End,
}

/// Something logged within a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Happening {
    pub(super) text: &'static Text,
    /// Number at the end of the text.
    pub(super) number: u64,
}

/// Words of an event, and where in the code it is logged.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) level: Level,
    /// As it is meant.
    pub(super) plain: &'static str,
    /// As it stands in JSON.
    pub(super) escaped: &'static str,
    pub(super) module: &'static str,
    pub(super) line: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    pub(super) fn number(self) -> &'static str {
        match self {
            Self::Debug => "20",
            Self::Info => "30",
            Self::Warn => "40",
            Self::Error => "50",
        }
    }
}

const ROUTES: [(&str, &str, &str); 6] = [
    ("GET", "/articles/{id}", "/articles/"),
    ("GET", "/search", "/search?page="),
    ("POST", "/carts/{id}/items", "/carts/"),
    ("PUT", "/carts/{id}", "/carts/"),
    ("POST", "/orders", "/orders?cart="),
    ("GET", "/orders/{id}", "/orders/"),
];

const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU OS 18_1) Mobile/15E148",
    "shop-app/4.12.0 (Android 15; okhttp 4.12.0)",
];

const TEXTS: [Text; 8] = [
    text(Level::Info, "stock reserved for article ", "stock reserved for article ", "stock", 118),
    text(Level::Debug, "price list read, version ", "price list read, version ", "price", 41),
    text(
        Level::Info,
        "cart of café \"Nord\" has weight ",
        r#"cart of café \"Nord\" has weight "#,
        "cart",
        77,
    ),
    text(Level::Warn, "payment provider slow, try ", "payment provider slow, try ", "payment", 203),
    text(Level::Info, "label C:\\out\\label → printer ", r"label C:\\out\\label → printer ", "label", 19),
    text(Level::Error, "mail not sent 📦, kept as ", "mail not sent 📦, kept as ", "mail", 88),
    text(
        Level::Info,
        "query took its plan from cache, rows ",
        "query took its plan from cache, rows ",
        "store",
        310,
    ),
    text(Level::Debug, "session found in shard ", "session found in shard ", "session", 55),
];

const fn text(
    level: Level,
    plain: &'static str,
    escaped: &'static str,
    module: &'static str,
    line: u64,
) -> Text {
    Text { level, plain, escaped, module, line }
}

impl Request {
    pub(super) fn of(origin: Origin, sequence: u64) -> Self {
        let number = sequence / STEPS;
        let step = sequence % STEPS;
        let seed = origin.seed.wrapping_add(u64::from(origin.writer) << 32);
        let a = mix(seed, number * 2);
        let b = mix(seed, number * 2 + 1);
        let (method, route, path) = ROUTES[(a % 6) as usize];
        Self {
            sequence,
            step: Step::of(step, mix(seed ^ 0x5151, sequence)),
            id: (u128::from(a) << 64) | u128::from(b),
            method,
            route,
            path,
            article: (a >> 8) % 90_000 + 10_000,
            client: [10, (b >> 8) as u8, (b >> 16) as u8, (b >> 24) as u8],
            agent: AGENTS[(b % 3) as usize],
            status: match b % 100 {
                0..=1 => 500,
                2..=4 => 404,
                5..=14 => 201,
                _ => 200,
            },
            elapsed_ms: (b >> 32) % 180 + 1,
            thread: a % 8,
        }
    }

    pub(super) fn level(&self) -> Level {
        match self.step {
            Step::Start => Level::Info,
            Step::Event(happening) => happening.text.level,
            Step::End if self.status >= 500 => Level::Error,
            Step::End => Level::Info,
        }
    }
}

impl Step {
    fn of(step: u64, draw: u64) -> Self {
        match step {
            0 => Self::Start,
            step if step == STEPS - 1 => Self::End,
            _ => {
                Self::Event(Happening { text: &TEXTS[(draw % 8) as usize], number: (draw >> 8) % 1_000_000 })
            }
        }
    }
}
