//! Documents that are not taken.

/// Why a document is refused; the words are Elasticsearch's where its clients might look at them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The text is not JSON, or too deep.
    #[error("failed to parse: {0}")]
    Json(String),
    /// A name the mapping lacks: extend it, or parse again with [`Unknown::Ignored`].
    #[error("unmapped field")]
    Unmapped,
    /// The mapping forbids new names.
    #[error("mapping set to strict, dynamic introduction of [{name}] within [{parent}] is not allowed")]
    Strict {
        /// The new name.
        name: String,
        /// The object it stands in.
        parent: String,
    },
    /// A value that its field cannot take.
    #[error(
        "failed to parse field [{path}] of type [{kind}]{document}. Preview of field's value: '{preview}'"
    )]
    Value {
        /// The field.
        path: String,
        /// Its type.
        kind: String,
        /// ` in document with id '…'`, filled in by who knows the id.
        document: String,
        /// The value, cut.
        preview: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A value where the mapping has an object.
    #[error("object mapping for [{0}] tried to parse field [{0}] as object, but found a concrete value")]
    NotAnObject(String),
    /// A name that cannot be one.
    #[error("failed to parse: field name cannot contain only whitespace or be empty, found [{0}]")]
    BadName(String),
    /// A value under another name of a field, which holds none of its own.
    #[error("failed to parse: Cannot write to a field alias [{0}].")]
    Alias(String),
    /// More fields than the index takes.
    #[error("failed to parse: {0}")]
    TooManyFields(String),
    /// A data stream's document without a time.
    #[error("failed to parse: data stream timestamp field [@timestamp] is missing")]
    NoTimestamp,
}
