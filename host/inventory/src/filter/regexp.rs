//! Regular expressions with JavaScript's syntax (no flag `u`), run in linear time or on a budget.
//!
//! The pattern is read here and written again for the engines: those without look-around and back references run in linear
//! time (`regex`), the others backtrack (`fancy-regex`) until their budget is spent. Two differences to JavaScript stay: a
//! character beyond the first plane is one character, and a back reference to a group without a match does not match.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::FilterError;
use super::ecma::translate;
use super::weight::Budget;

/// Steps that one search may take in the backtracking engine. Reasonable patterns need some tens.
const STEPS: usize = 10_000;

/// Bytes that a compiled expression may take: `.{255}` fits, `(.{255}){255}` does not.
const SIZE: usize = 4 << 20;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(super) struct RegExp {
    engine: Engine,
    /// Set when a search ran out of steps; from then on nothing is searched any more.
    overrun: Arc<AtomicBool>,
}

#[derive(Clone, Debug)]
enum Engine {
    Linear(regex::Regex),
    Backtracking(Box<fancy_regex::Regex>),
}

/// Returns whether the pattern is one.
pub(super) fn check(source: &str) -> Result<(), FilterError> {
    translate(source).map(|_| ()).map_err(|reason| invalid(source, reason))
}

impl RegExp {
    pub(super) fn new(
        source: &str,
        ignore_case: bool,
        overrun: &Arc<AtomicBool>,
        budget: &Budget,
    ) -> Result<Self, FilterError> {
        let translated = translate(source).map_err(|reason| invalid(source, reason))?;
        budget.spend(translated.scale.weight(ignore_case, translated.backtracks))?;
        let engine = if translated.backtracks {
            fancy_regex::RegexBuilder::new(&translated.pattern)
                .case_insensitive(ignore_case)
                .backtrack_limit(STEPS)
                .delegate_size_limit(SIZE)
                .build()
                .map(|regex| Engine::Backtracking(regex.into()))
                .ok()
        } else {
            regex::RegexBuilder::new(&translated.pattern)
                .case_insensitive(ignore_case)
                .size_limit(SIZE)
                .build()
                .map(Engine::Linear)
                .ok()
        };
        // The syntax is checked above; what is left is the size.
        let engine = engine.ok_or_else(|| invalid(source, "too large"))?;
        Ok(Self { engine, overrun: overrun.clone() })
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        match &self.engine {
            Engine::Linear(regex) => regex.is_match(text),
            Engine::Backtracking(_) if self.overrun.load(Ordering::Relaxed) => false,
            Engine::Backtracking(regex) => regex.is_match(text).unwrap_or_else(|_| {
                self.overrun.store(true, Ordering::Relaxed);
                false
            }),
        }
    }
}

