//! The arithmetic of formulas, computed on a row.

use serde_json::Value as Json;

use crate::lens::fault::Unsupported;

/// A tree over the measures of a layer; `M` tells them apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression<M> {
    Number(f64),
    Measure(M),
    Call(Function, Vec<Expression<M>>),
}

/// A function: its name in formulas, how many operands it takes, what it computes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Function {
    name: &'static str,
    operands: (usize, usize),
    compute: Compute,
}

#[derive(Debug, Clone, Copy)]
enum Compute {
    /// Of finite numbers; null as soon as one operand is.
    Numbers(fn(&[f64]) -> f64),
    /// First operand, or the second where the first is null.
    Defaults,
    /// Second operand where the first is true, else the third.
    IfElse,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const fn numbers(name: &'static str, least: usize, most: usize, compute: fn(&[f64]) -> f64) -> Function {
    Function { name, operands: (least, most), compute: Compute::Numbers(compute) }
}

const FUNCTIONS: &[Function] = &[
    numbers("add", 2, 2, |x| x[0] + x[1]),
    numbers("subtract", 2, 2, |x| x[0] - x[1]),
    numbers("multiply", 2, 2, |x| x[0] * x[1]),
    numbers("divide", 2, 2, |x| x[0] / x[1]),
    numbers("mod", 2, 2, |x| x[0] % x[1]),
    numbers("abs", 1, 1, |x| x[0].abs()),
    numbers("ceil", 1, 1, |x| x[0].ceil()),
    numbers("floor", 1, 1, |x| x[0].floor()),
    numbers("fix", 1, 1, |x| x[0].trunc()),
    numbers("round", 1, 2, |x| {
        let scale = 10_f64.powf(x.get(1).copied().unwrap_or_default().trunc());
        (x[0] * scale).round() / scale
    }),
    numbers("sqrt", 1, 1, |x| x[0].sqrt()),
    numbers("cbrt", 1, 1, |x| x[0].cbrt()),
    numbers("square", 1, 1, |x| x[0] * x[0]),
    numbers("cube", 1, 1, |x| x[0] * x[0] * x[0]),
    numbers("exp", 1, 1, |x| x[0].exp()),
    numbers("log", 1, 2, |x| x.get(1).map_or_else(|| x[0].ln(), |base| x[0].ln() / base.ln())),
    numbers("pow", 2, 2, |x| x[0].powf(x[1])),
    numbers("pick_min", 2, 2, |x| x[0].min(x[1])),
    numbers("pick_max", 2, 2, |x| x[0].max(x[1])),
    numbers("clamp", 3, 3, |x| x[0].max(x[1]).min(x[2])),
    numbers("gt", 2, 2, |x| truth(x[0] > x[1])),
    numbers("gte", 2, 2, |x| truth(x[0] >= x[1])),
    numbers("lt", 2, 2, |x| truth(x[0] < x[1])),
    numbers("lte", 2, 2, |x| truth(x[0] <= x[1])),
    #[expect(clippy::float_cmp, reason = "what the formula asks for")]
    numbers("eq", 2, 2, |x| truth(x[0] == x[1])),
    Function { name: "defaults", operands: (2, 2), compute: Compute::Defaults },
    Function { name: "ifelse", operands: (3, 3), compute: Compute::IfElse },
];

fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}

impl Expression<String> {
    /// Reads a `tinymathAst`: objects for functions, texts for columns, numbers.
    pub(crate) fn read(ast: &Json) -> Result<Self, Unsupported> {
        match ast {
            Json::Number(number) => Ok(Self::Number(number.as_f64().unwrap_or(f64::NAN))),
            Json::String(column) => Ok(Self::Measure(column.clone())),
            Json::Object(node) if node.get("type").is_some_and(|kind| kind == "variable") => {
                let column = node.get("value").and_then(Json::as_str);
                column
                    .map(|column| Self::Measure(column.to_owned()))
                    .ok_or_else(|| Unsupported::new("a formula with a nameless part"))
            }
            Json::Object(node) => {
                let name = node.get("name").and_then(Json::as_str).unwrap_or_default();
                let arguments =
                    node.get("args").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
                let function = FUNCTIONS
                    .iter()
                    .find(|function| function.name == name && function.takes(arguments.len()));
                let function = function
                    .ok_or_else(|| Unsupported::new(format!("the function `{name}` in a formula")))?;
                Ok(Self::Call(*function, arguments.iter().map(Self::read).collect::<Result<_, _>>()?))
            }
            _ => Err(Unsupported::new("a formula that is no arithmetic")),
        }
    }

