//! A formula as the hidden columns that Kibana computes it from; the text itself it only shows.
//!
//! Column `m0` with the formula `count(kql='a') / count()` becomes `m0X0` and `m0X1` (the calls, in the order of the
//! text), `m0X2` (the arithmetic over them) and `m0`, which refers to the last part.

use super::column::{Column, operation};
use crate::model::{Arithmetic, Expression, Formula, Measure, Sign};
use serde_json::{Value, json};

/// The parts, in their order, and the expression over their ids.
struct Parts<'a> {
    formula: &'a Formula,
    measure: &'a Measure,
    id: &'a str,
    columns: Vec<Column>,
}

/// The column of the formula first, then its parts.
pub(super) fn columns(measure: &Measure, formula: &Formula, id: &str, params: Value) -> Vec<Column> {
    let mut parts = Parts { formula, measure, id, columns: Vec::new() };
    let tree = parts.tree(&formula.expression);
    if let Expression::Arithmetic(_) = formula.expression {
        parts.add_math(tree);
    }
    let last = parts.columns.last().map(|part| part.id.clone());
    let mut params = params;
    params["formula"] = json!(formula.text);
    params["isFormulaBroken"] = json!(false);
    let whole = json!({
        "label": measure.label,
        "customLabel": true,
        "dataType": "number",
        "operationType": "formula",
        "isBucketed": false,
        "scale": "ratio",
        "references": Vec::from_iter(last),
        "params": params,
    });
    let mut columns = vec![Column { id: id.to_owned(), json: whole }];
    columns.append(&mut parts.columns);
    columns
}

impl Parts<'_> {
    fn next_id(&self) -> String {
        format!("{}X{}", self.id, self.columns.len())
    }

    fn label(&self) -> String {
        format!("Part of {}", self.measure.label)
    }

    /// The expression with each call replaced by the id of its column.
    fn tree(&mut self, expression: &Expression) -> Value {
        match expression {
            Expression::Number(number) => constant(*number),
            Expression::Call(call) => {
                let id = self.next_id();
                let json = operation(call, &self.label(), json!({}));
                self.columns.push(Column { id: id.clone(), json });
                json!(id)
            }
            Expression::Arithmetic(arithmetic) => self.arithmetic(arithmetic),
        }
    }

    fn arithmetic(&mut self, arithmetic: &Arithmetic) -> Value {
        let left = self.tree(&arithmetic.left);
        let right = self.tree(&arithmetic.right);
        let mut tree = json!({"type": "function", "name": sign_name(arithmetic.sign), "args": [left, right]});
        if let Some(span) = &arithmetic.span {
            tree["location"] = json!({"min": span.start, "max": span.end});
            tree["text"] = json!(self.formula.text[span.clone()]);
        }
        tree
    }

    fn add_math(&mut self, tree: Value) {
        let references: Vec<_> = self.columns.iter().map(|part| part.id.clone()).collect();
        let json = json!({
            "label": self.label(),
            "customLabel": true,
            "dataType": "number",
            "operationType": "math",
            "isBucketed": false,
            "scale": "ratio",
            "references": references,
            "params": {"tinymathAst": tree},
        });
        self.columns.push(Column { id: self.next_id(), json });
    }
}

fn sign_name(sign: Sign) -> &'static str {
    match sign {
        Sign::Add => "add",
        Sign::Subtract => "subtract",
        Sign::Multiply => "multiply",
        Sign::Divide => "divide",
    }
}

/// Whole numbers without a fraction, as JavaScript prints them.
fn constant(number: f64) -> Value {
    match number.fract() == 0.0 && number.abs() < 1e15 {
        true => json!(number as i64),
        false => json!(number),
    }
}
