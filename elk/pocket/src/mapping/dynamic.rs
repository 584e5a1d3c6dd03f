//! How a document adds fields: dynamic templates first, then the rules Elasticsearch has without any.

use super::tree::{Dynamic, Mapping, MappingError, Node, Object};
use crate::pattern::matches;
use crate::time::format::{DateFormat, Missing};
use serde_json::{Map, Value, json};

/// One rule of `dynamic_templates`.
#[derive(Debug, Clone, PartialEq)]
pub struct DynamicTemplate {
    types: Vec<String>,
    names: Patterns,
    paths: Patterns,
    mapping: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
struct Patterns {
    wanted: Vec<String>,
    unwanted: Vec<String>,
}

impl Patterns {
    fn fit(&self, text: &str) -> bool {
        let wanted = self.wanted.is_empty() || self.wanted.iter().any(|pattern| matches(pattern, text));
        wanted && !self.unwanted.iter().any(|pattern| matches(pattern, text))
    }
}

impl DynamicTemplate {
    /// Reads the list; the error is a sentence.
    pub fn parse_all(list: &Value) -> Result<Vec<Self>, String> {
        let list = list.as_array().ok_or("[dynamic_templates] must be an array of objects")?;
        list.iter().map(Self::parse).collect()
    }

    fn parse(entry: &Value) -> Result<Self, String> {
        let (name, rule) = entry
            .as_object()
            .filter(|entry| entry.len() == 1)
            .and_then(|entry| entry.iter().next())
            .ok_or("a dynamic template must be defined with a name")?;
        let texts = |key: &str| -> Vec<String> {
            match rule.get(key) {
                Some(Value::String(one)) => vec![one.clone()],
                Some(Value::Array(many)) => {
                    many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                }
                _ => Vec::new(),
            }
        };
        if rule.get("match_pattern").is_some_and(|pattern| pattern != "simple")
            || rule.get("runtime").is_some()
        {
            return Err(format!(
                "dynamic template [{name}] uses [match_pattern] or [runtime], which this store lacks"
            ));
        }
        let mapping = rule
            .get("mapping")
            .and_then(Value::as_object)
            .ok_or_else(|| format!("template [{name}] must have a mapping"))?;
        Ok(Self {
            types: texts("match_mapping_type").into_iter().filter(|kind| kind != "*").collect(),
            names: Patterns { wanted: texts("match"), unwanted: texts("unmatch") },
            paths: Patterns { wanted: texts("path_match"), unwanted: texts("path_unmatch") },
            mapping: mapping.clone(),
        })
    }

    fn fits(&self, kind: &str, name: &str, path: &str) -> bool {
        let typed = self.types.is_empty() || self.types.iter().any(|wanted| wanted == kind);
        typed && self.names.fit(name) && self.paths.fit(path)
    }

    fn apply(&self, kind: &str, name: &str) -> Map<String, Value> {
        let fill = |text: &str| text.replace("{name}", name).replace("{dynamic_type}", kind_name(kind));
        let mut mapping: Map<String, Value> =
            self.mapping.iter().map(|(key, value)| (key.clone(), filled(value, &fill))).collect();
        if kind != "object" && !mapping.contains_key("type") {
            mapping.insert("type".to_owned(), json!(kind_name(kind)));
        }
        mapping
    }
}

fn filled(value: &Value, fill: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text)),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), filled(value, fill))).collect())
        }
        other => other.clone(),
    }
}

fn kind_name(kind: &str) -> &str {
    if kind == "string" { "text" } else { kind }
}

/// The mapping of a dynamic kind without any template.
fn plain(kind: &str) -> Map<String, Value> {
    let mapping = match kind {
        "string" => json!({"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}),
        "double" => json!({"type": "float"}),
        "object" => json!({"type": "object"}),
        other => json!({"type": other}),
    };
    match mapping {
        Value::Object(mapping) => mapping,
        _ => Map::new(),
    }
}

impl Mapping {
    /// This mapping with the fields `document` brings; names in strict or closed objects add nothing here.
    pub fn extended_by(&self, document: &Value) -> Result<Self, MappingError> {
        let mut extended = self.clone();
        let mut path = Vec::new();
        extended.learn(&mut path, document, Dynamic::True)?;
        Ok(extended)
    }

    fn learn<'a>(
        &mut self,
        path: &mut Vec<&'a str>,
        object: &'a Value,
        above: Dynamic,
    ) -> Result<(), MappingError> {
        let Some(entries) = object.as_object() else { return Ok(()) };
        for (key, value) in entries {
            let depth = path.len();
            path.extend(key.split('.'));
            self.learn_value(path, value, above)?;
            path.truncate(depth);
        }
        Ok(())
    }

    fn learn_value<'a>(
        &mut self,
        path: &mut Vec<&'a str>,
        value: &'a Value,
        above: Dynamic,
    ) -> Result<(), MappingError> {
        match self.place(path, above) {
            Place::Closed | Place::Field => Ok(()),
            Place::Object(dynamic) => self.learn_all(path, value, dynamic),
            Place::Unknown(dynamic) => match sample(value) {
                Some(sample @ Value::Object(_)) => {
                    self.add_dynamic(path, sample)?;
                    match self.place(path, dynamic) {
                        Place::Object(dynamic) => self.learn_all(path, value, dynamic),
                        _ => Ok(()),
                    }
                }
                Some(sample) => self.add_dynamic(path, sample),
                None => Ok(()),
            },
        }
    }

    fn learn_all<'a>(
        &mut self,
        path: &mut Vec<&'a str>,
        value: &'a Value,
        dynamic: Dynamic,
    ) -> Result<(), MappingError> {
        match value {
            Value::Array(values) => values.iter().try_for_each(|value| self.learn_all(path, value, dynamic)),
            other => self.learn(path, other, dynamic),
        }
    }

    fn add_dynamic(&mut self, path: &[&str], sample: &Value) -> Result<(), MappingError> {
        if self.count() >= self.settings.fields_limit && self.settings.ignore_beyond_limit {
            return Ok(());
        }
        let kind = self.kind_of(sample);
        let (full, name) = (path.join("."), path.last().copied().unwrap_or_default());
        let rule = self.templates.iter().find(|rule| rule.fits(kind, name, &full));
        let parameters = rule.map_or_else(|| plain(kind), |rule| rule.apply(kind, name));
        self.add(path, &parameters)?;
        self.check_limit()
    }

    fn kind_of(&self, sample: &Value) -> &'static str {
        match sample {
            Value::Object(_) => "object",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "double",
            Value::Number(_) => "long",
            Value::String(text) if self.date_detection && looks_like_date(text) => "date",
            Value::String(text) if self.numeric_detection && text.parse::<i64>().is_ok() => "long",
            Value::String(text) if self.numeric_detection && text.parse::<f64>().is_ok() => "double",
            _ => "string",
        }
    }

    fn place(&self, path: &[&str], above: Dynamic) -> Place {
        let mut at = &self.root;
        let mut dynamic = at.dynamic.unwrap_or(above);
        for name in path {
            match at.children.get(*name) {
                None => {
                    return if dynamic == Dynamic::True { Place::Unknown(dynamic) } else { Place::Closed };
                }
                Some(Node::Field(_) | Node::Alias(_)) => return Place::Field,
                Some(Node::Object(object)) if !object.enabled => return Place::Closed,
                Some(Node::Object(object)) => {
                    dynamic = effective(object, dynamic);
                    at = object;
                }
            }
        }
        Place::Object(dynamic)
    }
}