    /// The same tree over other names.
    pub(crate) fn resolve<M>(
        self,
        find: &impl Fn(&str) -> Result<M, Unsupported>,
    ) -> Result<Expression<M>, Unsupported> {
        Ok(match self {
            Self::Number(number) => Expression::Number(number),
            Self::Measure(id) => Expression::Measure(find(&id)?),
            Self::Call(function, arguments) => {
                let arguments = arguments.into_iter().map(|argument| argument.resolve(find));
                Expression::Call(function, arguments.collect::<Result<_, _>>()?)
            }
        })
    }
}

impl<M: Copy> Expression<M> {
    /// The value on a row; `None` (a gap) where an operand is missing or the result is no finite number.
    pub(crate) fn evaluate(&self, row: &impl Fn(M) -> Option<f64>) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Measure(measure) => row(*measure),
            Self::Call(function, arguments) => {
                let value = |index: usize| arguments.get(index)?.evaluate(row);
                match function.compute {
                    Compute::Defaults => value(0).or_else(|| value(1)),
                    Compute::IfElse => value(if value(0)? == 0.0 { 2 } else { 1 }),
                    Compute::Numbers(compute) => {
                        let operands: Vec<f64> = (0..arguments.len()).map(value).collect::<Option<_>>()?;
                        Some(compute(&operands)).filter(|result| result.is_finite())
                    }
                }
            }
        }
    }
}

impl<M> Expression<M> {
    /// The measures it is computed from.
    pub(crate) fn measures(&self) -> Vec<&M> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Measure(measure) => vec![measure],
            Self::Call(_, arguments) => arguments.iter().flat_map(Self::measures).collect(),
        }
    }
}

impl Function {
    fn takes(&self, count: usize) -> bool {
        (self.operands.0..=self.operands.1).contains(&count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(ast: &Json) -> Option<f64> {
        let row = |name: &str| {
            Ok(match name {
                "a" => Some(6.0),
                "b" => Some(4.0),
                "zero" => Some(0.0),
                _ => None,
            })
        };
        let expression = Expression::read(ast).and_then(|tree| {
            let names = ["a", "b", "zero", "gap"];
            tree.resolve(&|name| {
                names.iter().position(|known| *known == name).ok_or_else(|| Unsupported::new(name))
            })
            .map(|tree| (tree, names))
        });
        let (tree, names) = expression.unwrap_or_else(|fault| panic!("{}", fault.reason));
        tree.evaluate(&|index: usize| {
            row(names[index]).unwrap_or_else(|fault: Unsupported| panic!("{}", fault.reason))
        })
    }

    fn call(name: &str, args: Json) -> Json {
        json!({"type": "function", "name": name, "args": args, "location": {"min": 0, "max": 1}, "text": ""})
    }

    #[test]
    fn arithmetic_is_that_of_the_formula() {
        for (name, args, expected) in [
            ("add", json!(["a", "b"]), 10.0),
            ("subtract", json!(["a", "b"]), 2.0),
            ("multiply", json!(["a", 0.5]), 3.0),
            ("divide", json!(["a", "b"]), 1.5),
            ("round", json!([1.2345, 2]), 1.23),
            ("clamp", json!(["a", 0, 5]), 5.0),
            ("ifelse", json!([call("gt", json!(["a", "b"])), 1, 2]), 1.0),
            ("defaults", json!(["gap", 7]), 7.0),
            ("log", json!([8, 2]), 3.0),
            ("add", json!([call("multiply", json!(["a", "a"])), {"type": "variable", "value": "b"}]), 40.0),
        ] {
            assert_eq!(value(&call(name, args.clone())), Some(expected), "{name} {args}");
        }
    }

    #[test]
    fn a_missing_operand_and_a_division_by_zero_are_gaps() {
        for (name, args) in [
            ("add", json!(["gap", 1])),
            ("divide", json!(["a", "zero"])),
            ("divide", json!(["zero", "zero"])),
            ("sqrt", json!([-1])),
            ("ifelse", json!(["gap", 1, 2])),
        ] {
            assert_eq!(value(&call(name, args.clone())), None, "{name} {args}");
        }
    }

    #[test]
    fn what_is_no_arithmetic_is_named() {
        for (ast, reason) in [
            (call("overall_sum", json!(["a"])), "the function `overall_sum` in a formula"),
            (call("add", json!(["a"])), "the function `add` in a formula"),
            (json!([1]), "a formula that is no arithmetic"),
            (json!({"type": "variable"}), "a formula with a nameless part"),
        ] {
            assert_eq!(Expression::read(&ast).map_err(|fault| fault.reason), Err(reason.to_owned()));
        }
    }
}
