//! One walk over the JSON text; no tree is built.

use super::refusal::Refusal;
use super::scalar::{Scalar, read_boolean, read_date, read_number};
use super::values::{IGNORED, Values};
use crate::mapping::{Dynamic, Field, Kind, Mapping, Node, Object};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What to do with names the mapping lacks where it would take them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// Stop with [`Refusal::Unmapped`].
    Reported,
    /// Note those with a value in `_ignored`.
    Ignored,
}

/// Deepest nesting of a document, as `index.mapping.depth.limit` has it.
const DEPTH_LIMIT: usize = 20;

/// Reads the values of `source` by `mapping`. Every value is checked, also those no field takes.
pub fn parse(source: &[u8], mapping: &Mapping, unknown: Unknown) -> Result<Values, Refusal> {
    let mut walk = Walk {
        mapping,
        unknown,
        values: Values::default(),
        refusal: None,
        unmapped: String::new(),
        depth: 0,
    };
    let mut json = serde_json::Deserializer::from_slice(source);
    let root = Place::Object(&mapping.root, mapping.root.dynamic.unwrap_or(Dynamic::True));
    let outcome = RootSeed { walk: &mut walk, root }.deserialize(&mut json).and_then(|()| json.end());
    match (outcome, walk.refusal) {
        (_, Some(refusal)) => Err(refusal),
        (Err(error), None) => Err(Refusal::Json(error.to_string())),
        (Ok(()), None) => {
            walk.values.settle();
            Ok(walk.values)
        }
    }
}

struct Walk<'m> {
    mapping: &'m Mapping,
    unknown: Unknown,
    values: Values,
    refusal: Option<Refusal>,
    /// The name that [`Place::Unmapped`] is about, until its first value.
    unmapped: String,
    depth: usize,
}

