//! A set of small numbers, of which the lowest is found soon.

#[derive(Debug, Default)]
pub(super) struct Bits {
    pub(super) words: Vec<u64>,
    /// Words before this one are empty.
    pub(super) empty: usize,
}

impl Bits {
    pub(super) fn insert(&mut self, number: usize) {
        let word = number / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (number % 64);
        self.empty = self.empty.min(word);
    }

    /// Takes out one that is in it.
    pub(super) fn remove(&mut self, number: usize) {
        self.words[number / 64] &= !(1 << (number % 64));
    }

    #[inline]
    pub(super) fn lowest(&mut self) -> Option<usize> {
        loop {
            let word = *self.words.get(self.empty)?;
            if word != 0 {
                return Some(self.empty * 64 + word.trailing_zeros() as usize);
            }
            self.empty += 1;
        }
    }

    /// Forgets that there were numbers from `end` on, of which none is in it.
    pub(super) fn truncate(&mut self, end: usize) {
        self.words.truncate(end.div_ceil(64));
        self.empty = self.empty.min(self.words.len());
        super::shrink(&mut self.words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn lowest_matches_a_sorted_set(numbers in prop::collection::vec((0_usize..400, any::<bool>()), 0..60)) {
            let (mut bits, mut set) = (Bits::default(), BTreeSet::new());
            for (number, is_in) in numbers {
                if is_in {
                    bits.insert(number);
                    set.insert(number);
                } else if set.remove(&number) {
                    bits.remove(number);
                    bits.truncate(set.last().map_or(0, |last| last + 1));
                }
                prop_assert_eq!(bits.lowest(), set.first().copied());
            }
        }
    }
}
