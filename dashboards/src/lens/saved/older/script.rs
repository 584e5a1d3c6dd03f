//! The arithmetic of TSVB: `(params.free / params.total) * 100`, `divide(params.a, params.b)`.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::lens::fault::Unsupported;

/// Most operands of a script, parentheses among them: a tree is no deeper.
const OPERANDS_MAX: usize = 100;

/// `text` as the tree of a formula of Lens; `columns` are those of its parameters.
pub(super) fn read(text: &str, columns: &BTreeMap<String, String>) -> Result<Json, Unsupported> {
    let mut script = Script { rest: text.trim(), columns, operands: 0 };
    let tree = script.sum().filter(|_| script.rest.is_empty());
    let named: String = text.chars().take(80).collect();
    tree.ok_or_else(|| Unsupported::new(format!("the script `{named}` of a TSVB panel")))
}

struct Script<'t> {
    rest: &'t str,
    columns: &'t BTreeMap<String, String>,
    operands: usize,
}

fn call(name: &str, args: Vec<Json>) -> Json {
    json!({"type": "function", "name": name, "args": args})
}

fn only(mut list: Vec<Json>) -> Option<Json> {
    let last = list.pop();
    last.filter(|_| list.is_empty())
}

impl<'t> Script<'t> {
    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest.strip_prefix(sign);
        self.rest = found.unwrap_or(self.rest).trim_start();
        found.is_some()
    }

    fn sum(&mut self) -> Option<Json> {
        let mut left = self.product()?;
        loop {
            let name = if self.take("+") {
                "add"
            } else if self.take("-") {
                "subtract"
            } else {
                return Some(left);
            };
            left = call(name, vec![left, self.product()?]);
        }
    }

    fn product(&mut self) -> Option<Json> {
        let mut left = self.factor()?;
        loop {
            let name = if self.take("*") {
                "multiply"
            } else if self.take("/") {
                "divide"
            } else {
                return Some(left);
            };
            left = call(name, vec![left, self.factor()?]);
        }
    }

    fn factor(&mut self) -> Option<Json> {
        self.operands += 1;
        if self.operands > OPERANDS_MAX {
            return None;
        }
        match self.word() {
            "" if self.take("(") => only(self.closed()?),
            "" if self.take("-") => Some(call("subtract", vec![json!(0), self.factor()?])),
            "" => None,
            word => match word.strip_prefix("params.") {
                Some(name) => self.columns.get(name).map(|column| json!(column)),
                None if self.take("(") => Some(call(word, self.closed()?)),
                None => word.parse::<f64>().ok().map(|number| json!(number)),
            },
        }
    }

    /// Letters, digits, `_` and points.
    fn word(&mut self) -> &'t str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        word
    }

    /// Expressions up to the closing parenthesis.
    fn closed(&mut self) -> Option<Vec<Json>> {
        let mut arguments = vec![self.sum()?];
        while self.take(",") {
            arguments.push(self.sum()?);
        }
        self.take(")").then_some(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> BTreeMap<String, String> {
        ["free", "total"].map(|name| (name.to_owned(), format!("column of {name}"))).into()
    }

    #[test]
    fn arithmetic_becomes_the_tree_of_a_formula() {
        let share = call("divide", vec![json!("column of free"), json!("column of total")]);
        for (text, tree) in [
            ("params.free / params.total", share.clone()),
            ("divide(params.free,params.total)", share.clone()),
            ("(params.free/params.total) * 100", call("multiply", vec![share.clone(), json!(100.0)])),
            ("1 - params.free / params.total", call("subtract", vec![json!(1.0), share])),
            ("-params.free", call("subtract", vec![json!(0), json!("column of free")])),
        ] {
            assert_eq!(read(text, &columns()), Ok(tree), "{text}");
        }
    }

    #[test]
    fn everything_else_is_named() {
        for text in [
            "",
            "params.used",
            "params.free > 0 ? 1 : null",
            "params.free params.total",
            "f(",
            "(1, 2)",
            "1..2",
        ] {
            let fault = read(text, &columns()).unwrap_err();
            assert_eq!(fault.reason, format!("the script `{text}` of a TSVB panel"));
        }
        for endless in ["(", "-", "1+", "1*"] {
            let fault = read(&(endless.repeat(100_000) + "1"), &columns()).unwrap_err();
            assert!(fault.reason.len() < 200, "{}", fault.reason);
        }
    }
}
