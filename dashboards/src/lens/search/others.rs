//! The "other" group: all values beyond the listed ones, asked for by a second search.

use serde_json::{Map, Value as Json, json};

use crate::lens::answer::{self, Group, Node, read_bucket};
use crate::lens::fault::AnswerError;
use crate::lens::filter::Filter;
use crate::lens::layer::column::Terms;
use crate::lens::search::aggregations::named;
use crate::lens::search::{Level, Part, Search};
use crate::lens::table::Value;

/// Name of the aggregation.
const NAME: &str = "other-filter";

/// Most groups asked for in one request.
const OTHERS_MAX: usize = 1000;

/// What is asked for at one level: for each node with unlisted values the way there and the condition.
#[derive(Debug)]
pub(crate) struct Others {
    pub(crate) level: usize,
    wanted: Vec<Other>,
}

#[derive(Debug)]
struct Other {
    /// Indices of groups from the root down.
    path: Vec<usize>,
    conditions: Vec<Json>,
}

impl Others {
    /// The first level from `from` on with values that are not listed.
    pub(crate) fn find(search: &Search, tree: &Node, from: usize) -> Result<Option<Self>, AnswerError> {
        for level in from..search.levels.len() {
            let Level::Terms { field, terms } = &search.levels[level] else { continue };
            if !terms.other {
                continue;
            }
            let mut wanted = Vec::new();
            let collector = Collector { search, level, field, terms };
            collector.collect(tree, &mut Vec::new(), &mut Vec::new(), &mut wanted);
            match wanted.len() {
                0 => {}
                1..=OTHERS_MAX => return Ok(Some(Self { level, wanted })),
                _ => return Err(AnswerError::TooMany { limit: OTHERS_MAX }),
            }
        }
        Ok(None)
    }

    /// The aggregations of the second search.
    pub(crate) fn aggregations(&self, search: &Search) -> Json {
        let parts: Vec<Part> = self
            .wanted
            .iter()
            .map(|other| Part { key: Value::Other, condition: all_of(&other.conditions) })
            .collect();
        let mut body = json!({"filters": {"filters": named(&parts)}});
        let inner = search.aggregations(self.level + 1);
        if !inner.is_empty() {
            body["aggs"] = Json::Object(inner);
        }
        Json::Object(Map::from_iter([(NAME.to_owned(), body)]))
    }

    /// Puts each group that is not empty behind the listed ones.
    pub(crate) fn receive(self, search: &Search, answer: &Json, tree: &mut Node) -> Result<(), AnswerError> {
        answer::accepted(answer)?;
        let buckets = &answer["aggregations"][NAME]["buckets"];
        for (place, other) in self.wanted.into_iter().enumerate() {
            let bucket = buckets.get(place.to_string());
            let bucket = bucket
                .ok_or_else(|| AnswerError::unexpected(format!("bucket {place} of `{NAME}`"), buckets))?;
            if answer::count(bucket)? == 0 {
                continue;
            }
            let node = read_bucket(search, bucket, self.level + 1)?;
            if let Some(parent) = other
                .path
                .iter()
                .try_fold(&mut *tree, |node, group| node.groups.get_mut(*group).map(|group| &mut group.node))
            {
                parent.groups.push(Group { key: Value::Other, node, conditions: other.conditions });
            }
        }
        Ok(())
    }
}

fn all_of(conditions: &[Json]) -> Json {
    json!({"bool": {"filter": conditions}})
}

/// Walks to a level and notes what lies beyond the listed values there.
struct Collector<'s> {
    search: &'s Search,
    level: usize,
    field: &'s str,
    terms: &'s Terms,
}

impl Collector<'_> {
    fn collect(
        &self,
        node: &Node,
        path: &mut Vec<usize>,
        conditions: &mut Vec<Json>,
        wanted: &mut Vec<Other>,
    ) {
        if path.len() == self.level {
            if node.beyond > 0 {
                let own = std::iter::once(self.beyond(node));
                wanted.push(Other {
                    path: path.clone(),
                    conditions: conditions.iter().cloned().chain(own).collect(),
                });
            }
            return;
        }
        for (index, group) in node.groups.iter().enumerate() {
            let depth = conditions.len();
            match group.key {
                Value::Other => conditions.extend(group.conditions.iter().cloned()),
                _ => conditions.extend(condition(&self.search.levels[path.len()], &group.key, index)),
            }
            path.push(index);
            self.collect(node_of(group), path, conditions, wanted);
            path.pop();
            conditions.truncate(depth);
        }
    }

    /// The field has a value, and none of those listed.
    fn beyond(&self, node: &Node) -> Json {
        let missing_is_listed = node.groups.iter().any(|group| group.key == Value::Missing);
        let listed = node.groups.iter().filter_map(|group| group.key.as_json());
        let listed: Vec<Json> = listed.map(|key| json!({"match_phrase": {self.field: key}})).collect();
        let mut clause = json!({"bool": {"must_not": listed}});
        // Documents without the field count among the others only where a group for them was asked for and is not listed.
        if !self.terms.missing || missing_is_listed {
            clause["bool"]["filter"] = json!([{"exists": {"field": self.field}}]);
        }
        clause
    }
}

fn node_of(group: &Group) -> &Node {
    &group.node
}

/// What documents of a group fulfil; `index` is the group's place. `None` where nothing can be said: all documents do.
pub(crate) fn condition(level: &Level, key: &Value, index: usize) -> Option<Json> {
    match (level, key) {
        (Level::Time { field, interval, .. }, Value::Date(start)) => {
            Some(Filter::since(field, *start, interval.after(*start)).to_dsl())
        }
        (Level::Terms { field, .. }, Value::Missing) => {
            Some(json!({"bool": {"must_not": {"exists": {"field": field}}}}))
        }
        (Level::Terms { field, .. }, key) => Some(json!({"match_phrase": {field: key.as_json()?}})),
        (Level::Parts(parts), _) => parts.get(index).map(|part| part.condition.clone()),
        (Level::Ranges { field, .. } | Level::Steps { field, .. }, Value::Range { from, to, .. }) => {
            Some(Filter::between(field, *from, *to).to_dsl())
        }
        _ => None,
    }
}
