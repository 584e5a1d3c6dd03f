//! What is asked for and how often: `simple=6,compute=3,slow?cost=2000=1`.

use hyper::Method;
use hyper::http::uri::PathAndQuery;
use std::str::FromStr;

/// One kind of request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// As written in the mix, without the share.
    pub name: String,
    /// The method services know it under.
    pub method: Method,
    /// Path and query.
    pub path: PathAndQuery,
    /// A JSON object, or nothing.
    pub body: &'static str,
}

/// Endpoints with their shares. Never empty; every share is at least 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix(Vec<(Endpoint, u32)>);

impl Mix {
    /// The endpoints in the order of writing.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.iter().map(|(endpoint, _)| endpoint)
    }

    /// The endpoint of a number that [`Turns::take`] gave.
    pub fn endpoint(&self, number: usize) -> &Endpoint {
        &self.0[number].0
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(entry).collect::<Result<_, _>>().map(Self)
    }
}

fn entry(text: &str) -> Result<(Endpoint, u32), String> {
    let entry = text.trim().rsplit_once('=').and_then(|(name, share)| {
        let share = share.parse().ok().filter(|share| *share > 0)?;
        Some((Endpoint::named(name)?, share))
    });
    entry.ok_or_else(|| {
        format!(
            "`{text}` is no entry of a mix; write NAME=SHARE or NAME?QUERY=SHARE with a share from 1, \
             where NAME is simple, compute, slow, wait, chain or fail"
        )
    })
}

impl Endpoint {
    fn named(name: &str) -> Option<Self> {
        let (route, query) = name.split_once('?').map_or((name, None), |(route, query)| (route, Some(query)));
        let (method, usual, body) = match route {
            "simple" | "slow" | "chain" => (Method::GET, "", ""),
            "compute" => (Method::POST, "rounds=20", BODY),
            "wait" => (Method::GET, "ms=50", ""),
            "fail" => (Method::GET, "rate=0.5", ""),
            _ => return None,
        };
        let path = match query.unwrap_or(usual) {
            "" => format!("/{route}"),
            query => format!("/{route}?{query}"),
        };
        Some(Self { name: name.to_owned(), method, path: path.parse().ok()?, body })
    }
}

/// What `/compute` works on: keys of which four start with an "a" of either case.
const BODY: &str = r#"{"apple":3,"Apricot":5,"banana":7,"blackberry":2,"cherry":11,"date":4,"elderberry":6,"fig":9,
"grape":12,"kiwi":8,"lemon":1,"mango":10,"nectarine":13,"orange":14,"papaya":15,"quince":16,"raspberry":17,
"aronia":{"bitter":true,"jam":["sweet","tart"]},"tangerine":18,"ugli":19,"Acerola":null}"#;

/// Whose turn it is: endpoints interleaved by their shares without chance, and for each of them one target after another.
#[derive(Debug)]
pub struct Turns {
    shares: Vec<i64>,
    credits: Vec<i64>,
    next_target: Vec<usize>,
    targets: usize,
}

impl Turns {
    /// For `targets` targets, at least one.
    pub fn new(mix: &Mix, targets: usize) -> Self {
        let shares: Vec<i64> = mix.0.iter().map(|(_, share)| i64::from(*share)).collect();
        Self { credits: vec![0; shares.len()], next_target: vec![0; shares.len()], shares, targets }
    }

    /// The numbers of the next endpoint and target.
    ///
    /// Smooth weighted round robin: each endpoint earns its share, the richest pays all that was earned and goes.
    pub fn take(&mut self) -> (usize, usize) {
        let mut richest = 0;
        for at in 0..self.shares.len() {
            self.credits[at] += self.shares[at];
            if self.credits[at] > self.credits[richest] {
                richest = at;
            }
        }
        self.credits[richest] -= self.shares.iter().sum::<i64>();
        let target = self.next_target[richest];
        self.next_target[richest] = (target + 1) % self.targets;
        (richest, target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_read_with_and_without_queries() {
        let mix: Mix = "simple=8, compute=2,slow?cost=2000&x=1=1".parse().expect("a mix");
        let read: Vec<_> =
            mix.endpoints().map(|e| (e.name.as_str(), e.method.as_str(), e.path.as_str())).collect();
        let expected = [
            ("simple", "GET", "/simple"),
            ("compute", "POST", "/compute?rounds=20"),
            ("slow?cost=2000&x=1", "GET", "/slow?cost=2000&x=1"),
        ];
        assert_eq!(read, expected);
        assert!(serde_json::from_str::<serde_json::Value>(BODY).is_ok_and(|body| body.is_object()));
    }

    #[test]
    fn a_wrong_mix_is_refused_with_a_reason() {
        for text in ["", "simple", "simple=0", "simple=many", "simple? =1", "simple=1,cart=2"] {
            let error = text.parse::<Mix>().expect_err(text);
            assert!(error.contains("NAME=SHARE") && error.contains("wait, chain or fail"), "{text}: {error}");
        }
    }

    #[test]
    fn every_endpoint_gets_its_share_and_spreads_it_over_the_targets() {
        let mix: Mix = "simple=6,compute=3,slow=1".parse().expect("a mix");
        let mut turns = Turns::new(&mix, 2);
        let mut counts = [[0; 2]; 3];
        for _ in 0..200 {
            let (endpoint, target) = turns.take();
            counts[endpoint][target] += 1;
        }
        assert_eq!(counts, [[60, 60], [30, 30], [10, 10]]);
    }
}
