//! Names of application fields that have no ECS name: `labels.<key>` for texts and booleans, `numeric_labels.<key>` for
//! numbers, so a key that is a number here and a text there never conflicts.
//!
//! Each new key costs the index a field for ever, so a stream learns at most [`MAX_KEYS`]; it keeps them over restarts.

use super::lookup::Names;

/// Most different leftover keys of one stream, `labels` and `numeric_labels` together.
pub const MAX_KEYS: usize = 500;
/// Longest key in bytes.
const MAX_KEY_LEN: usize = 128;
/// Most spellings remembered for each of the two objects; further ones are worked out again each time.
const MAX_SPELLINGS: usize = 2 * MAX_KEYS;

/// Most leftovers of one document that share a key; the rest go to `labels.more`.
const MAX_SAME: usize = 32;

/// Which of the two objects a leftover goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Labels,
    Numbers,
}

impl Space {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Labels => "labels.",
            Self::Numbers => "numeric_labels.",
        }
    }
}

/// The key that collects what a full stream cannot name.
const MORE: &[u8] = b"more";

/// The leftover keys one stream has learned.
#[derive(Debug, Clone)]
pub struct LeftoverKeys {
    labels: Keys,
    numbers: Keys,
    learned: usize,
    document: u64,
}

#[derive(Debug, Clone, Default)]
struct Keys {
    /// Keys as written, `_2` forms included.
    names: Names,
    /// `"key":` for each name.
    fragments: Vec<Box<[u8]>>,
    /// The document that used the name last.
    used_in: Vec<u64>,
    /// Source paths, and the name each becomes.
    spellings: Names,
    spelled: Vec<u16>,
}

impl Default for LeftoverKeys {
    fn default() -> Self {
        let mut keys = Self { labels: Keys::default(), numbers: Keys::default(), learned: 0, document: 0 };
        keys.labels.learn(MORE);
        keys
    }
}

impl LeftoverKeys {
    /// How many keys are learned. Grows only, so it also tells whether [`LeftoverKeys::export`] has news.
    pub fn len(&self) -> usize {
        self.learned
    }

    /// Whether nothing is learned yet.
    pub fn is_empty(&self) -> bool {
        self.learned == 0
    }

    /// The learned keys as field names (`labels.attempt`), in the order they were learned within each object.
    pub fn export(&self) -> impl Iterator<Item = String> {
        let of = |space: Space| {
            let keys = self.keys(space);
            let names =
                (0..keys.names.len() as u16).map(|number| String::from_utf8_lossy(keys.names.name(number)));
            names.map(move |name| format!("{}{name}", space.prefix()))
        };
        of(Space::Labels).chain(of(Space::Numbers)).filter(|name| name.as_bytes() != b"labels.more")
    }

    /// Takes over exported names; what is no such name or beyond the bound is passed over.
    pub fn import<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            let parts =
                [Space::Labels, Space::Numbers].map(|space| (space, name.strip_prefix(space.prefix())));
            if let Some((space, Some(key))) = parts.into_iter().find(|(_, key)| key.is_some())
                && safe_key(key.as_bytes()) == key.as_bytes()
            {
                self.known_or_learned(space, key.as_bytes());
            }
        }
    }

    /// Forgets which keys the last document used.
    pub(super) fn begin_document(&mut self) {
        self.document += 1;
        let more = self.labels.names.find(MORE).expect("`more` is learned first");
        self.labels.used_in[usize::from(more)] = self.document;
    }

    /// The key for the leftover `path` (its characters, objects joined with `.`), unique in this document.
    /// `None`: the stream is full, or the document has the key 32 times.
    #[inline]
    pub(super) fn claim(&mut self, space: Space, path: &[u8]) -> Option<u16> {
        let number = match self.keys(space).spelling(path) {
            Some(number) => number,
            None => self.spell(space, path)?,
        };
        self.mark(space, number).or_else(|| self.next_free(space, number))
    }

    /// `"key":` of a claimed key.
    #[inline]
    pub(super) fn fragment(&self, space: Space, number: u16) -> &[u8] {
        &self.keys(space).fragments[usize::from(number)]
    }

    /// The field name of a claimed key.
    pub(super) fn field_name(&self, space: Space, number: u16) -> String {
        format!("{}{}", space.prefix(), String::from_utf8_lossy(self.keys(space).names.name(number)))
    }

    fn spell(&mut self, space: Space, path: &[u8]) -> Option<u16> {
        let number = self.known_or_learned(space, &safe_key(path))?;
        self.keys_mut(space).remember(path, number);
        Some(number)
    }

    /// `key_2`, `key_3` … until one is free in this document. Past the bound a line repeats itself beyond use.
    #[cold]
    fn next_free(&mut self, space: Space, taken: u16) -> Option<u16> {
        let key = self.keys(space).names.name(taken).to_vec();
        for counter in 2..=MAX_SAME {
            let mut candidate = key.clone();
            candidate.extend_from_slice(format!("_{counter}").as_bytes());
            let number = self.known_or_learned(space, &candidate)?;
            if let Some(number) = self.mark(space, number) {
                return Some(number);
            }
        }
        None
    }

    /// Marks the key as used; `None` if this document has it already.
    #[inline]
    fn mark(&mut self, space: Space, number: u16) -> Option<u16> {
        let document = self.document;
        let used_in = &mut self.keys_mut(space).used_in[usize::from(number)];
        (std::mem::replace(used_in, document) != document).then_some(number)
    }

    fn known_or_learned(&mut self, space: Space, key: &[u8]) -> Option<u16> {
        if let Some(number) = self.keys(space).names.find(key) {
            return Some(number);
        }
        if self.learned == MAX_KEYS {
            return None;
        }
        self.learned += 1;
        Some(self.keys_mut(space).learn(key))
    }

    #[inline]
    fn keys(&self, space: Space) -> &Keys {
        match space {
            Space::Labels => &self.labels,
            Space::Numbers => &self.numbers,
        }
    }

    #[inline]
    fn keys_mut(&mut self, space: Space) -> &mut Keys {
        match space {
            Space::Labels => &mut self.labels,
            Space::Numbers => &mut self.numbers,
        }
    }
}

