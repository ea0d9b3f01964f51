//! A sorted list that a change costs little in, and that can be read from the n-th element on.

use std::cmp::Ordering;

/// Elements of a chunk, at most. A change moves that many pointers at most, and reading from the n-th element on skips n/256
/// chunks: both stay below a microsecond for a hundred thousand elements.
const CHUNK: usize = 512;

/// The elements, in chunks none of which is empty. The order is the caller's: all calls must bring the same one.
#[derive(Debug)]
pub(super) struct Sorted<T> {
    chunks: Vec<Vec<T>>,
    length: usize,
}

impl<T> Sorted<T> {
    /// Takes elements that are sorted.
    pub(super) fn new(sorted: Vec<T>) -> Self {
        let length = sorted.len();
        let mut chunks = Vec::with_capacity(length / (CHUNK / 2) + 1);
        let mut rest = sorted.into_iter();
        loop {
            let chunk: Vec<T> = rest.by_ref().take(CHUNK / 2).collect();
            if chunk.is_empty() {
                return Self { chunks, length };
            }
            chunks.push(chunk);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Returns so many elements from the n-th on, or what there is of them.
    pub(super) fn range(&self, start: usize, count: usize) -> impl Iterator<Item = &T> {
        let mut skip = start;
        let first = self.chunks.iter().position(|chunk| {
            let is_here = skip < chunk.len();
            if !is_here {
                skip -= chunk.len();
            }
            is_here
        });
        let chunks = &self.chunks[first.unwrap_or(self.chunks.len())..];
        chunks.iter().flatten().skip(skip).take(count)
    }

    /// Returns the chunk and the place in it where an element stands (`Ok`) or belongs.
    fn find(&self, compare: &impl Fn(&T) -> Ordering) -> (usize, Result<usize, usize>) {
        // The first chunk whose last element is not before it; the last one takes what is behind everything.
        let chunk = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| compare(last).is_lt()));
        let chunk = chunk.min(self.chunks.len().saturating_sub(1));
        let place = self.chunks.get(chunk).map_or(Err(0), |chunk| chunk.binary_search_by(compare));
        (chunk, place)
    }

    /// Puts an element in its place, in the stead of its equal if there is one. `compare` compares an element with it.
    pub(super) fn insert(&mut self, element: T, compare: impl Fn(&T) -> Ordering) {
        let (chunk, place) = self.find(&compare);
        if self.chunks.is_empty() {
            self.chunks.push(Vec::new());
        }
        match place {
            Ok(place) => self.chunks[chunk][place] = element,
            Err(place) => {
                self.length += 1;
                self.chunks[chunk].insert(place, element);
                if self.chunks[chunk].len() > CHUNK {
                    let half = self.chunks[chunk].split_off(CHUNK / 2);
                    self.chunks.insert(chunk + 1, half);
                }
            }
        }
    }

    /// Takes the element out that `compare` finds equal.
    pub(super) fn remove(&mut self, compare: impl Fn(&T) -> Ordering) -> Option<T> {
        let (chunk, Ok(place)) = self.find(&compare) else { return None };
        self.length -= 1;
        let element = self.chunks[chunk].remove(place);
        if self.chunks[chunk].is_empty() {
            self.chunks.remove(chunk);
        }
        Some(element)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn it_is_a_sorted_list(
            first in prop::collection::btree_set(0_u32..5_000, 0..1_500),
            changes in prop::collection::vec((any::<bool>(), 0_u32..5_000), 0..2_000),
            start in 0_usize..2_500,
        ) {
            let mut expected = first;
            let mut sorted = Sorted::new(expected.iter().copied().collect());
            for (put, value) in changes {
                if put {
                    expected.insert(value);
                    sorted.insert(value, |other| other.cmp(&value));
                } else {
                    let removed = sorted.remove(|other| other.cmp(&value));
                    prop_assert_eq!(removed.is_some(), expected.remove(&value));
                }
            }
            prop_assert_eq!(sorted.len(), expected.len());
            prop_assert!(sorted.range(0, usize::MAX).eq(&expected));
            prop_assert!(sorted.range(start, 20).eq(expected.iter().skip(start).take(20)));
            prop_assert!(sorted.chunks.iter().all(|chunk| (1..=CHUNK).contains(&chunk.len())));
        }
    }
}
