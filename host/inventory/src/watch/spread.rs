//! Long walks on several threads.

use std::num::NonZero;
use std::thread;

/// Elements that are worth a thread: it takes some 50 µs to start one, a walk over so many objects takes milliseconds.
const PART: usize = 2048;

/// Threads, at most: a single search should not take a large machine whole.
const THREADS: usize = 4;

/// Does the work on parts of the elements side by side, and returns what came out in the order of the parts.
pub(super) fn spread<T: Sync, R: Send>(elements: &[T], work: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let parts = elements.len().div_ceil(PART).min(THREADS).min(processors);
    if parts < 2 {
        return work(elements);
    }
    let mut parts = elements.chunks(elements.len().div_ceil(parts));
    let own = parts.next().unwrap_or_default();
    thread::scope(|scope| {
        let work = &work;
        let spawn =
            |part| (part, thread::Builder::new().name("walk".to_owned()).spawn_scoped(scope, move || work(part)));
        let others: Vec<_> = parts.map(spawn).collect();
        let mut all = work(own);
        for (part, other) in others {
            match other.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(results)) => all.extend(results),
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                // The machine has no thread left.
                Err(_) => all.extend(work(part)),
            }
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_nothing_changes_places() {
        for length in [0, 1, PART, PART + 1, 2 * PART, 3 * PART + 7, 20 * PART + 1] {
            let elements: Vec<usize> = (0..length).collect();
            let odd = spread(&elements, |part| part.iter().copied().filter(|element| element % 2 == 1).collect());
            assert!(odd.iter().copied().eq((0..length).filter(|element| element % 2 == 1)), "{length}");
        }
    }

    #[test]
    #[should_panic(expected = "as it is meant")]
    fn a_panic_is_passed_on() {
        let elements: Vec<usize> = (0..2 * PART).collect();
        spread(&elements, |part| if part.contains(&(2 * PART - 1)) { panic!("as it is meant") } else { vec![()] });
    }
}
