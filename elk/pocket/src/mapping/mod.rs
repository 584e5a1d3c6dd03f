//! What an index knows of its fields: Elasticsearch's mappings, read, merged, extended by documents, and printed back.
//!
//! Every field gets a number for life, [`FieldId`]; columns and terms are stored under it. So renaming nothing is ever
//! needed, odd names cost nothing, and a mapping is stored as its JSON beside the numbers.

pub mod dynamic;

pub mod kind;

pub mod template;

mod tree;

pub use kind::{Kind, Number};
pub use tree::{Dynamic, Field, FieldId, Mapping, MappingError, MappingSettings, Node, Object};
