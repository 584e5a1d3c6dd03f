//! The tree of objects and fields.

mod alias;
#[cfg(test)]
mod tests;

use super::dynamic::DynamicTemplate;
use super::kind::Kind;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// A field's number, unique in its index for life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub u16);

/// What happens to names the mapping does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dynamic {
    /// They become fields.
    True,
    /// They stay in `_source` only.
    False,
    /// The document is refused.
    Strict,
}

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its number.
    pub id: FieldId,
    /// Its full name.
    pub path: String,
    /// Its type.
    pub kind: Kind,
    /// Its parameters as they were given.
    pub parameters: Map<String, Value>,
    /// The fields that index the same value another way.
    pub subs: Vec<FieldId>,
    /// Whether a value of the wrong shape is passed over instead of refused.
    pub ignore_malformed: bool,
}

impl Field {
    /// Whether it holds addresses (`ip`).
    pub fn is_address(&self) -> bool {
        self.parameters.get("type").is_some_and(|name| name == "ip")
    }
}

/// An object of the tree.
#[derive(Debug, Clone, Default)]
pub struct Object {
    /// Its full name; empty for the root.
    pub path: String,
    /// `None`: as its parent.
    pub dynamic: Option<Dynamic>,
    /// `false`: nothing below it is read.
    pub enabled: bool,
    /// What it holds.
    pub children: BTreeMap<String, Node>,
}

/// A place in the tree.
#[derive(Debug, Clone)]
pub enum Node {
    /// More names below.
    Object(Object),
    /// A value.
    Field(FieldId),
    /// Another name of the field with this path.
    Alias(String),
}

/// Settings of an index that the mapping obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingSettings {
    /// `index.mapping.total_fields.limit`
    pub fields_limit: usize,
    /// `index.mapping.total_fields.ignore_dynamic_beyond_limit`
    pub ignore_beyond_limit: bool,
    /// `index.mapping.ignore_malformed`
    pub ignore_malformed: bool,
    /// `index.query.default_field`: where words without a field are looked for.
    pub default_fields: Vec<String>,
}

impl Default for MappingSettings {
    fn default() -> Self {
        Self {
            fields_limit: 1_000,
            ignore_beyond_limit: false,
            ignore_malformed: false,
            default_fields: vec!["*".to_owned()],
        }
    }
}

/// Why a mapping is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// It cannot be read.
    #[error("Failed to parse mapping: {0}")]
    Invalid(String),
    /// It has more fields than the index takes.
    #[error("Limit of total fields [{0}] has been exceeded")]
    TooManyFields(usize),
    /// It changes the type of a field.
    #[error("mapper [{path}] cannot be changed from type [{old}] to [{new}]")]
    Changed {
        /// The field.
        path: String,
        /// Its type so far.
        old: String,
        /// The type asked for.
        new: String,
    },
}

/// The mapping of an index.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The tree.
    pub root: Object,
    /// All fields; a [`FieldId`] is a place in here.
    pub fields: Vec<Field>,
    /// Rules for new names.
    pub templates: Vec<DynamicTemplate>,
    /// Whether texts that look like dates become dates.
    pub date_detection: bool,
    /// Whether texts that look like numbers become numbers.
    pub numeric_detection: bool,
    /// What the index's settings say.
    pub settings: MappingSettings,
    paths: HashMap<String, FieldId>,
    /// Other names of fields, and the paths of these.
    aliases: BTreeMap<String, String>,
    objects: usize,
    /// Root entries that are kept as they came: `_meta`, `dynamic_templates`, `dynamic`, …
    extras: Map<String, Value>,
}

const FIELD_ID_LIMIT: usize = 10_000;

impl Mapping {
    /// Reads a mapping: an object with `properties`, `dynamic`, `dynamic_templates`, …
    pub fn parse(source: &Value, settings: MappingSettings) -> Result<Self, MappingError> {
        let mut mapping = Self {
            root: Object { enabled: true, ..Object::default() },
            fields: Vec::new(),
            templates: Vec::new(),
            date_detection: true,
            numeric_detection: false,
            settings,
            paths: HashMap::new(),
            aliases: BTreeMap::new(),
            objects: 0,
            extras: Map::new(),
        };
        mapping.merge(source)?;
        Ok(mapping)
    }

