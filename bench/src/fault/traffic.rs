//! Which bulk requests were under way when, and what came of them.

use super::plan::Fault;
use std::collections::BTreeMap;
use std::time::Instant;

/// One bulk request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// First byte of its head seen.
    pub started: Instant,
    /// Answer written, or connection ended; `None` while under way.
    pub ended: Option<Instant>,
    /// What the plan did to it.
    pub fault: Fault,
    /// Items by their status: as answered, or as they would have been.
    pub items: BTreeMap<u16, u64>,
    /// Bytes of the body after inflating; 0 where it was not read whole.
    pub body_bytes: usize,
}

/// All bulk requests of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic(pub Vec<Visit>);

impl Traffic {
    /// Requests that began at or after `since` and were under way at `moment`.
    ///
    /// `since` keeps out what a former process left behind: its requests may still hang here after its death.
    pub fn in_flight(&self, since: Instant, moment: Instant) -> usize {
        let under_way = |visit: &&Visit| {
            visit.started >= since
                && visit.started <= moment
                && visit.ended.is_none_or(|ended| ended >= moment)
        };
        self.0.iter().filter(under_way).count()
    }

    /// Items by status over all requests.
    pub fn items(&self) -> BTreeMap<u16, u64> {
        let mut sum = BTreeMap::new();
        for (status, count) in self.0.iter().flat_map(|visit| &visit.items) {
            *sum.entry(*status).or_default() += count;
        }
        sum
    }

    /// Requests by what was done to them.
    pub fn faults(&self) -> BTreeMap<Fault, u64> {
        let mut sum = BTreeMap::new();
        for visit in &self.0 {
            *sum.entry(visit.fault).or_default() += 1;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn in_flight_means_begun_and_not_ended_and_not_of_a_former_process() {
        let zero = Instant::now();
        let at = |seconds| zero + Duration::from_secs(seconds);
        let visit = |started, ended: Option<u64>| Visit {
            started: at(started),
            ended: ended.map(at),
            fault: Fault::None,
            items: BTreeMap::new(),
            body_bytes: 0,
        };
        let traffic = Traffic(vec![visit(1, Some(3)), visit(2, Some(9)), visit(5, None)]);
        assert_eq!(traffic.in_flight(at(0), at(2)), 2);
        assert_eq!(traffic.in_flight(at(0), at(4)), 1);
        assert_eq!(traffic.in_flight(at(4), at(6)), 1, "the one from 2 to 9 is of a former process");
        assert_eq!(traffic.in_flight(at(0), at(0)), 0);
    }
}