/// Where in the mapping the walk stands.
#[derive(Clone, Copy)]
enum Place<'m> {
    Object(&'m Object, Dynamic),
    Field(&'m Field),
    /// Below a `flattened` field.
    Flat(&'m Field),
    /// A name the mapping lacks, and below it.
    Unmapped,
    Skipped,
}

impl<'m> Walk<'m> {
    fn refuse<E: Error>(&mut self, refusal: Refusal) -> E {
        self.refusal = Some(refusal);
        E::custom("refused")
    }

    /// The place of `key` (a name, or names joined by dots) below `place`.
    fn child<E: Error>(&mut self, place: Place<'m>, key: &str) -> Result<Place<'m>, E> {
        let Place::Object(mut object, mut dynamic) = place else { return Ok(place) };
        if key.trim().is_empty() {
            return Err(self.refuse(Refusal::BadName(key.to_owned())));
        }
        let mut names = key.split('.').peekable();
        while let Some(name) = names.next() {
            match object.children.get(name) {
                None if name.trim().is_empty() => return Err(self.refuse(Refusal::BadName(key.to_owned()))),
                None => return self.missing(object, dynamic, key),
                Some(Node::Object(child)) if !child.enabled => return Ok(Place::Skipped),
                Some(Node::Object(child)) => {
                    dynamic = child.dynamic.unwrap_or(dynamic);
                    object = child;
                }
                Some(Node::Alias(_)) => {
                    let above =
                        if object.path.is_empty() { String::new() } else { format!("{}.", object.path) };
                    return Err(self.refuse(Refusal::Alias(format!("{above}{name}"))));
                }
                Some(Node::Field(id)) => {
                    let field = self.mapping.by_id(*id);
                    let flat = matches!(field.kind, Kind::Flattened);
                    return match names.peek() {
                        None => Ok(Place::Field(field)),
                        Some(_) if flat => Ok(Place::Flat(field)),
                        Some(_) => Err(self.refuse(value_refusal(
                            field,
                            "{…}",
                            "Expected a value but found an object",
                        ))),
                    };
                }
            }
        }
        Ok(Place::Object(object, dynamic))
    }

    fn missing<E: Error>(&mut self, object: &Object, dynamic: Dynamic, key: &str) -> Result<Place<'m>, E> {
        match (dynamic, self.unknown) {
            (Dynamic::False, _) => Ok(Place::Skipped),
            (Dynamic::Strict, _) => {
                let parent = if object.path.is_empty() { "_doc" } else { &object.path };
                Err(self.refuse(Refusal::Strict { name: key.to_owned(), parent: parent.to_owned() }))
            }
            (Dynamic::True, Unknown::Reported) => Err(self.refuse(Refusal::Unmapped)),
            (Dynamic::True, Unknown::Ignored) => {
                let parent = &object.path;
                self.unmapped = if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") };
                Ok(Place::Unmapped)
            }
        }
    }

    fn scalar<E: Error>(&mut self, place: Place<'m>, value: Scalar<'_>) -> Result<(), E> {
        match place {
            Place::Skipped => Ok(()),
            Place::Unmapped => {
                let name = std::mem::take(&mut self.unmapped);
                if !name.is_empty() {
                    self.values.add_keyword(IGNORED, &name);
                }
                Ok(())
            }
            Place::Object(object, _) => Err(self.refuse(Refusal::NotAnObject(object.path.clone()))),
            Place::Flat(field) => {
                self.values.add_keyword(field.id, &value.to_string());
                Ok(())
            }
            Place::Field(field) => {
                self.store(field, value)?;
                for sub in &field.subs {
                    self.store(self.mapping.by_id(*sub), value)?;
                }
                Ok(())
            }
        }
    }

    fn store<E: Error>(&mut self, field: &'m Field, value: Scalar<'_>) -> Result<(), E> {
        let number = match &field.kind {
            Kind::Keyword { ignore_above } => {
                self.store_keyword(field, *ignore_above, value);
                return Ok(());
            }
            Kind::Text => {
                match value {
                    Scalar::Text(text) => self.values.add_text(field.id, text),
                    other => self.values.add_text(field.id, &other.to_string()),
                }
                return Ok(());
            }
            Kind::Unindexed => return Ok(()),
            Kind::Flattened => {
                Err("Failed to parse object: expecting token of type [START_OBJECT]".to_owned())
            }
            Kind::Number(number) => read_number(*number, value),
            Kind::Boolean => read_boolean(value),
            Kind::Date { format, unit } => read_date(format, *unit, value),
        };
        match number {
            Ok(number) => self.values.numbers.push((field.id, number)),
            Err(_) if field.ignore_malformed => self.values.add_keyword(IGNORED, &field.path),
            Err(cause) => return Err(self.refuse(value_refusal(field, &value.to_string(), &cause))),
        }
        Ok(())
    }

    fn store_keyword(&mut self, field: &Field, ignore_above: usize, value: Scalar<'_>) {
        let printed;
        let text = match value {
            Scalar::Text(text) => text,
            other => {
                printed = other.to_string();
                &printed
            }
        };
        let fits = text.len() <= ignore_above || text.chars().count() <= ignore_above;
        if fits && text.len() <= crate::mapping::kind::KEYWORD_MAX_BYTES {
            self.values.add_keyword(field.id, text);
        } else {
            self.values.add_keyword(IGNORED, &field.path);
        }
    }

    fn no_object<E: Error>(&mut self, field: &'m Field) -> E {
        let kind = type_name(field);
        self.refuse(value_refusal(field, "{…}", &format!("Expected {kind} but found START_OBJECT")))
    }
}

fn type_name(field: &Field) -> &str {
    field.parameters.get("type").and_then(serde_json::Value::as_str).unwrap_or("object")
}

fn value_refusal(field: &Field, preview: &str, cause: &str) -> Refusal {
    Refusal::Value {
        path: field.path.clone(),
        kind: type_name(field).to_owned(),
        document: String::new(),
        preview: preview.chars().take(100).collect(),
        cause: cause.to_owned(),
    }
}

/// The document itself: nothing but an object.
struct RootSeed<'w, 'm> {
    walk: &'w mut Walk<'m>,
    root: Place<'m>,
}

impl<'de> DeserializeSeed<'de> for RootSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(ValueVisitor { walk: self.walk, place: self.root })
    }
}

struct KeySeed<'w, 'm> {
    walk: &'w mut Walk<'m>,
    place: Place<'m>,
}

impl<'de, 'm> DeserializeSeed<'de> for KeySeed<'_, 'm> {
    type Value = Place<'m>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Place<'m>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'m> Visitor<'_> for KeySeed<'_, 'm> {
    type Value = Place<'m>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Place<'m>, E> {
        self.walk.child(self.place, key)
    }
}

struct ValueVisitor<'w, 'm> {
    walk: &'w mut Walk<'m>,
    place: Place<'m>,
}

