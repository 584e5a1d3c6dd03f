//! Names with `*`, as index patterns and field patterns use them.

/// Whether `name` fits `pattern`, where `*` stands for any text. Cost: at most the product of both lengths.
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<Token> = pattern.chars().map(star_or_itself).collect();
    run(&pattern, &name.chars().collect::<Vec<_>>())
}

/// As [`matches`], with `?` for one character and `\` before a character that means itself.
pub fn matches_wildcard(pattern: &str, text: &str) -> bool {
    let pattern: Vec<Token> = tokens(pattern);
    let text: Vec<char> = text.chars().collect();
    run(&pattern, &text)
}

#[derive(Clone, Copy, PartialEq)]
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
        assert!(matches_wildcard("a?c*", "abcd"));
        assert!(matches_wildcard("a\\*", "a*"));
        assert!(!matches_wildcard("a\\*", "ab"));
        assert!(matches_wildcard("gr?ße", "größe".replace("öß", "üß").as_str()));
    }
}
