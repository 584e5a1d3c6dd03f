//! Text to expression, by recursive descent.

use super::{Arithmetic, Expression, FormulaError, Sign};
use crate::model::field::Field;
use crate::model::measure::{Function, Operation};

/// Parentheses within parentheses; more is no formula a person wrote.
const DEPTH_MAX: usize = 32;

pub(super) fn parse(text: &str) -> Result<Expression, FormulaError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let expression = parser.sum()?;
    match parser.rest() {
        "" => Ok(expression),
        _ => Err(parser.error("a sign or the end must stand here")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, problem: impl Into<String>) -> FormulaError {
        FormulaError::new(self.text, self.at, problem)
    }

    /// What is left, without blanks before it.
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), FormulaError> {
        match self.take(sign) {
            true => Ok(()),
            false => Err(self.error(format!("`{sign}` must stand here"))),
        }
    }

    /// The longest run of characters that belong to it.
    fn run(&mut self, belongs: fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let run = &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())];
        self.at += run.len();
        run
    }

    fn sum(&mut self) -> Result<Expression, FormulaError> {
        self.chain(Self::product, &[("+", Sign::Add), ("-", Sign::Subtract)])
    }

    fn product(&mut self) -> Result<Expression, FormulaError> {
        self.chain(Self::factor, &[("*", Sign::Multiply), ("/", Sign::Divide)])
    }

    fn chain(
        &mut self,
        operand: fn(&mut Self) -> Result<Expression, FormulaError>,
        signs: &[(&str, Sign)],
    ) -> Result<Expression, FormulaError> {
        self.rest();
        let start = self.at;
        let mut left = operand(self)?;
        let mut joined = false;
        while let Some(&(_, sign)) = signs.iter().find(|(text, _)| self.take(text)) {
            let right = operand(self)?;
            left = Expression::Arithmetic(Box::new(Arithmetic { sign, left, right, span: None }));
            joined = true;
        }
        if joined && let Expression::Arithmetic(last) = &mut left {
            last.span = Some(start..self.text[..self.at].trim_end().len());
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Expression, FormulaError> {
        if self.take("(") {
            return self.parenthesis();
        }
        match self.rest().chars().next() {
            Some('0'..='9' | '.') => self.number().map(Expression::Number),
            Some('a'..='z') => self.call().map(Expression::Call),
            _ => Err(self.error("a number, a function or `(` must stand here")),
        }
    }

    fn parenthesis(&mut self) -> Result<Expression, FormulaError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error(format!("more than {DEPTH_MAX} parentheses within each other")));
        }
        let inner = self.sum()?;
        self.depth -= 1;
        self.expect(")").map(|()| inner)
    }

    fn number(&mut self) -> Result<f64, FormulaError> {
        let digits = self.run(|c| c.is_ascii_digit() || c == '.');
        digits.parse().map_err(|_| self.error(format!("`{digits}` is no number")))
    }

    fn name(&mut self) -> &'a str {
        self.run(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@'))
    }

    fn call(&mut self) -> Result<Operation, FormulaError> {
        let name = self.name();
        self.expect("(")?;
        let mut arguments = Arguments::default();
        if !self.take(")") {
            self.argument(&mut arguments)?;
            while self.take(",") {
                self.argument(&mut arguments)?;
            }
            self.expect(")")?;
        }
        let function = arguments.function(name).map_err(|problem| self.error(problem))?;
        Ok(Operation { function, filter: arguments.filter, per: None })
    }

    fn argument(&mut self, arguments: &mut Arguments) -> Result<(), FormulaError> {
        let name = self.name();
        if !self.take("=") {
            let field = Field::named(name).ok_or_else(|| self.error(format!("no field `{name}`")))?;
            return once(&mut arguments.field, field).map_err(|()| self.error("a second field"));
        }
        let repeated = match name {
            "kql" => once(&mut arguments.filter, self.quoted()?),
            "percentile" => once(&mut arguments.percentile, self.percentile()?),
            _ => return Err(self.error(format!("no argument `{name}`; known are `kql` and `percentile`"))),
        };
        repeated.map_err(|()| self.error(format!("a second `{name}`")))
    }

    fn percentile(&mut self) -> Result<u8, FormulaError> {
        let number = self.number()?;
        let whole = number.fract() == 0.0 && number > 0.0 && number < 100.0;
        if whole { Ok(number as u8) } else { Err(self.error("a percentile is a whole number from 1 to 99")) }
    }

    fn quoted(&mut self) -> Result<String, FormulaError> {
        self.expect("'")?;
        let mut quoted = String::new();
        let mut characters = self.text[self.at..].char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\'' => {
                    self.at += at + 1;
                    return Ok(quoted);
                }
                '\\' if self.text[self.at + at..].starts_with("\\'") => {
                    characters.next();
                    quoted.push('\'');
                }
                _ => quoted.push(character),
            }
        }
        Err(self.error("the closing `'` is missing"))
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), ()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(()),
    }
}

#[derive(Default)]
struct Arguments {
    field: Option<Field>,
    filter: Option<String>,
    percentile: Option<u8>,
}

impl Arguments {
    fn function(&self, name: &str) -> Result<Function, String> {
        let on_field: fn(Field) -> Function = match (name, self.percentile) {
            ("count", None) if self.field.is_none() => return Ok(Function::Count),
            ("count", _) => return Err("`count` counts documents and takes no field".to_owned()),
            ("percentile", Some(percentile)) => {
                return self.field(name).map(|field| Function::Percentile(field, percentile));
            }
            ("percentile", None) => return Err("`percentile` needs `percentile=`".to_owned()),
            (_, Some(_)) => return Err(format!("`{name}` takes no `percentile`")),
            ("unique_count", None) => Function::UniqueCount,
            ("average", None) => Function::Average,
            ("min", None) => Function::Min,
            ("max", None) => Function::Max,
            ("last_value", None) => Function::LastValue,
            _ => {
                return Err(format!(
                    "no function `{name}`; known are count, unique_count, average, min, max, percentile, last_value"
                ));
            }
        };
        self.field(name).map(on_field)
    }

    fn field(&self, name: &str) -> Result<Field, String> {
        self.field.ok_or_else(|| format!("`{name}` needs a field"))
    }
}
