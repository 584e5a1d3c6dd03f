//! Index and component templates: which one an index name gets, and what they say together.

use crate::pattern::matches;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A component template as it was put.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ComponentTemplate {
    /// Settings, mappings, aliases, lifecycle.
    #[serde(default)]
    pub template: Value,
    /// Everything else: `version`, `_meta`, …
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// An index template as it was put.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IndexTemplate {
    /// Names it applies to.
    #[serde(deserialize_with = "one_or_many")]
    pub index_patterns: Vec<String>,
    /// Settings, mappings, aliases, lifecycle.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub template: Value,
    /// Component templates, in the order they are laid over each other.
    #[serde(default)]
    pub composed_of: Vec<String>,
    /// Component templates that may be missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore_missing_component_templates: Vec<String>,
    /// The highest wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u64>,
    /// Present: matching names become data streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_stream: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::One(pattern) => vec![pattern],
        Written::Many(patterns) => patterns,
    })
}

/// Templates of a store.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Templates {
    /// By name.
    pub components: BTreeMap<String, ComponentTemplate>,
    /// By name.
    pub indices: BTreeMap<String, IndexTemplate>,
}

/// What all templates together say of a new index.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Composed {
    /// Name of the index template; `None` where none fits.
    pub template: Option<String>,
    /// Whether it makes data streams.
    pub data_stream: bool,
    /// Flat settings: `index.number_of_shards` and so on.
    pub settings: Map<String, Value>,
    /// Mappings.
    pub mappings: Value,
    /// Aliases.
    pub aliases: Map<String, Value>,
    /// The data stream lifecycle.
    pub lifecycle: Value,
    /// The template's `_meta`.
    pub meta: Value,
}

impl Templates {
    /// Stores an index template after checking it as Elasticsearch does; the error is its sentence.
    pub fn put_index(&mut self, name: &str, template: IndexTemplate) -> Result<(), String> {
        let missing: Vec<&str> = template
            .composed_of
            .iter()
            .filter(|part| !self.components.contains_key(*part))
            .filter(|part| !template.ignore_missing_component_templates.contains(part))
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(format!(
                "index_template [{name}] invalid, cause [index template [{name}] specifies component templates [{missing}] that do not exist]"
            ));
        }
        let priority = template.priority.unwrap_or(0);
        let rival = self.indices.iter().find(|(other, rival)| {
            *other != name
                && rival.priority.unwrap_or(0) == priority
                && overlap(&rival.index_patterns, &template.index_patterns)
        });
        if let Some((rival, existing)) = rival {
            return Err(format!(
                "index template [{name}] has index patterns {:?} matching patterns from existing templates [{rival}] with patterns ({rival} => {:?}) that have the same priority [{priority}], multiple index templates may not match during index creation, please use a different priority",
                template.index_patterns, existing.index_patterns
            ));
        }
        self.indices.insert(name.to_owned(), template);
        Ok(())
    }

    /// What a new index of that name gets.
    pub fn compose(&self, index: &str) -> Composed {
        let best = self
            .indices
            .iter()
            .filter(|(_, template)| template.index_patterns.iter().any(|pattern| matches(pattern, index)))
            .max_by_key(|(_, template)| template.priority.unwrap_or(0));
        let Some((name, template)) = best else { return Composed::default() };
        let mut composed = Composed {
            template: Some(name.clone()),
            data_stream: template.data_stream.is_some(),
            mappings: json!({}),
            meta: template.rest.get("_meta").cloned().unwrap_or(Value::Null),
            ..Composed::default()
        };
        for part in template.composed_of.iter().filter_map(|part| self.components.get(part)) {
            composed.lay(&part.template);
        }
        composed.lay(&template.template);
        composed
    }
}

impl Composed {
    fn lay(&mut self, layer: &Value) {
        if let Some(settings) = layer.get("settings") {
            flatten_settings("", settings, &mut self.settings);
        }
        if let Some(mappings) = layer.get("mappings") {
            merge_mappings(&mut self.mappings, mappings);
        }
        if let Some(aliases) = layer.get("aliases").and_then(Value::as_object) {
            self.aliases.extend(aliases.clone());
        }
        if let Some(lifecycle) = layer.get("lifecycle") {
            self.lifecycle = lifecycle.clone();
        }
    }
}

/// Two pattern lists that some name could fit both. Checked by the literal ends around the stars, as a name exists
/// unless the heads or the tails contradict each other.
fn overlap(left: &[String], right: &[String]) -> bool {
    left.iter().any(|a| right.iter().any(|b| could_meet(a, b)))
}

fn could_meet(a: &str, b: &str) -> bool {
    match (a.contains('*'), b.contains('*')) {
        (false, _) => matches(b, a),
        (_, false) => matches(a, b),
        (true, true) => {
            let ends = |text: &str| {
                let head = text.split('*').next().unwrap_or_default().to_owned();
                let tail = text.rsplit('*').next().unwrap_or_default().to_owned();
                (head, tail)
            };
            let ((head, tail), (other_head, other_tail)) = (ends(a), ends(b));
            let heads = head.starts_with(&other_head) || other_head.starts_with(&head);
            heads && (tail.ends_with(&other_tail) || other_tail.ends_with(&tail))
        }
    }
}

