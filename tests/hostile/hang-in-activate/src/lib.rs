//! Waits in a host call while it is being enabled. Ends by the wall clock of a call: enabling must fail, not hang.

use hostile::{Activation, Error, NoConfig, PasswordProvider, Plugin, Verdict};

hostile::hostile!("hang-in-activate", "Waits for an hour while it is being enabled.");

impl Plugin for Hostile {
    type Config = NoConfig;

    fn activate(_: &NoConfig) -> Result<Activation, Error> {
        hostile::sleep_for_an_hour();
        Ok(hostile::xylem_sdk::nothing())
    }
}

impl PasswordProvider for Hostile {
    fn authenticate(_: &NoConfig, _: &str, _: &str) -> Result<Verdict, Error> {
        Ok(Verdict::Unknown)
    }
}
