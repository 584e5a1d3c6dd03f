//! Formulas: calls of functions joined by arithmetic, as people write them in Kibana.
//!
//! ```text
//! sum     = product (("+" | "-") product)*
//! product = factor (("*" | "/") factor)*
//! factor  = number | "(" sum ")" | call
//! call    = name "(" [argument ("," argument)*] ")"
//! argument = field | "kql" "=" "'" text "'" | "percentile" "=" number
//! ```
//! A quote in the text of `kql` is written `\'`. Functions on the result of other functions, shifts in time and
//! comparisons are left out: no board uses them.

mod parser;

use super::measure::Operation;
use std::ops::Range;

/// A formula that holds at least one call.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    /// As it was written.
    pub text: String,
    /// What it means.
    pub expression: Expression,
}

/// A node of a formula.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A constant.
    Number(f64),
    /// A call of a function.
    Call(Operation),
    /// Two expressions joined.
    Arithmetic(Box<Arithmetic>),
}

/// Two expressions joined by a sign.
#[derive(Debug, Clone, PartialEq)]
pub struct Arithmetic {
    /// The sign.
    pub sign: Sign,
    /// What stands before it.
    pub left: Expression,
    /// What stands behind it.
    pub right: Expression,
    /// Bytes of the formula's text that this is, for the last sign of a chain such as `a + b - c`.
    pub span: Option<Range<usize>>,
}

/// What joins two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

impl Formula {
    /// Reads a formula.
    ///
    /// # Errors
    /// When it does not follow the grammar, names a function or field that is unknown, or calls no function at all.
    pub(crate) fn parse(text: &str) -> Result<Self, FormulaError> {
        let expression = parser::parse(text)?;
        let formula = Self { text: text.to_owned(), expression };
        if formula.calls().is_empty() {
            return Err(FormulaError::new(text, 0, "it calls no function; write the number as an objective"));
        }
        Ok(formula)
    }

    /// Its calls, in the order they stand in the text.
    pub fn calls(&self) -> Vec<&Operation> {
        let mut calls = Vec::new();
        collect(&self.expression, &mut calls);
        calls
    }
}

fn collect<'a>(expression: &'a Expression, calls: &mut Vec<&'a Operation>) {
    match expression {
        Expression::Number(_) => {}
        Expression::Call(operation) => calls.push(operation),
        Expression::Arithmetic(arithmetic) => {
            collect(&arithmetic.left, calls);
            collect(&arithmetic.right, calls);
        }
    }
}

/// Why a text is no formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormulaError {
    text: String,
    at: usize,
    problem: String,
}

impl FormulaError {
    fn new(text: &str, at: usize, problem: impl Into<String>) -> Self {
        Self { text: text.to_owned(), at, problem: problem.into() }
    }
}

impl std::fmt::Display for FormulaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "formula `{}`, byte {}: {}", self.text, self.at, self.problem)
    }
}

impl std::error::Error for FormulaError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::field::{EVENT_DURATION, SERVICE_NAME};
    use crate::model::measure::Function;

    fn call(function: Function) -> Expression {
        Expression::Call(Operation { function, filter: None, per: None })
    }

    fn joined(left: Expression, sign: Sign, right: Expression, span: Option<Range<usize>>) -> Expression {
        Expression::Arithmetic(Box::new(Arithmetic { sign, left, right, span }))
    }

    #[track_caller]
    fn reads(text: &str, expected: Expression) {
        assert_eq!(Formula::parse(text).map(|formula| formula.expression), Ok(expected), "{text}");
    }

    #[track_caller]
    fn refuses(text: &str, at: usize, problem: &str) {
        let error = Formula::parse(text).expect_err(text);
        assert_eq!(error.at, at, "{error}");
        assert!(error.to_string().contains(problem), "{error}");
    }

    #[test]
    fn functions_are_read_with_their_arguments() {
        reads("count()", call(Function::Count));
        reads(" max ( event.duration ) ", call(Function::Max(EVENT_DURATION)));
        reads("percentile(event.duration, percentile=95)", call(Function::Percentile(EVENT_DURATION, 95)));
        reads("percentile(percentile = 5, event.duration)", call(Function::Percentile(EVENT_DURATION, 5)));
        reads("unique_count(service.name)", call(Function::UniqueCount(SERVICE_NAME)));
    }

    #[test]
    fn a_filter_keeps_its_quotes_and_lets_go_of_its_escapes() {
        let filtered = |filter: &str| {
            Expression::Call(Operation { function: Function::Count, filter: Some(filter.into()), per: None })
        };
        reads(r#"count(kql='event.outcome: "failure"')"#, filtered(r#"event.outcome: "failure""#));
        reads(r"count(kql='user: \'a, b)\'')", filtered("user: 'a, b)'"));
        reads(r#"count(kql='a: "b\\c"')"#, filtered(r#"a: "b\\c""#));
        reads("count(kql='ä: ✓')", filtered("ä: ✓"));
    }

    #[test]
    fn products_bind_closer_than_sums_and_chains_go_left_to_right() {
        let count = || call(Function::Count);
        let one = || Expression::Number(1.0);
        let product = joined(count(), Sign::Multiply, one(), Some(4..15));
        reads("1 - count() * 1", joined(one(), Sign::Subtract, product, Some(0..15)));
        let inner = joined(count(), Sign::Subtract, one(), None);
        reads("count() - 1 + 1", joined(inner, Sign::Add, one(), Some(0..15)));
        let sum = joined(one(), Sign::Add, count(), Some(8..19));
        reads(" 2.5 / (1 + count()) ", joined(Expression::Number(2.5), Sign::Divide, sum, Some(1..20)));
    }

    #[test]
    fn calls_come_in_the_order_of_the_text() {
        let formula = Formula::parse("max(event.duration) - (min(event.duration) + count())").unwrap();
        let functions: Vec<_> = formula.calls().iter().map(|call| call.function).collect();
        assert_eq!(
            functions,
            [Function::Max(EVENT_DURATION), Function::Min(EVENT_DURATION), Function::Count]
        );
    }

    #[test]
    fn what_is_no_formula_is_refused_where_it_goes_wrong() {
        refuses("", 0, "must stand here");
        refuses("1 + 2", 0, "calls no function");
        refuses("count(", 6, "no field");
        refuses("count()) ", 7, "the end must stand here");
        refuses("count() count()", 8, "the end must stand here");
        refuses("count() +", 9, "must stand here");
        refuses("(count()", 8, "`)` must stand here");
        refuses("1.2.3 * count()", 5, "no number");
        refuses("Count()", 0, "must stand here");
        refuses("median(event.duration)", 22, "no function `median`");
        refuses("moving_average(count())", 20, "no field `count`");
        refuses("max(no.such.field)", 17, "no field `no.such.field`");
        refuses("max()", 5, "needs a field");
        refuses("count(event.duration)", 21, "takes no field");
        refuses("percentile(event.duration)", 26, "needs `percentile=`");
        refuses("percentile(event.duration, percentile=99.9)", 42, "whole number");
        refuses("max(event.duration, percentile=9)", 33, "takes no `percentile`");
        refuses("max(event.duration, event.duration)", 34, "second field");
        refuses("count(kql='a', kql='b')", 22, "second `kql`");
        refuses("count(kql='a)", 11, "closing `'`");
        refuses("count(kql=\"a\")", 10, "`'` must stand here");
        refuses("count(shift='1d')", 12, "no argument `shift`");
        refuses(&format!("{}count()", "(".repeat(33)), 33, "more than 32 parentheses");
    }
}