/// What the mapping says of a path.
enum Place {
    Object(Dynamic),
    Field,
    Closed,
    Unknown(Dynamic),
}

fn effective(object: &Object, above: Dynamic) -> Dynamic {
    object.dynamic.unwrap_or(above)
}

/// The value that decides the type: of an array, its first that is not null.
fn sample(value: &Value) -> Option<&Value> {
    match value {
        Value::Null => None,
        Value::Array(values) => values.iter().find_map(sample),
        other => Some(other),
    }
}

fn looks_like_date(text: &str) -> bool {
    text.len() >= 8
        && text.contains(['-', ':', '/'])
        && DateFormat::parse("strict_date_optional_time||yyyy/MM/dd HH:mm:ss||yyyy/MM/dd")
            .is_ok_and(|format| format.read(text, Missing::First, 0).is_some())
}

#[cfg(test)]
mod tests {
    use super::super::tree::MappingSettings;
    use super::*;

    fn extended(mapping: &Value, document: &Value) -> Value {
        let mapping = Mapping::parse(mapping, MappingSettings::default()).unwrap();
        mapping.extended_by(document).unwrap().render()["properties"].clone()
    }

    #[test]
    fn without_templates_each_json_kind_has_its_type() {
        let document = json!({"t": "x", "d": "2026-01-02", "i": 1, "f": 1.5, "b": true, "n": null, "e": [], "o": {"a.b": [null, 2]}});
        assert_eq!(
            extended(&json!({}), &document),
            json!({
                "t": {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}},
                "d": {"type": "date"}, "i": {"type": "long"}, "f": {"type": "float"}, "b": {"type": "boolean"},
                "o": {"properties": {"a": {"properties": {"b": {"type": "long"}}}}},
            })
        );
    }

    #[test]
    fn the_first_fitting_template_decides() {
        let mapping = json!({"date_detection": false, "dynamic_templates": [
            {"numbers": {"path_match": "numeric_labels.*", "mapping": {"type": "double"}}},
            {"strings": {"match_mapping_type": "string", "unmatch": "*_text", "mapping": {"type": "keyword", "ignore_above": 1024}}},
        ]});
        let document = json!({"numeric_labels": {"a": 1}, "s": "2026-01-02", "s_text": "x"});
        assert_eq!(
            extended(&mapping, &document),
            json!({
                "numeric_labels": {"properties": {"a": {"type": "double"}}},
                "s": {"type": "keyword", "ignore_above": 1024},
                "s_text": {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}},
            })
        );
    }

    #[test]
    fn closed_objects_learn_nothing() {
        let mapping = json!({"properties": {"a": {"dynamic": false, "properties": {"x": {"type": "long"}}}, "b": {"type": "object", "enabled": false}}});
        let before = Mapping::parse(&mapping, MappingSettings::default()).unwrap().render();
        assert_eq!(extended(&mapping, &json!({"a": {"y": 1}, "b": {"z": 1}})), before["properties"]);
    }

    #[test]
    fn the_limit_of_fields_holds_or_is_passed_over() {
        let settings = MappingSettings { fields_limit: 2, ..MappingSettings::default() };
        let mapping = Mapping::parse(&json!({}), settings.clone()).unwrap();
        let document = json!({"a": 1, "b": 2, "c": 3});
        assert_eq!(mapping.extended_by(&document).unwrap_err(), MappingError::TooManyFields(2));
        let lenient =
            Mapping::parse(&json!({}), MappingSettings { ignore_beyond_limit: true, ..settings }).unwrap();
        assert_eq!(lenient.extended_by(&document).unwrap().count(), 2);
    }
}