/// Settings as flat keys, each below `index.`.
pub fn flatten_settings(prefix: &str, value: &Value, flat: &mut Map<String, Value>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten_settings(&path, value, flat);
            }
        }
        Value::Null => {}
        value => {
            let key =
                if prefix.starts_with("index.") { prefix.to_owned() } else { format!("index.{prefix}") };
            flat.insert(key, value.clone());
        }
    }
}

/// Lays one mapping over another: objects are merged, fields replaced, dynamic templates joined by name.
pub fn merge_mappings(below: &mut Value, above: &Value) {
    let above = match above.get("_doc") {
        Some(typed) if above.as_object().is_some_and(|map| map.len() == 1) => typed,
        _ => above,
    };
    let Some(above) = above.as_object() else { return };
    if !below.is_object() {
        *below = json!({});
    }
    let Some(below) = below.as_object_mut() else { return };
    for (key, value) in above {
        let slot = below.entry(key.clone()).or_insert(Value::Null);
        match key.as_str() {
            "properties" => merge_properties(slot, value),
            "dynamic_templates" => join_by_name(slot, value),
            "_meta" => merge_objects(slot, value),
            _ => *slot = value.clone(),
        }
    }
}

fn merge_properties(below: &mut Value, above: &Value) {
    if !below.is_object() {
        *below = json!({});
    }
    let (Some(below), Some(above)) = (below.as_object_mut(), above.as_object()) else { return };
    for (name, value) in above {
        match below.get_mut(name) {
            Some(existing) if is_object(existing) && is_object(value) => merge_mappings(existing, value),
            _ => {
                below.insert(name.clone(), value.clone());
            }
        }
    }
}

fn is_object(parameters: &Value) -> bool {
    parameters.get("type").is_none_or(|kind| kind == "object")
}

fn join_by_name(below: &mut Value, above: &Value) {
    let name_of = |rule: &Value| rule.as_object().and_then(|rule| rule.keys().next().cloned());
    let mut rules: Vec<Value> = below.as_array().cloned().unwrap_or_default();
    for rule in above.as_array().into_iter().flatten() {
        match rules.iter().position(|known| name_of(known) == name_of(rule)) {
            Some(at) => rules[at] = rule.clone(),
            None => rules.push(rule.clone()),
        }
    }
    *below = Value::Array(rules);
}

fn merge_objects(below: &mut Value, above: &Value) {
    match (below.as_object_mut(), above.as_object()) {
        (Some(below), Some(above)) => below.extend(above.clone()),
        _ => *below = above.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(value: Value) -> IndexTemplate {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_highest_priority_wins_and_components_lie_below_it() {
        let mut templates = Templates::default();
        let component = json!({"template": {"settings": {"index": {"codec": "x", "number_of_shards": 1}}, "mappings": {"properties": {"a": {"type": "long"}, "o": {"properties": {"x": {"type": "long"}}}}}}});
        templates.components.insert("c".to_owned(), serde_json::from_value(component).unwrap());
        templates.put_index("low", template(json!({"index_patterns": "logs-*", "priority": 100}))).unwrap();
        templates
            .put_index("high", template(json!({"index_patterns": ["logs-app-*"], "priority": 500, "composed_of": ["c"], "data_stream": {},
                "template": {"settings": {"number_of_shards": 2}, "mappings": {"properties": {"a": {"type": "keyword"}, "o": {"properties": {"y": {"type": "long"}}}}}}})))
            .unwrap();
        let composed = templates.compose("logs-app-default");
        assert_eq!(composed.template.as_deref(), Some("high"));
        assert!(composed.data_stream);
        assert_eq!(
            Value::Object(composed.settings),
            json!({"index.codec": "x", "index.number_of_shards": 2})
        );
        assert_eq!(
            composed.mappings,
            json!({"properties": {"a": {"type": "keyword"}, "o": {"properties": {"x": {"type": "long"}, "y": {"type": "long"}}}}})
        );
        assert_eq!(templates.compose("logs-nginx-x").template.as_deref(), Some("low"));
        assert_eq!(templates.compose("metrics").template, None);
    }

    #[test]
    fn missing_components_and_equal_priorities_are_refused() {
        let mut templates = Templates::default();
        let error = templates
            .put_index("bad", template(json!({"index_patterns": ["x"], "composed_of": ["missing"]})));
        assert_eq!(
            error.unwrap_err(),
            "index_template [bad] invalid, cause [index template [bad] specifies component templates [missing] that do not exist]"
        );
        templates.put_index("one", template(json!({"index_patterns": ["logs-*-*"], "priority": 5}))).unwrap();
        assert!(
            templates
                .put_index("two", template(json!({"index_patterns": ["logs-app-*"], "priority": 5})))
                .is_err()
        );
        assert!(
            templates
                .put_index("three", template(json!({"index_patterns": ["metrics-*"], "priority": 5})))
                .is_ok()
        );
    }
}
