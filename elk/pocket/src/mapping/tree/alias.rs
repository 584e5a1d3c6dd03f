//! Other names of fields: type `alias`.

use super::{Mapping, MappingError, Node, invalid};
use serde_json::{Map, Value};

impl Mapping {
    /// Adds another name of a field that is there once the whole mapping is read.
    pub(super) fn add_alias(
        &mut self,
        path: &[&str],
        parameters: &Map<String, Value>,
    ) -> Result<(), MappingError> {
        let full = path.join(".");
        if let Some(known) = self.paths.get(&full) {
            let old = self.by_id(*known).parameters.get("type").and_then(Value::as_str);
            let old = old.unwrap_or_default().to_owned();
            return Err(MappingError::Changed { path: full, old, new: "alias".to_owned() });
        }
        let target = parameters
            .get("path")
            .and_then(Value::as_str)
            .ok_or_else(|| invalid(&format!("The [path] property must be specified for field [{full}].")))?;
        self.check_no_object(path)?;
        self.aliases.insert(full, target.to_owned());
        self.put(path, Node::Alias(target.to_owned()))
    }

    pub(super) fn check_aliases(&self) -> Result<(), MappingError> {
        let Some((alias, target)) = self.aliases.iter().find(|(_, target)| !self.paths.contains_key(*target))
        else {
            return Ok(());
        };
        let reason = match self.aliases.contains_key(target) {
            true => "an alias cannot refer to another alias",
            false => "an alias must refer to an existing field in the mappings",
        };
        Err(invalid(&format!("Invalid [path] value [{target}] for field alias [{alias}]: {reason}.")))
    }
}
