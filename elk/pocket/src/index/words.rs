//! Splitting text into words as Elasticsearch's `standard` analyzer does: Unicode word boundaries, lower case.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_segmentation::UnicodeSegmentation;

/// Longest word; longer ones are cut into pieces of this many characters.
const LONGEST: usize = 255;

/// The words of `text`, in order.
pub fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut tokenizer = Words::default();
    let mut stream = tokenizer.token_stream(text);
    while stream.advance() {
        words.push(stream.token().text.clone());
    }
    words
}

/// The tokenizer.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    token: Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        WordStream { words: text.unicode_word_indices(), rest: None, token: &mut self.token }
    }
}

pub(super) struct WordStream<'a> {
    words: unicode_segmentation::UnicodeWordIndices<'a>,
    /// What is left of a word that is too long.
    rest: Option<(usize, &'a str)>,
    token: &'a mut Token,
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        let Some((start, word)) = self.rest.take().or_else(|| self.words.next()) else { return false };
        let cut = word.char_indices().nth(LONGEST).map_or(word.len(), |(at, _)| at);
        if cut < word.len() {
            self.rest = Some((start + cut, &word[cut..]));
        }
        let word = &word[..cut];
        self.token.position = self.token.position.wrapping_add(1);
        self.token.offset_from = start;
        self.token.offset_to = start + word.len();
        self.token.text.clear();
        if word.is_ascii() {
            self.token.text.push_str(word);
            self.token.text.make_ascii_lowercase();
        } else {
            self.token.text.extend(word.chars().flat_map(char::to_lowercase));
        }
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_unicode_says() {
        for (text, expected) in [
            ("GET /cart 200", &["get", "cart", "200"][..]),
            ("it's foo.bar a_b 3.14", &["it's", "foo.bar", "a_b", "3.14"]),
            ("Größe ÄRGER", &["größe", "ärger"]),
            ("a-b,c", &["a", "b", "c"]),
            ("  ", &[]),
        ] {
            assert_eq!(split_words(text), expected, "{text}");
        }
        assert_eq!(split_words(&"x".repeat(600)).iter().map(String::len).collect::<Vec<_>>(), [255, 255, 90]);
    }
}
