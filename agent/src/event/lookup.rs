//! A set of names that numbers its members: the hash table under key tables and learned keys.

/// Names numbered 0, 1, 2 … in the order they were added. At most 65 534.
#[derive(Debug, Clone)]
pub(super) struct Names {
    names: Vec<Box<[u8]>>,
    /// A power of two, at least twice the number of names.
    slots: Box<[Slot]>,
}

/// A name's length, first and last eight bytes: all of it up to 16 bytes, so most look-ups touch nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Print {
    head: u64,
    tail: u64,
    len: u32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    print: Print,
    number: u16,
}

const FREE: u16 = u16::MAX;
const EMPTY: Slot = Slot { print: Print { head: 0, tail: 0, len: 0 }, number: FREE };

impl Print {
    #[inline]
    fn of(name: &[u8]) -> Self {
        let (head, tail) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
            _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
                (Some(head), Some(tail)) => {
                    (u64::from(u32::from_le_bytes(*head)), u64::from(u32::from_le_bytes(*tail)))
                }
                _ => (name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
            },
        };
        Self { head, tail, len: name.len() as u32 }
    }

    #[inline]
    fn hash(self) -> usize {
        let product = u128::from(self.head ^ 0x9e37_79b9_7f4a_7c15)
            * u128::from(self.tail ^ 0xd6e8_feb8_6659_fd93 ^ u64::from(self.len) << 56);
        (product as u64 ^ (product >> 64) as u64) as usize
    }
}

impl Default for Names {
    fn default() -> Self {
        Self { names: Vec::new(), slots: vec![EMPTY; 16].into() }
    }
}

impl Names {
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn name(&self, number: u16) -> &[u8] {
        &self.names[usize::from(number)]
    }

    /// The number of `name`.
    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<u16> {
        let print = Print::of(name);
        let mut place = print.hash();
        loop {
            let slot = &self.slots[place & (self.slots.len() - 1)];
            if slot.number == FREE {
                return None;
            }
            if slot.print == print && (name.len() <= 16 || self.name(slot.number) == name) {
                return Some(slot.number);
            }
            place = place.wrapping_add(1);
        }
    }

    /// The number of `name`, which is added if it is new.
    pub(super) fn add(&mut self, name: &[u8]) -> u16 {
        if let Some(number) = self.find(name) {
            return number;
        }
        let number = u16::try_from(self.names.len()).ok().filter(|number| *number < FREE);
        let number = number.expect("callers bound the number of names far below 65534");
        self.names.push(name.into());
        if self.names.len() * 2 > self.slots.len() {
            self.slots = vec![EMPTY; self.slots.len() * 2].into();
            (0..number).for_each(|number| self.place(number));
        }
        self.place(number);
        number
    }

    fn place(&mut self, number: u16) {
        let print = Print::of(self.name(number));
        let mut place = print.hash();
        while self.slots[place & (self.slots.len() - 1)].number != FREE {
            place = place.wrapping_add(1);
        }
        let mask = self.slots.len() - 1;
        self.slots[place & mask] = Slot { print, number };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_exactly_what_was_added(added in prop::collection::vec("[ab.]{0,20}", 0..200), asked in "[ab.]{0,20}") {
            let mut names = Names::default();
            let mut order = Vec::new();
            for name in &added {
                if !order.contains(name) {
                    order.push(name.clone());
                }
                prop_assert_eq!(names.add(name.as_bytes()) as usize, order.iter().position(|n| n == name).unwrap());
            }
            prop_assert_eq!(names.len(), order.len());
            let position = order.iter().position(|name| *name == asked);
            prop_assert_eq!(names.find(asked.as_bytes()).map(usize::from), position);
        }
    }
}
