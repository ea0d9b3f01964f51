//! The language of a call, and the two that this plugin speaks.

/// A language for texts that people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Also for every language that is not here.
    English,
    /// French.
    French,
}

impl Language {
    /// Returns the language of a BCP 47 tag such as "fr-CA".
    pub fn of(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("fr") { Self::French } else { Self::English }
    }
}

/// Returns a text in the language, from an English and a French format string with the same captures.
macro_rules! say {
    ($language:expr, $english:literal, $french:literal $(,)?) => {
        match $language {
            $crate::language::Language::English => format!($english),
            $crate::language::Language::French => format!($french),
        }
    };
}
pub(crate) use say;
