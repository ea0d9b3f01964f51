//! Never comes back from the check of its configuration. Ends by the CPU limit; it can therefore never be enabled.

use hostile::{Error, FieldError, NoConfig, PasswordProvider, Plugin, Verdict};

hostile::hostile!("loop-in-validate", "Never comes back from the check of its configuration.");

impl Plugin for Hostile {
    type Config = NoConfig;

    fn validate(_: &NoConfig) -> Vec<FieldError> {
        hostile::spin()
    }
}

impl PasswordProvider for Hostile {
    fn authenticate(_: &NoConfig, _: &str, _: &str) -> Result<Verdict, Error> {
        Ok(Verdict::Unknown)
    }
}
