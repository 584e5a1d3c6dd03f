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
