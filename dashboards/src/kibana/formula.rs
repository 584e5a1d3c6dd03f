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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Format;

    #[track_caller]
    fn expands(text: &str, expected: &[(&str, Value)]) {
        let formula = Formula::parse(text).unwrap();
        let value = crate::model::Value::Formula(formula.clone());
        let measure = Measure { label: "L", value, format: None, color: None, thresholds: None };
        let columns: Vec<_> = columns(&measure, &formula, "m0", json!({}))
            .into_iter()
            .map(|column| (column.id, column.json))
            .collect();
        let (ids, wanted): (Vec<_>, Vec<_>) = expected.iter().map(|(id, json)| (*id, json)).unzip();
        assert_eq!(columns.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ids, "{text}");
        for ((id, json), wanted) in columns.iter().zip(wanted) {
            for (key, value) in wanted.as_object().unwrap() {
                assert_eq!(&json[key], value, "{text}: {id}.{key}");
            }
        }
    }

    #[test]
    fn a_single_call_needs_no_arithmetic() {
        expands(
            "max(event.duration)",
            &[
                ("m0", json!({"operationType": "formula", "references": ["m0X0"], "label": "L"})),
                (
                    "m0X0",
                    json!({"operationType": "max", "sourceField": "event.duration", "label": "Part of L"}),
                ),
            ],
        );
    }

    /// The worked example of the reference: the text of an error rate is 47 bytes long.
    #[test]
    fn a_rate_becomes_two_counts_and_a_division() {
        let text = r#"count(kql='event.outcome: "failure"') / count()"#;
        let tree = json!({
            "type": "function",
            "name": "divide",
            "args": ["m0X0", "m0X1"],
            "location": {"min": 0, "max": 47},
            "text": text,
        });
        let kql = json!({"language": "kuery", "query": r#"event.outcome: "failure""#});
        expands(
            text,
            &[
                (
                    "m0",
                    json!({"references": ["m0X2"], "params": {"formula": text, "isFormulaBroken": false}}),
                ),
                ("m0X0", json!({"operationType": "count", "filter": kql, "params": {"emptyAsNull": false}})),
                ("m0X1", json!({"operationType": "count", "filter": null, "sourceField": "___records___"})),
                (
                    "m0X2",
                    json!({
                        "operationType": "math",
                        "references": ["m0X0", "m0X1"],
                        "params": {"tinymathAst": tree},
                    }),
                ),
            ],
        );
    }

    #[test]
    fn only_the_end_of_a_chain_says_where_it_stands_and_numbers_stay_numbers() {
        let text = "count() - 1.5 + 2";
        let inner = json!({"type": "function", "name": "subtract", "args": ["m0X0", 1.5]});
        let tree = json!({
            "type": "function",
            "name": "add",
            "args": [inner, 2],
            "location": {"min": 0, "max": 17},
            "text": text,
        });
        expands(
            text,
            &[
                ("m0", json!({"references": ["m0X1"]})),
                ("m0X0", json!({"operationType": "count"})),
                ("m0X1", json!({"references": ["m0X0"], "params": {"tinymathAst": tree}})),
            ],
        );
    }

    #[test]
    fn the_format_stays_on_the_formula() {
        let value = crate::model::Value::Formula(Formula::parse("count() / 2").unwrap());
        let format = Some(Format::Percent(1));
        let measure = Measure { label: "L", value, format, color: None, thresholds: None };
        let columns = crate::kibana::column::measure("m0", &measure);
        assert_eq!(columns[0].json["params"]["format"], json!({"id": "percent", "params": {"decimals": 1}}));
        assert!(columns[1..].iter().all(|part| part.json["params"]["format"].is_null()));
    }
}
