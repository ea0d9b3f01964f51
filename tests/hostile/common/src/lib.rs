//! What the hostile plugins have in common: a manifest that looks harmless, and the claim to check passwords, so that every
//! sign-in passes through them.

pub use xylem_sdk;
pub use xylem_sdk::prelude::*;

/// Declares `struct Hostile` with its manifest and the role `password-provider`. `{}` is a valid configuration unless a
/// schema is given; capabilities are a JSON list.
#[macro_export]
macro_rules! hostile {
    ($case:literal, $description:literal) => {
        $crate::hostile!($case, $description, r#"{"type": "object", "properties": {}}"#, "[]");
    };
    ($case:literal, $description:literal, $schema:literal, $capabilities:literal) => {
        $crate::xylem_sdk::manifest_text!(concat!(
            r#"{"manifestVersion": 1, "id": "org.xylem.hostile-"#,
            $case,
            r#"", "version": "0.1.0", "xylem": ">=0.1.0, <0.2.0", "name": {"en": "Hostile: "#,
            $case,
            r#""}, "description": {"en": ""#,
            $description,
            r#""}, "roles": ["password-provider"], "configVersion": 1, "configSchema": "#,
            $schema,
            r#", "capabilities": "#,
            $capabilities,
            "}"
        ));
        $crate::xylem_sdk::export!(Hostile: password_provider);

        /// The plugin.
        pub struct Hostile;
    };
}

/// Declares a hostile plugin that is harmless but for the sign-in: the block runs in `authenticate`.
#[macro_export]
macro_rules! hostile_sign_in {
    ($case:literal, $description:literal, |$username:ident| $body:block) => {
        $crate::hostile!($case, $description);

        impl $crate::Plugin for Hostile {
            type Config = $crate::NoConfig;
        }

        impl $crate::PasswordProvider for Hostile {
            fn authenticate(_: &$crate::NoConfig, $username: &str, _: &str) -> Result<$crate::Verdict, $crate::Error> {
                $body
            }
        }
    };
}

/// Spins without ever giving the processor back. The counter goes through memory, or the loop would be optimised away.
pub fn spin() -> ! {
    let mut turns: u64 = 0;
    loop {
        turns = std::hint::black_box(turns.wrapping_add(1));
    }
}

/// Waits in a host call, where no instruction counter sees it.
pub fn sleep_for_an_hour() {
    std::thread::sleep(std::time::Duration::from_secs(3_600));
}
