//! Why a line that could be JSON is treated as text.

/// Why a line is no JSON object this agent can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The first character is not `{`.
    #[error("it does not start with `{{`")]
    NotAnObject,
    /// The grammar is broken.
    #[error("it is not valid JSON at byte {0}")]
    Syntax(u32),
    /// More follows behind the object.
    #[error("more text follows the object at byte {0}")]
    Trailing(u32),
    /// A `\ud800`…`\udfff` escape without its other half.
    #[error("it has half a surrogate pair at byte {0}")]
    Surrogate(u32),
    /// Nested deeper than 64 levels.
    #[error("it is nested deeper than 64 levels at byte {0}")]
    Depth(u32),
    /// More than 16 384 values.
    #[error("it has more than 16384 values")]
    Values,
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    Encoding,
    /// The line is cut at `max_line`.
    #[error("it is longer than `max_line`")]
    Cut,
    /// Longer than 4 GiB.
    #[error("it is longer than 4 GiB")]
    Length,
}