fn invalid(source: &str, reason: &'static str) -> FilterError {
    FilterError::RegExp { pattern: source.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::ecma::DEPTH;

    fn found(source: &str, text: &str) -> bool {
        let (source, ignore_case) = source.strip_prefix("(i)").map_or((source, false), |source| (source, true));
        RegExp::new(source, ignore_case, &Arc::default(), &Budget::default()).unwrap().is_in(text)
    }

    #[test]
    fn patterns_mean_what_they_mean_in_javascript() {
        // Pattern, texts it is found in, texts it is not found in.
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("", &["", "x"], &[]),
            ("^Running$", &["Running"], &["running", "Running ", "Running\n"]),
            ("(i)^running$", &["Running"], &["Run"]),
            ("a.c", &["abc", "aéc"], &["a\nc", "a\u{2028}c", "ac"]),
            ("a|^b$", &["xa", "b"], &["xb"]),
            (r"\d+", &["a1"], &["a", "\u{661}"]),
            (r"^\w+$", &["a_1"], &["é", "a b"]),
            (r"^\s$", &["\u{feff}", "\u{a0}"], &["\u{85}", "x"]),
            (r"^\S$", &["\u{85}", "x"], &["\u{feff}", "\u{a0}", " "]),
            (r"\bé", &["aé"], &["é"]),
            (r"\Bb", &["ab"], &["b", " b"]),
            ("[a-c]x", &["bx"], &["dx", "-x"]),
            ("^[^a-c]$", &["d", "\n"], &["a", ""]),
            (r"^[\w-]+$", &["a-b"], &["a b"]),
            (r"^[a-\d]+$", &["a-1"], &["b"]),
            (r"^[[&&~~]+$", &["[&~"], &["a"]),
            ("^[]", &[], &["", "a"]),
            ("^[^]$", &["\n", "a"], &["", "ab"]),
            ("a{2}", &["aa"], &["a"]),
            ("^a{1,2}$", &["aa"], &["aaa"]),
            ("^a{2,}$", &["aaa"], &["a"]),
            ("a{,2}", &["a{,2}"], &["aa"]),
            ("x{y", &["x{y"], &["x"]),
            ("a]}", &["a]}"], &["a"]),
            ("a+?b*?c??", &["a"], &["b"]),
            ("(a)(?:b)(?<n>c)", &["abc"], &["ab"]),
            (r"^(a|b)\1$", &["aa", "bb"], &["ab"]),
            (r"^(?<x>a|b)\k<x>$", &["aa"], &["ab"]),
            (r"\k", &["k"], &["x"]),
            ("a(?=b)", &["ab"], &["ac"]),
            (r"\bprod(?!uct)\b", &["prod", "x prod"], &["product", "éproduct"]),
            ("(?<=a)b", &["ab"], &["cb"]),
            ("(?<!a)b", &["cb"], &["ab"]),
            (r"\x41\u0042\u{1}", &["ABu"], &["AB"]),
            (r"\cA\c!", &["\u{1}\\c!"], &["A"]),
            (r"\ud83d\ude00", &["😀"], &["x"]),
            (r"\ud83d", &[], &["😀"]),
            (r"^\101\0$", &["A\u{0}"], &["101"]),
            (r"[\b]", &["\u{8}"], &["b"]),
            (r"\p\-\/\q", &["p-/q"], &["x"]),
            ("(i)äÖ", &["ÄÖ"], &["AO"]),
            ("a#b c", &["a#b c"], &["ab"]),
        ];
        for (pattern, inside, outside) in cases {
            for text in *inside {
                assert!(found(pattern, text), "{pattern} in {text:?}");
            }
            for text in *outside {
                assert!(!found(pattern, text), "{pattern} not in {text:?}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let cases = [
            ("(", "Unterminated group"),
            (")", "Unmatched ')'"),
            ("*", "Nothing to repeat"),
            ("a**", "Nothing to repeat"),
            ("^{2}", "Nothing to repeat"),
            ("(?:|+)", "Nothing to repeat"),
            ("[a", "Unterminated character class"),
            ("[b-a]", "Range out of order in character class"),
            ("a{2,1}", "numbers out of order in {} quantifier"),
            ("(?x)", "Invalid group"),
            ("(?<1>a)", "Invalid capture group name"),
            ("(?<a>.)(?<a>.)", "Duplicate capture group name"),
            (r"(?<a>.)\k<b>", "Invalid named capture referenced"),
            (r"a\", r"\ at end of pattern"),
        ];
        for (pattern, reason) in cases {
            assert_eq!(check(pattern), Err(invalid(pattern, reason)), "{pattern}");
        }
        let deep = format!("{}{}", "(".repeat(DEPTH + 1), ")".repeat(DEPTH + 1));
        assert_eq!(check(&deep), Err(invalid(&deep, "Too many groups in groups")));
        let new = |source: &str| RegExp::new(source, false, &Arc::default(), &Budget::default()).err();
        let large = ".{6000}";
        assert_eq!(new(large), Some(invalid(large, "too large")));
        assert_eq!(new("(.{999}){999}"), Some(FilterError::TooLarge));
    }

    #[test]
    fn who_spends_the_budget_searches_nothing_any_more() {
        let overrun = Arc::new(AtomicBool::new(false));
        let linear = RegExp::new("(a+)+$", false, &overrun, &Budget::default()).unwrap();
        let text = format!("{}b", "a".repeat(200));
        assert!(!linear.is_in(&text) && !overrun.load(Ordering::Relaxed));
        let backtracking = RegExp::new(r"^(a|aa)+\1$", false, &overrun, &Budget::default()).unwrap();
        assert!(backtracking.is_in("aa"));
        assert!(!backtracking.is_in(&text) && overrun.load(Ordering::Relaxed));
        assert!(!backtracking.is_in("aa"));
    }
}
