//! What expressions cost, estimated while they are read: before an engine spends time and memory on them.
//!
//! Engines limit one automaton only, and an expression with look-around or back references becomes many, some of them
//! without a limit. So one budget is for all expressions of a filter.

use std::cell::Cell;

use super::FilterError;

/// Bytes that all expressions of a filter may weigh: twenty-five times `.{250}`, or a thousand ids.
pub(super) const BUDGET: usize = 16 << 20;

/// An engine, with what its searches remember: 128 of them fit.
const ENGINE: usize = 128 << 10;

/// A part of an expression that backtracks, for which it may need an automaton of its own.
const PART: usize = 16 << 10;

/// One character with its other cases, a range of a class, or what has no size of its own.
const CHAR: usize = 256;

/// A class, in UTF-8.
const CLASS: usize = 2 << 10;

/// Code points of a range whose other cases can be looked up for the price of a byte: some thirty times all there are.
const FOLDED: usize = 2;

/// What is left for the expressions of a filter.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub(super) fn spend(&self, weight: usize) -> Result<(), FilterError> {
        self.0.set(self.0.get().checked_sub(weight).ok_or(FilterError::TooLarge)?);
        Ok(())
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self(Cell::new(BUDGET))
    }
}

/// Weighs an expression while it is read.
#[derive(Default)]
pub(super) struct Scale {
    /// Of the group that is read, as often as it is repeated.
    sum: usize,
    /// Of what was read last and can be repeated.
    last: usize,
    /// Sums of the groups around.
    outer: Vec<usize>,
    /// What is built once, however often it is repeated.
    parts: usize,
    folded: usize,
}

impl Scale {
    fn atom(&mut self, weight: usize) {
        self.last = weight;
        self.sum = self.sum.saturating_add(weight);
    }

    pub(super) fn char(&mut self) {
        self.atom(CHAR);
    }

    /// Weighs a class of so many ranges; under flag `i`, the other cases of so many code points are looked up.
    pub(super) fn class(&mut self, ranges: usize, folded: usize) {
        self.atom(CLASS + ranges * CHAR);
        self.folded = self.folded.saturating_add(folded);
    }

    /// Weighs what ends a part: an assertion, a reference, an alternative.
    pub(super) fn part(&mut self) {
        self.parts += 1;
        self.atom(CHAR);
    }

    pub(super) fn open(&mut self) {
        self.part();
        self.outer.push(std::mem::take(&mut self.sum));
    }

    pub(super) fn close(&mut self) {
        let group = self.sum;
        self.sum = self.outer.pop().unwrap_or_default();
        self.atom(group.saturating_add(CHAR));
    }

    pub(super) fn repeat(&mut self, times: usize) {
        self.sum = self.sum.saturating_add(self.last.saturating_mul(times.saturating_sub(1)));
    }

    pub(super) fn weight(&self, ignore_case: bool, backtracks: bool) -> usize {
        let folded = if ignore_case { self.folded / FOLDED } else { 0 };
        let parts = if backtracks { self.parts * PART } else { 0 };
        self.sum.saturating_add(ENGINE + folded + parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use crate::filter::ecma::translate;

    #[test]
    fn no_automaton_is_larger_than_its_weight() {
        let cases = [
            "a{500}",
            "é{500}",
            "k{500}",
            "σ{500}",
            ".{200}",
            r"\D{200}",
            r"\S{200}",
            r"\s{200}",
            r"\W{200}",
            "[^a]{200}",
            "[a-zäöü]{200}",
            r"[\W]{90}",
            "[^]{200}",
            "(.{20}|a{20}){9}",
            "(((.|a)b){9}c?){9}",
            "(a|b|c|d|e|f){99}",
            "(a?){500}",
            "(.*){90}",
            "[一-龥]{90}",
            "[ㄱㄳㄵㄷㄹㄻㄽㄿ]{90}",
            "(a{1,50}){1,50}",
        ];
        let mut larger = Vec::new();
        for (case, ignore_case) in cases.iter().flat_map(|case| [(case, false), (case, true)]) {
            let translated = translate(case).unwrap();
            let weight = translated.scale.weight(ignore_case, false) - ENGINE;
            let mut engine = regex::RegexBuilder::new(&translated.pattern);
            if engine.case_insensitive(ignore_case).size_limit(weight).build().is_err() {
                larger.push(format!("{case} i={ignore_case} {weight}"));
            }
        }
        assert_eq!(larger, [""; 0]);
    }

    fn refused(filter: &str) -> bool {
        match Filter::parse(filter) {
            Ok(_) => false,
            Err(error) => {
                assert_eq!(error, FilterError::TooLarge);
                assert!(error.to_string().starts_with("the filter is too large: "));
                true
            }
        }
    }

    #[test]
    fn one_budget_is_for_all_expressions_of_a_filter() {
        assert!(!refused(&"a:/.{250}/ ".repeat(20)) && refused(&"a:/.{250}/ ".repeat(1000)));
        assert!(!refused(&"/a/i ".repeat(100)) && refused(&"/a/i ".repeat(200)));
        // Wherever they stand.
        assert!(refused(&format!("a:|({} !b:/a/)", "!(/a/) ".repeat(200))));
        // A thousand ids.
        let ids = vec!["0f3e2d1c-4b5a-6978-8796-a5b4c3d2e1f0"; 1000].join("|");
        assert!(!refused(&format!("id:/^({ids})$/i")) && !refused(&"a ".repeat(32_000)));
    }

    #[test]
    fn wide_classes_are_counted_where_case_is_ignored() {
        for class in [r"[\D]", r"[^\W]", "[ -\u{10ffff}]", r"[\0-\udbff\udfff]"] {
            let many = |flag: &str| format!("/{}/{flag}", class.repeat(50));
            assert!(refused(&many("i")), "{class}");
            assert!(!refused(&many("")), "{class}");
        }
        assert!(!refused(&format!("/{}/i", r"[\D]".repeat(20))));
        // The empty and the full one have no other cases.
        for class in ["[]", "[^]", r"[^\ud800]", r"\ud800"] {
            let text = class.repeat(100);
            assert_eq!(translate(&text).unwrap().scale.folded, 0, "{class}");
            assert!(!refused(&format!("/{text}/i")), "{class}");
        }
    }

    #[test]
    fn what_backtracks_is_counted_by_its_parts() {
        let distinct = |from: usize, part: &dyn Fn(usize) -> String| (0..from).map(part).collect::<String>();
        let looks = |count| format!("/{}/", distinct(count, &|at| format!("(?=.{{{at}}})")));
        assert!(!refused(&looks(50)) && refused(&looks(4000)));
        let ways = |count| format!(r"/(a)\1(?:{}x)/", distinct(count, &|at| format!(".{{{}}}|", at % 9)));
        assert!(!refused(&ways(50)) && refused(&ways(4000)));
        // The engine sets no limit here.
        assert!(refused("/(?<=(a|.{999}){999})x/"));
    }
}