    /// The mapping stored by [`Self::store`], its numbers kept.
    pub fn restore(stored: &Value, settings: MappingSettings) -> Result<Self, MappingError> {
        let parsed = Self::parse(&stored["mapping"], settings)?;
        let names: Vec<String> = serde_json::from_value(stored["fields"].clone())
            .map_err(|error| MappingError::Invalid(format!("the list of fields: {error}")))?;
        parsed.renumbered(&names)
    }

    /// The mapping and the numbers of its fields, for [`Self::restore`].
    pub fn store(&self) -> Value {
        let names: Vec<&str> = self.fields.iter().map(|field| field.path.as_str()).collect();
        json!({"mapping": self.render(), "fields": names})
    }

    fn renumbered(mut self, names: &[String]) -> Result<Self, MappingError> {
        if names.len() != self.fields.len() || names.iter().any(|name| !self.paths.contains_key(name)) {
            return Err(MappingError::Invalid("the list of fields does not fit the mapping".to_owned()));
        }
        let numbers: HashMap<&str, FieldId> =
            names.iter().enumerate().map(|(at, name)| (name.as_str(), FieldId(at as u16))).collect();
        let moved: Vec<FieldId> = self.fields.iter().map(|field| numbers[field.path.as_str()]).collect();
        renumber(&mut self.root, &moved);
        for field in &mut self.fields {
            field.id = moved[field.id.0 as usize];
            field.subs.iter_mut().for_each(|sub| *sub = moved[sub.0 as usize]);
        }
        self.paths.values_mut().for_each(|id| *id = moved[id.0 as usize]);
        self.fields.sort_by_key(|field| field.id);
        Ok(self)
    }

    /// Adds what `source` says. On an error the mapping is left half-changed: work on a clone.
    pub fn merge(&mut self, source: &Value) -> Result<(), MappingError> {
        let Some(source) = source.as_object() else {
            return if source.is_null() { Ok(()) } else { Err(invalid("a mapping must be an object")) };
        };
        for (key, value) in source {
            match key.as_str() {
                "properties" => {}
                "dynamic" => self.root.dynamic = Some(parse_dynamic(value)?),
                "date_detection" => self.date_detection = value != &Value::Bool(false),
                "numeric_detection" => self.numeric_detection = value == &Value::Bool(true),
                "dynamic_templates" => {
                    self.templates = DynamicTemplate::parse_all(value).map_err(MappingError::Invalid)?
                }
                "_source" if value.get("enabled") == Some(&Value::Bool(false)) => {
                    return Err(invalid("_source cannot be disabled in this store"));
                }
                "_meta"
                | "_source"
                | "_data_stream_timestamp"
                | "dynamic_date_formats"
                | "_routing"
                | "subobjects" => {}
                other => return Err(invalid(&format!("unsupported parameter [{other}]"))),
            }
            if key != "properties" {
                self.extras.insert(key.clone(), value.clone());
            }
        }
        if let Some(properties) = source.get("properties") {
            self.add_properties(&[], properties)?;
        }
        self.check_aliases()
    }

    fn add_properties(&mut self, above: &[&str], properties: &Value) -> Result<(), MappingError> {
        let properties = properties.as_object().ok_or_else(|| invalid("[properties] must be an object"))?;
        for (name, parameters) in properties {
            let parameters = parameters
                .as_object()
                .ok_or_else(|| invalid(&format!("expected map for property on field [{name}]")))?;
            let path: Vec<&str> = above.iter().copied().chain(name.split('.')).collect();
            self.add(&path, parameters)?;
        }
        Ok(())
    }

    /// Adds one object or field at `path`.
    pub(super) fn add(&mut self, path: &[&str], parameters: &Map<String, Value>) -> Result<(), MappingError> {
        if path.iter().any(|name| name.is_empty()) {
            return Err(invalid("field name cannot be an empty string"));
        }
        match parameters.get("type").and_then(Value::as_str) {
            None | Some("object") => {}
            Some("alias") => return self.add_alias(path, parameters),
            Some(_) => return self.add_field(path, parameters),
        }
        let object = self.object_at(path)?;
        if let Some(dynamic) = parameters.get("dynamic") {
            object.dynamic = Some(parse_dynamic(dynamic)?);
        }
        if parameters.get("enabled") == Some(&Value::Bool(false)) {
            object.enabled = false;
        }
        match parameters.get("properties") {
            Some(properties) => self.add_properties(path, properties),
            None => Ok(()),
        }
    }