impl<'de> DeserializeSeed<'de> for ValueVisitor<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if matches!(self.place, Place::Skipped) {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de, 'm> Visitor<'de> for ValueVisitor<'_, 'm> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.walk.scalar(self.place, Scalar::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.walk.scalar(self.place, Scalar::Whole(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.walk.scalar(self.place, Scalar::Whole(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.walk.scalar(self.place, Scalar::Fraction(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.walk.scalar(self.place, Scalar::Text(value))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(ValueVisitor { walk: &mut *self.walk, place: self.place })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let place: Place<'m> = match self.place {
            Place::Field(field) if matches!(field.kind, Kind::Flattened) => Place::Flat(field),
            Place::Field(field) if matches!(field.kind, Kind::Unindexed) => Place::Skipped,
            Place::Field(field) => return Err(self.walk.no_object(field)),
            other => other,
        };
        self.walk.depth += 1;
        if self.walk.depth > DEPTH_LIMIT {
            let reason = format!("Limit of mapping depth [{DEPTH_LIMIT}] has been exceeded");
            return Err(self.walk.refuse(Refusal::TooManyFields(reason)));
        }
        while let Some(child) = map.next_key_seed(KeySeed { walk: &mut *self.walk, place })? {
            map.next_value_seed(ValueVisitor { walk: &mut *self.walk, place: child })?;
        }
        self.walk.depth -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{FieldId, MappingSettings};
    use serde_json::json;

    fn mapping() -> Mapping {
        let source = json!({"properties": {
            "n": {"type": "long"}, "s": {"type": "short"}, "d": {"type": "date"}, "b": {"type": "boolean"},
            "k": {"type": "keyword", "ignore_above": 5}, "m": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
            "o": {"properties": {"x": {"type": "double"}}}, "f": {"type": "flattened"},
            "closed": {"dynamic": "strict", "properties": {"a": {"type": "long"}}},
            "off": {"type": "object", "enabled": false},
        }});
        Mapping::parse(&source, MappingSettings::default()).unwrap()
    }

    fn show(source: &str) -> Result<Vec<String>, String> {
        let mapping = mapping();
        let values =
            parse(source.as_bytes(), &mapping, Unknown::Reported).map_err(|refusal| refusal.to_string())?;
        let name = |id: FieldId| if id == IGNORED { "_ignored" } else { &mapping.by_id(id).path };
        let mut shown: Vec<String> =
            values.numbers.iter().map(|(id, n)| format!("{}={n}", name(*id))).collect();
        shown.extend(values.keywords.iter().map(|w| format!("{}={}", name(w.field), values.text(*w))));
        shown.extend(values.texts.iter().map(|w| format!("{}~{}", name(w.field), values.text(*w))));
        shown.sort();
        Ok(shown)
    }

    fn check(source: &str, expected: &[&str]) {
        assert_eq!(show(source).unwrap(), expected, "{source}");
    }

    #[test]
    fn values_become_what_the_mapping_says() {
        check(
            r#"{"n": 1, "s": "2.7", "b": "true", "d": "2026-01-01"}"#,
            &["b=1", "d=1767225600000", "n=1", "s=2"],
        );
        check(r#"{"k": ["b", "a", "b", 7, true]}"#, &["k=7", "k=a", "k=b", "k=true"]);
        check(r#"{"k": "longer"}"#, &["_ignored=k"]);
        check(r#"{"m": "A b"}"#, &["m.keyword=A b", "m=0", "m~A b"]);
        check(r#"{"o.x": null, "o": {"x": [0]}}"#, &["o.x=0"]);
        check(r#"{"f": {"a": {"b": 1}, "c": ["x"]}}"#, &["f=1", "f=x"]);
        check(r#"{"off": {"anything": {"at": 1}}}"#, &[]);
        check("{}", &[]);
    }

    #[test]
    fn unmapped_names_are_noted_where_they_have_a_value() {
        let mapping = mapping();
        let source = br#"{"x": [], "o": {"y": null, "z": [{}, 1, 2]}}"#;
        let values = parse(source, &mapping, Unknown::Ignored).unwrap();
        let noted: Vec<&str> = values.keywords.iter().map(|word| values.text(*word)).collect();
        assert_eq!(noted, ["o.z"]);
    }

    #[test]
    fn wrong_values_are_refused_with_their_field() {
        for (source, expected) in [
            (r#"{"n": "x"}"#, "failed to parse field [n] of type [long]. Preview of field's value: 'x'"),
            (
                r#"{"s": 40000}"#,
                "failed to parse field [s] of type [short]. Preview of field's value: '40000'",
            ),
            (
                r#"{"m": {"an": 1}}"#,
                "failed to parse field [m] of type [text]. Preview of field's value: '{…}'",
            ),
            (
                r#"{"o": 1}"#,
                "object mapping for [o] tried to parse field [o] as object, but found a concrete value",
            ),
            (
                r#"{"closed": {"b": 1}}"#,
                "mapping set to strict, dynamic introduction of [b] within [closed] is not allowed",
            ),
            (r#"{"new": 1}"#, "unmapped field"),
            (r#"{"a..b": 1}"#, "unmapped field"),
            (
                r#"{"o..x": 1}"#,
                "failed to parse: field name cannot contain only whitespace or be empty, found [o..x]",
            ),
            (
                r#"{"": 1}"#,
                "failed to parse: field name cannot contain only whitespace or be empty, found []",
            ),
        ] {
            assert_eq!(show(source).unwrap_err(), expected, "{source}");
        }
        for source in ["", "[]", "7", "{\"n\": 1", "{\"n\": 1} x", "{\"m\": \"\u{1}\"}"] {
            assert!(show(source).unwrap_err().starts_with("failed to parse: "), "{source}");
        }
    }
}
