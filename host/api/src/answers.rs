//! Answers that are asked for again and again: dashboards and scripts put the same filter every few seconds, many at once.
//!
//! An answer is kept from the second time that the same question is asked, and is good until an object of the types that
//! it is about changes. It is good for everybody who sees the same, and for nobody else.

use std::collections::VecDeque;
use std::sync::Arc;

use access::VisibilityClass;
use bytes::Bytes;
use model::Revision;
use parking_lot::Mutex;

/// Bytes of an answer that is worth keeping; whole listings come fast enough from the objects themselves.
const LARGEST: usize = 2 << 20;

/// Bytes of all kept answers.
const CAP: usize = 8 << 20;

/// Questions that are remembered. They are few: pages and scripts have theirs built in.
const QUESTIONS: usize = 64;

/// What was asked, by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// Everybody of one class gets the same answer.
    pub class: VisibilityClass,
    /// Operation and parameters.
    pub text: String,
}

/// The kept answers, the last used one at the end.
#[derive(Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<VecDeque<Kept>>>);

struct Kept {
    question: Question,
    /// None when it was asked once, or has changed since.
    answer: Option<(Revision, Bytes)>,
}

/// What is known of a question.
pub(crate) enum Known {
    /// Its answer.
    Answer(Bytes),
    /// It was asked before: the answer is worth recording.
    Question(Recording),
    /// Nothing.
    Nothing,
}

/// An answer that is being written, to be kept when it is whole.
pub(crate) struct Recording {
    answers: Answers,
    question: Question,
    revision: Revision,
    bytes: Vec<u8>,
    is_too_large: bool,
}

impl Answers {
    /// Looks a question up, at a revision of what it is about.
    pub(crate) fn ask(&self, question: Question, revision: Revision) -> Known {
        let mut kept = self.0.lock();
        let Some(place) = kept.iter().position(|kept| kept.question == question) else {
            if kept.len() >= QUESTIONS {
                kept.pop_front();
            }
            kept.push_back(Kept { question, answer: None });
            return Known::Nothing;
        };
        let Some(mut found) = kept.remove(place) else { return Known::Nothing };
        // An older answer is of no use to anybody any more; a younger one is for those who come later.
        found.answer.take_if(|(known, _)| *known < revision);
        let answer = found.answer.as_ref().filter(|(known, _)| *known == revision).map(|(_, bytes)| bytes.clone());
        kept.push_back(found);
        drop(kept);
        match answer {
            Some(bytes) => Known::Answer(bytes),
            None => Known::Question(Recording {
                answers: self.clone(),
                question,
                revision,
                bytes: Vec::new(),
                is_too_large: false,
            }),
        }
    }

    /// Lets all answers go; the questions stay.
    pub(crate) fn sweep(&self) {
        self.0.lock().iter_mut().for_each(|kept| kept.answer = None);
    }

    fn keep(&self, question: &Question, revision: Revision, bytes: Bytes) {
        let mut kept = self.0.lock();
        let mut room = CAP - bytes.len();
        if let Some(kept) = kept.iter_mut().find(|kept| kept.question == *question)
            && kept.answer.as_ref().is_none_or(|(known, _)| *known < revision)
        {
            kept.answer = Some((revision, bytes));
        }
        // From the last used one on, as many as have room.
        for kept in kept.iter_mut().rev().filter(|kept| kept.question != *question) {
            kept.answer.take_if(|(_, bytes)| bytes.len() > room);
            room -= kept.answer.as_ref().map_or(0, |(_, bytes)| bytes.len());
        }
    }
}

impl Recording {
    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8], is_last: bool) {
        self.is_too_large |= self.bytes.len() + piece.len() > LARGEST;
        if self.is_too_large {
            self.bytes = Vec::new();
            return;
        }
        self.bytes.extend_from_slice(piece);
        if is_last {
            self.bytes.shrink_to_fit();
            let bytes = Bytes::from(std::mem::take(&mut self.bytes));
            self.answers.keep(&self.question, self.revision, bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str) -> Question {
        Question { class: VisibilityClass::Administrator, text: text.to_owned() }
    }

    /// Asks, and answers with this if the answer is not known; returns what was found.
    fn ask(answers: &Answers, text: &str, revision: Revision, answer: &[u8]) -> &'static str {
        match answers.ask(question(text), revision) {
            Known::Answer(bytes) => {
                assert_eq!(bytes, answer);
                "answer"
            }
            Known::Question(mut recording) => {
                let (first, second) = answer.split_at(answer.len() / 2);
                recording.push(first, false);
                recording.push(second, true);
                "question"
            }
            Known::Nothing => "nothing",
        }
    }

    #[test]
    fn the_third_one_gets_the_kept_answer_until_something_changes() {
        let answers = Answers::default();
        let steps = [
            (1, "one", "nothing"),
            (1, "one", "question"),
            (1, "one", "answer"),
            (2, "two", "question"),
            (2, "two", "answer"),
            // A reader of an older state, who was slow, gets none, and what it records replaces nothing.
            (1, "one", "question"),
            (2, "two", "answer"),
        ];
        for (revision, answer, expected) in steps {
            assert_eq!(ask(&answers, "q", revision, answer.as_bytes()), expected, "{answer}");
        }
        let other = Question { class: VisibilityClass::Nothing, ..question("q") };
        assert!(matches!(answers.ask(other, 2), Known::Nothing));
        answers.sweep();
        assert_eq!(ask(&answers, "q", 2, b"two"), "question");
    }

    #[test]
    fn memory_is_bounded() {
        let answers = Answers::default();
        let size = || {
            let kept = answers.0.lock();
            let sizes = kept.iter().filter_map(|kept| kept.answer.as_ref()).map(|(_, bytes)| bytes.len());
            (kept.len(), sizes.sum::<usize>())
        };
        for number in 0..1_000 {
            ask(&answers, &number.to_string(), 1, &[7; LARGEST]);
            ask(&answers, &number.to_string(), 1, &[7; LARGEST]);
        }
        assert_eq!(size(), (QUESTIONS, CAP));
        ask(&answers, "large", 1, &[7; LARGEST + 1]);
        ask(&answers, "large", 1, &[7; LARGEST + 1]);
        assert_eq!(ask(&answers, "large", 1, &[7; LARGEST + 1]), "question");
    }
}