    fn object_at(&mut self, path: &[&str]) -> Result<&mut Object, MappingError> {
        let mut added = 0;
        let mut at = &mut self.root;
        let mut full = String::new();
        for name in path {
            if !full.is_empty() {
                full.push('.');
            }
            full.push_str(name);
            let child = at.children.entry((*name).to_owned()).or_insert_with(|| {
                added += 1;
                Node::Object(Object { path: full.clone(), enabled: true, ..Object::default() })
            });
            at = match child {
                Node::Object(object) => object,
                Node::Field(_) | Node::Alias(_) => {
                    return Err(invalid(&format!(
                        "can't merge a non object mapping [{full}] with an object mapping"
                    )));
                }
            };
        }
        self.objects += added;
        Ok(at)
    }

    fn add_field(&mut self, path: &[&str], parameters: &Map<String, Value>) -> Result<(), MappingError> {
        let full = path.join(".");
        if let Some(id) = self.paths.get(&full).copied() {
            return self.update_field(id, parameters);
        }
        if self.aliases.contains_key(&full) {
            let new = parameters.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            return Err(MappingError::Changed { path: full, old: "alias".to_owned(), new });
        }
        self.check_no_object(path)?;
        let id = self.new_field(full, parameters)?;
        self.put(path, Node::Field(id))
    }

    fn check_no_object(&mut self, path: &[&str]) -> Result<(), MappingError> {
        let (last, above) = path.split_last().ok_or_else(|| invalid("a field needs a name"))?;
        match self.object_at(above)?.children.get(*last) {
            Some(Node::Object(_)) => Err(invalid(&format!(
                "can't merge an object mapping [{}] with a non object mapping",
                path.join(".")
            ))),
            _ => Ok(()),
        }
    }

    fn put(&mut self, path: &[&str], node: Node) -> Result<(), MappingError> {
        let (last, above) = path.split_last().ok_or_else(|| invalid("a field needs a name"))?;
        self.object_at(above)?.children.insert((*last).to_owned(), node);
        Ok(())
    }

    fn update_field(&mut self, id: FieldId, parameters: &Map<String, Value>) -> Result<(), MappingError> {
        let field = &mut self.fields[id.0 as usize];
        let kind_of =
            |map: &Map<String, Value>| map.get("type").and_then(Value::as_str).unwrap_or("object").to_owned();
        let (old, new) = (kind_of(&field.parameters), kind_of(parameters));
        if old != new {
            return Err(MappingError::Changed { path: field.path.clone(), old, new });
        }
        let fields = field.parameters.get("fields").cloned();
        field.parameters = parameters.clone();
        if let Some(kind) = Kind::parse(parameters).map_err(MappingError::Invalid)? {
            field.kind = kind;
        }
        if let (None, Some(fields)) = (parameters.get("fields"), fields) {
            field.parameters.insert("fields".to_owned(), fields);
        }
        self.add_subs(id)
    }

    fn new_field(&mut self, path: String, parameters: &Map<String, Value>) -> Result<FieldId, MappingError> {
        if self.fields.len() >= FIELD_ID_LIMIT {
            return Err(MappingError::TooManyFields(FIELD_ID_LIMIT));
        }
        let name = parameters.get("type").and_then(Value::as_str).unwrap_or_default();
        let kind = Kind::parse(parameters)
            .map_err(|reason| invalid(&format!("[{path}]: {reason}")))?
            .ok_or_else(|| invalid(&format!("No handler for type [{name}] declared on field [{path}]")))?;
        let id = FieldId(self.fields.len() as u16);
        let ignore_malformed = match parameters.get("ignore_malformed") {
            Some(value) => is_true(value),
            None => self.settings.ignore_malformed,
        };
        self.paths.insert(path.clone(), id);
        self.fields.push(Field {
            id,
            path,
            kind,
            parameters: parameters.clone(),
            subs: Vec::new(),
            ignore_malformed,
        });
        self.add_subs(id)?;
        Ok(id)
    }

