//! Metrics of an earlier time, beside those of the range.
//!
//! Each shift is one more search over the earlier range. It asks for the values already listed (not for those that were the most
//! frequent then), so its groups are those of the first search.

use serde_json::{Value as Json, json};

use crate::lens::answer::Node;
use crate::lens::layer::column::Shift;
use crate::lens::search::others::condition;
use crate::lens::search::{Level, Part, Search};
use crate::lens::table::Value;

impl Search {
    /// Shifts of metrics, each once.
    pub(crate) fn shifts(&self) -> Vec<Shift> {
        let mut shifts: Vec<Shift> = Vec::new();
        for shift in self.layer.metrics().filter_map(|(_, metric)| metric.shift) {
            if !shifts.contains(&shift) {
                shifts.push(shift);
            }
        }
        shifts
    }

    /// The search for the same groups, earlier.
    pub(crate) fn shifted(&self, shift: Shift, tree: &Node) -> Self {
        let levels = self.levels.iter().enumerate().map(|(depth, level)| match level {
            Level::Terms { field, .. } => Level::Parts(parts(level, field, tree, depth)),
            level => level.clone(),
        });
        let earlier = self.range.earlier(self.millis(shift));
        Self { levels: levels.collect(), shift: Some(shift), range: earlier, ..self.clone() }
    }

    /// How much earlier.
    pub(crate) fn millis(&self, shift: Shift) -> i64 {
        match shift {
            Shift::By(interval) => interval.millis(),
            Shift::Previous => self.range.length(),
        }
    }
}

/// All keys of a level anywhere in the tree, with a condition each.
fn parts(level: &Level, field: &str, tree: &Node, depth: usize) -> Vec<Part> {
    let mut keys = Vec::new();
    collect(tree, depth, &mut keys);
    let listed: Vec<Json> = keys.iter().filter_map(|key| condition(level, key, 0)).collect();
    let beyond = json!({"bool": {"must_not": listed, "filter": [{"exists": {"field": field}}]}});
    let part = |key: Value| {
        let known = if key == Value::Other { None } else { condition(level, &key, 0) };
        Part { condition: known.unwrap_or_else(|| beyond.clone()), key }
    };
    keys.into_iter().map(part).collect()
}

fn collect(node: &Node, depth: usize, keys: &mut Vec<Value>) {
    for group in &node.groups {
        if depth > 0 {
            collect(&group.node, depth - 1, keys);
        } else if !keys.contains(&group.key) {
            keys.push(group.key.clone());
        }
    }
}

/// Adds the readings of an earlier tree, `by` milliseconds earlier, to those of the same groups.
pub(crate) fn join(tree: &mut Node, earlier: &Node, by: i64) {
    for (reading, other) in tree.readings.iter_mut().zip(&earlier.readings) {
        if *other != Value::Null {
            *reading = other.clone();
        }
    }
    for (index, group) in tree.groups.iter_mut().enumerate() {
        let key = match &group.key {
            Value::Date(moment) => Value::Date(moment - by),
            key => key.clone(),
        };
        // Mostly the same place; where groups are missing, anywhere.
        let there = earlier.groups.get(index).filter(|other| other.key == key);
        if let Some(other) = there.or_else(|| earlier.groups.iter().find(|other| other.key == key)) {
            join(&mut group.node, &other.node, by);
        }
    }
}
