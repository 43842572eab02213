//! A set of small numbers that finds its lowest member quickly.

#[derive(Debug, Default)]
pub(super) struct BitSet {
    pub(super) words: Vec<u64>,
    /// How many leading words are known to be empty.
    pub(super) empty_words: usize,
}

impl BitSet {
    pub(super) fn insert(&mut self, number: usize) {
        let word = number / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (number % 64);
        self.empty_words = self.empty_words.min(word);
    }

    /// Removes `number`, which must be a member.
    pub(super) fn remove(&mut self, number: usize) {
        self.words[number / 64] &= !(1 << (number % 64));
    }

    #[inline]
    pub(super) fn lowest(&mut self) -> Option<usize> {
        loop {
            let word = *self.words.get(self.empty_words)?;
            if word != 0 {
                return Some(self.empty_words * 64 + word.trailing_zeros() as usize);
            }
            self.empty_words += 1;
        }
    }

    /// Frees the memory for numbers from `end` on. None of them may be a member.
    pub(super) fn truncate(&mut self, end: usize) {
        self.words.truncate(end.div_ceil(64));
        self.empty_words = self.empty_words.min(self.words.len());
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
            let (mut bits, mut set) = (BitSet::default(), BTreeSet::new());
            for (number, insert) in numbers {
                if insert {
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
