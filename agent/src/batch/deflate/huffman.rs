//! Prefix codes from how often each symbol comes.

/// Most symbols of one alphabet.
const MAX_SYMBOLS: usize = 288;
/// Longest code DEFLATE knows.
const MAX_LEN: usize = 15;

/// The code of one symbol, with its first bit lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) bits: u16,
    /// 0 for a symbol that does not come.
    pub(super) len: u8,
}

/// Codes of at most `longest` bits for an alphabet of `N` symbols, shortest in sum or close to it. Symbols that never come have
/// none; a symbol that is the only one has one bit.
pub(super) fn codes<const N: usize>(counts: &[u32; N], longest: usize) -> [Code; N] {
    let mut order = [(0u32, 0u16); MAX_SYMBOLS];
    let mut used = 0;
    for (symbol, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        order[used] = (*count, symbol as u16);
        used += 1;
    }
    let order = &mut order[..used];
    order.sort_unstable();
    let mut of_len = [0u32; MAX_LEN + 1];
    match order {
        [] => {}
        [_] => of_len[1] = 1,
        _ => {
            depths(order, &mut of_len, longest);
            flatten(&mut of_len, longest);
        }
    }
    let mut codes = [Code::default(); N];
    let lens = (1..).zip(&of_len[1..]).flat_map(|(len, count)| std::iter::repeat_n(len, *count as usize));
    // The most frequent symbols get the shortest codes.
    for ((_, symbol), len) in order.iter().rev().zip(lens) {
        codes[usize::from(*symbol)].len = len;
    }
    number(&mut codes, &of_len);
    codes
}

/// Counts the leaves of Huffman's tree by depth; those deeper than `longest` count as if they were not.
///
/// `order` is sorted by count, so the two lightest nodes are always at the head of the leaves or of the inner nodes.
fn depths(order: &[(u32, u16)], of_len: &mut [u32; MAX_LEN + 1], longest: usize) {
    let leaves = order.len();
    let mut weights = [0u32; 2 * MAX_SYMBOLS];
    let mut parents = [0u16; 2 * MAX_SYMBOLS];
    for (weight, (count, _)) in weights.iter_mut().zip(order) {
        *weight = *count;
    }
    let (mut leaf, mut inner) = (0, leaves);
    let root = 2 * leaves - 2;
    for node in leaves..=root {
        for _ in 0..2 {
            let take_leaf = leaf < leaves && (inner == node || weights[leaf] <= weights[inner]);
            let lightest = if take_leaf { &mut leaf } else { &mut inner };
            weights[node] += weights[*lightest];
            parents[*lightest] = node as u16;
            *lightest += 1;
        }
    }
    let mut depth = [0u8; 2 * MAX_SYMBOLS];
    for node in (0..root).rev() {
        depth[node] = depth[usize::from(parents[node])] + 1;
        if node < leaves {
            of_len[usize::from(depth[node]).min(longest)] += 1;
        }
    }
}

/// Makes a code of the lengths again after some were cut to `longest`: takes a leaf away there, and hangs it beside the deepest
/// one above, which goes down a level, until the code space is used exactly.
fn flatten(of_len: &mut [u32; MAX_LEN + 1], longest: usize) {
    let space = 1u32 << longest;
    let mut taken: u32 = (1..=longest).map(|len| of_len[len] << (longest - len)).sum();
    while taken > space {
        let above =
            (1..longest).rev().find(|len| of_len[*len] > 0).expect("all symbols fit at the deepest level");
        of_len[longest] -= 1;
        of_len[above] -= 1;
        of_len[above + 1] += 2;
        taken -= 1;
    }
}

/// Numbers the codes as RFC 1951, 3.2.2, has it: by length, then by symbol.
fn number(codes: &mut [Code], of_len: &[u32; MAX_LEN + 1]) {
    let mut next = [0u16; MAX_LEN + 2];
    for len in 1..=MAX_LEN {
        next[len + 1] = (next[len] + of_len[len] as u16) << 1;
    }
    for code in codes.iter_mut().filter(|code| code.len > 0) {
        let next = &mut next[usize::from(code.len)];
        code.bits = next.reverse_bits() >> (16 - u32::from(code.len));
        *next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Reverse;

    #[test]
    fn frequent_symbols_get_short_codes_in_the_order_of_the_specification() {
        let codes = codes(&[3, 0, 1, 1, 10], 15);
        let written = codes.map(|code| (code.len, code.bits));
        assert_eq!(written, [(2, 0b01), (0, 0), (3, 0b011), (3, 0b111), (1, 0)]);
    }

    proptest! {
        /// The code space is used up exactly, no code is longer than allowed, and no frequent symbol has a longer code than a
        /// rarer one.
        #[test]
        fn codes_are_complete(counts: [u16; 40], steep: bool, longest in 7usize..=15) {
            let count = |(at, count): (usize, u16)| if steep { 1 << (at % 26) } else { u32::from(count) };
            let mut at = 0;
            let counts = counts.map(|each| { at += 1; count((at, each)) });
            let codes = codes(&counts, longest);
            let mut used: Vec<_> = counts.iter().zip(codes).filter(|(count, _)| **count > 0).collect();
            prop_assert!(codes.iter().zip(counts).all(|(code, count)| (code.len > 0) == (count > 0)));
            prop_assert!(used.iter().all(|(_, code)| usize::from(code.len) <= longest));
            let space: u32 = used.iter().map(|(_, code)| 1 << (15 - code.len)).sum();
            prop_assert!(used.len() < 2 || space == 1 << 15);
            used.sort_by_key(|(count, code)| (Reverse(**count), code.len));
            prop_assert!(used.is_sorted_by_key(|(_, code)| code.len));
        }
    }
}