impl Keys {
    #[inline]
    fn spelling(&self, path: &[u8]) -> Option<u16> {
        self.spellings.find(path).map(|spelling| self.spelled[usize::from(spelling)])
    }

    fn remember(&mut self, path: &[u8], number: u16) {
        if self.spellings.len() < MAX_SPELLINGS && path.len() <= 2 * MAX_KEY_LEN {
            self.spellings.add(path);
            self.spelled.push(number);
        }
    }

    fn learn(&mut self, key: &[u8]) -> u16 {
        self.fragments.push([b"\"", key, b"\":"].concat().into());
        self.used_in.push(0);
        self.names.add(key)
    }
}

/// `path` as a key no store trips over: `. * \ [ ] "`, blanks and control characters become `_`, at most 128 bytes.
pub(super) fn safe_key(path: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(path);
    let mut key = String::with_capacity(path.len().min(MAX_KEY_LEN));
    for character in text.chars() {
        let unsafe_in_keys = matches!(character, '.' | '*' | '\\' | '[' | ']' | '"')
            || character.is_whitespace()
            || character.is_control();
        let safe = if unsafe_in_keys { '_' } else { character };
        if key.len() + safe.len_utf8() > MAX_KEY_LEN {
            break;
        }
        key.push(safe);
    }
    if key.is_empty() {
        key.push('_');
    }
    key.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(keys: &mut LeftoverKeys, path: &str) -> Option<String> {
        let number = keys.claim(Space::Labels, path.as_bytes())?;
        Some(keys.field_name(Space::Labels, number))
    }

    #[test]
    fn keys_become_safe_and_stay_unique_in_a_document() {
        let mut keys = LeftoverKeys::default();
        for _ in 0..2 {
            keys.begin_document();
            let claimed = ["a.b", "a_b", "a b", "a_b_2", "", "more", "[x]*\"\\\u{7}"]
                .map(|path| claim(&mut keys, path));
            let expected = ["a_b", "a_b_2", "a_b_3", "a_b_2_2", "_", "more_2", "_x_____"];
            assert_eq!(claimed, expected.map(|key| Some(format!("labels.{key}"))));
        }
        assert_eq!(keys.len(), 7);
    }

    #[test]
    fn a_stream_learns_so_many_keys_and_no_more() {
        let mut keys = LeftoverKeys::default();
        keys.begin_document();
        for number in 0..MAX_KEYS {
            assert!(keys.claim(Space::Numbers, format!("k{number}").as_bytes()).is_some());
        }
        assert_eq!(claim(&mut keys, "new"), None);
        keys.begin_document();
        assert!(keys.claim(Space::Numbers, b"k7").is_some());
        assert_eq!(keys.claim(Space::Numbers, b"k7"), None, "`k7_2` would be a new key");
    }

    #[test]
    fn exported_keys_are_known_after_import() {
        let mut keys = LeftoverKeys::default();
        keys.begin_document();
        claim(&mut keys, "attempt");
        keys.claim(Space::Numbers, b"attempt");
        let exported: Vec<_> = keys.export().collect();
        assert_eq!(exported, ["labels.attempt", "numeric_labels.attempt"]);

        let mut again = LeftoverKeys::default();
        again.import(exported.iter().map(String::as_str).chain(["labels.a.b", "other.x", ""]));
        assert_eq!(again.export().collect::<Vec<_>>(), exported);
        assert_eq!(again.len(), 2);
    }

    #[test]
    fn long_keys_are_cut_between_characters() {
        assert_eq!(safe_key("ü".repeat(100).as_bytes()), "ü".repeat(64).as_bytes());
        assert_eq!(safe_key(format!("x{}", "ü".repeat(100)).as_bytes()).len(), 127);
    }
}
