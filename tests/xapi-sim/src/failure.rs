//! An error of the API: a code and its parameters.

use std::fmt;

/// What a call answers when it does not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: String,
    pub params: Vec<String>,
}

impl Failure {
    /// Returns the wire form: the code first.
    pub fn description(&self) -> Vec<String> {
        std::iter::once(self.code.clone()).chain(self.params.iter().cloned()).collect()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.code, self.params.join(", "))
    }
}

/// Makes a failure. XAPI declares the parameters of most codes; some are raised with more than it declares.
pub fn fail<const N: usize>(code: &str, params: [&str; N]) -> Failure {
    let declared = crate::model::model().errors.get(code);
    debug_assert!(declared.is_none_or(|p| p.len() <= N), "{code} has the parameters {declared:?}");
    Failure { code: code.to_owned(), params: params.iter().map(|p| (*p).to_owned()).collect() }
}

/// The object does not exist (any more).
pub fn handle_invalid(class: &str, reference: &str) -> Failure {
    fail("HANDLE_INVALID", [class, reference])
}