    fn add_subs(&mut self, id: FieldId) -> Result<(), MappingError> {
        let field = &self.fields[id.0 as usize];
        let Some(subs) = field.parameters.get("fields").and_then(Value::as_object).cloned() else {
            return Ok(());
        };
        let path = field.path.clone();
        for (name, parameters) in &subs {
            let parameters =
                parameters.as_object().ok_or_else(|| invalid("a multi-field must be an object"))?;
            let full = format!("{path}.{name}");
            if self.paths.contains_key(&full) {
                continue;
            }
            let sub = self.new_field(full, parameters)?;
            self.fields[id.0 as usize].subs.push(sub);
        }
        Ok(())
    }

    /// Fails when there are more fields and objects than the settings allow.
    pub fn check_limit(&self) -> Result<(), MappingError> {
        if self.count() > self.settings.fields_limit {
            return Err(MappingError::TooManyFields(self.settings.fields_limit));
        }
        Ok(())
    }

    /// Fields, their other names and objects together, as `total_fields.limit` counts.
    pub fn count(&self) -> usize {
        self.fields.len() + self.aliases.len() + self.objects
    }

    /// The field of that full name, or of that other name.
    pub fn field(&self, path: &str) -> Option<&Field> {
        self.paths
            .get(self.aliases.get(path).map_or(path, String::as_str))
            .map(|id| &self.fields[id.0 as usize])
    }

    /// The field of that number.
    pub fn by_id(&self, id: FieldId) -> &Field {
        &self.fields[id.0 as usize]
    }

    /// Fields whose name fits a pattern with `*`, in order of name.
    pub fn matching<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| crate::pattern::matches(pattern, &field.path))
    }

    /// Full names that fit a pattern with `*`, other names of fields as well, and their fields.
    pub fn names<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = (&'a str, &'a Field)> {
        let aliases = self.aliases.iter().filter(move |(name, _)| crate::pattern::matches(pattern, name));
        let aliases = aliases.filter_map(|(name, _)| Some((name.as_str(), self.field(name)?)));
        self.matching(pattern).map(|field| (field.path.as_str(), field)).chain(aliases)
    }

    /// The mapping as `GET _mapping` shows it.
    pub fn render(&self) -> Value {
        let mut body = self.extras.clone();
        if !self.root.children.is_empty() {
            body.insert("properties".to_owned(), self.render_children(&self.root));
        }
        Value::Object(body)
    }

    fn render_children(&self, object: &Object) -> Value {
        let children = object.children.iter().map(|(name, node)| {
            let shown = match node {
                Node::Field(id) => Value::Object(self.by_id(*id).parameters.clone()),
                Node::Alias(path) => json!({"type": "alias", "path": path}),
                Node::Object(object) => self.render_object(object),
            };
            (name.clone(), shown)
        });
        Value::Object(children.collect())
    }

    fn render_object(&self, object: &Object) -> Value {
        let mut body = Map::new();
        if let Some(dynamic) = object.dynamic {
            body.insert("dynamic".to_owned(), json!(dynamic.as_str()));
        }
        if !object.enabled {
            body.insert("enabled".to_owned(), json!(false));
        }
        if object.children.is_empty() {
            body.insert("type".to_owned(), json!("object"));
        } else {
            body.insert("properties".to_owned(), self.render_children(object));
        }
        Value::Object(body)
    }
}

impl Dynamic {
    fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Strict => "strict",
        }
    }
}

fn renumber(object: &mut Object, moved: &[FieldId]) {
    for node in object.children.values_mut() {
        match node {
            Node::Object(object) => renumber(object, moved),
            Node::Field(id) => *id = moved[id.0 as usize],
            Node::Alias(_) => {}
        }
    }
}

fn parse_dynamic(value: &Value) -> Result<Dynamic, MappingError> {
    match value {
        Value::Bool(true) => Ok(Dynamic::True),
        Value::Bool(false) => Ok(Dynamic::False),
        Value::String(text) => match text.as_str() {
            "true" => Ok(Dynamic::True),
            "false" => Ok(Dynamic::False),
            "strict" => Ok(Dynamic::Strict),
            other => Err(invalid(&format!("unsupported value [{other}] of [dynamic]"))),
        },
        other => Err(invalid(&format!("unsupported value [{other}] of [dynamic]"))),
    }
}

fn is_true(value: &Value) -> bool {
    value == &Value::Bool(true) || value.as_str() == Some("true")
}

fn invalid(reason: &str) -> MappingError {
    MappingError::Invalid(reason.to_owned())
}
