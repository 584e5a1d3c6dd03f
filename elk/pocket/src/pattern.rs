//! Names with `*`, as index patterns and field patterns use them.

/// Whether `name` fits `pattern`, where `*` stands for any text. Cost: at most the product of both lengths.
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<Token> = pattern.chars().map(star_or_itself).collect();
    run(&pattern, &name.chars().collect::<Vec<_>>())
}

/// A pattern with `*` for any text, `?` for one character and `\` before a character that means itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wildcard {
    tokens: Vec<Token>,
    beginning: String,
    /// Characters of the shortest text that fits: what is longer than every text costs nothing to refuse.
    shortest: usize,
}

impl Wildcard {
    /// Reads a pattern; every text is one.
    pub fn new(pattern: &str) -> Self {
        let tokens = tokens(pattern);
        let literal = |token: &Token| if let Token::Exactly(letter) = token { Some(*letter) } else { None };
        Self {
            beginning: tokens.iter().map_while(literal).collect(),
            shortest: tokens.iter().filter(|token| **token != Token::Any).count(),
            tokens,
        }
    }

    /// Whether `text` fits. Cost: at most the product of both lengths.
    pub fn matches(&self, text: &str) -> bool {
        text.len() >= self.shortest && run(&self.tokens, &text.chars().collect::<Vec<_>>())
    }

    /// What every text that fits begins with.
    pub fn beginning(&self) -> &str {
        &self.beginning
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Token {
    Any,
    One,
    Exactly(char),
}

fn star_or_itself(letter: char) -> Token {
    if letter == '*' { Token::Any } else { Token::Exactly(letter) }
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = pattern.chars();
    while let Some(letter) = chars.next() {
        tokens.push(match letter {
            '*' => Token::Any,
            '?' => Token::One,
            '\\' => Token::Exactly(chars.next().unwrap_or('\\')),
            other => Token::Exactly(other),
        });
    }
    // Stars side by side are one.
    tokens.dedup_by(|next, before| (*next, *before) == (Token::Any, Token::Any));
    tokens
}

/// Greedy matching that only ever goes back to the last star.
fn run(pattern: &[Token], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Token::Any) => {
                star = Some((p, t));
                p += 1;
            }
            Some(Token::One) => (p, t) = (p + 1, t + 1),
            Some(Token::Exactly(letter)) if *letter == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|token| *token == Token::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, name, expected) in [
            ("logs-*-*", "logs-app-default", true),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("a", "ab", false),
            ("*keyword", "a.keyword", true),
            ("**", "x", true),
            ("a?", "ab", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        for (pattern, text, expected) in [
            ("a?c*", "abcd", true),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            ("gr?ße", "grüße", true),
            ("a***", "a", true),
            ("??", "ü", false),
        ] {
            assert_eq!(Wildcard::new(pattern).matches(text), expected, "{pattern} {text}");
        }
        assert_eq!(Wildcard::new(r"a\*b*c").beginning(), "a*b");
    }
}
