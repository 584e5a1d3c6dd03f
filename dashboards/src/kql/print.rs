//! [`Query`] → text that reads back as the same query.

use std::fmt::{self, Display, Formatter};

use super::query::{Comparison, Literal, Pattern, Query};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::And(queries) => list(f, queries, " and "),
            Self::Or(queries) => list(f, queries, " or "),
            Self::Not(query) => write!(f, "not {}", Operand(query)),
            Self::Is(None, value) => write!(f, "{value}"),
            Self::Is(Some(field), value) => write!(f, "{field}: {value}"),
            Self::Compare(field, comparison, value) => write!(f, "{field} {comparison} {}", quoted(value)),
            Self::Nested(path, query) => write!(f, "{path}: {{ {query} }}"),
            // No KQL says it: who shows queries keeps this one among the filters.
            Self::Lucene(text) => f.write_str(text),
        }
    }
}

/// A query inside another: lists get parentheses.
struct Operand<'q>(&'q Query);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            list @ (Query::And(_) | Query::Or(_)) => write!(f, "({list})"),
            query => write!(f, "{query}"),
        }
    }
}

fn list(f: &mut Formatter<'_>, queries: &[Query], separator: &str) -> fmt::Result {
    for (index, query) in queries.iter().enumerate() {
        let separator = if index == 0 { "" } else { separator };
        write!(f, "{separator}{}", Operand(query))?;
    }
    Ok(())
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phrase(text) => f.write_str(&quoted(text)),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Bare(pattern) => write!(f, "{pattern}"),
        }
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.write(bare))
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// Unquoted text, with everything escaped that could be read otherwise.
fn bare(piece: &str) -> String {
    let keyword = ["and", "or", "not"].iter().any(|keyword| piece.eq_ignore_ascii_case(keyword));
    let mut text = String::from(if keyword { "\\" } else { "" });
    for character in piece.chars() {
        match character {
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            '\n' => text.push_str("\\n"),
            // Other kinds of blanks have no short escape.
            blank if blank.is_whitespace() && blank != ' ' => {
                text.push_str(&format!("\\u{:04x}", u32::from(blank)))
            }
            special if "\\():<>\"*{} ".contains(special) => text.extend(['\\', special]),
            plain => text.push(plain),
        }
    }
    text
}
