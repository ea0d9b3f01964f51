//! Vouches for a person with a name of 8 MiB, twice the limit of a result.

use hostile::{Identity, Verdict};

hostile::hostile_sign_in!("giant-result", "Returns a person with a name of 8 MiB.", |username| {
    let name = Some("x".repeat(8 << 20));
    Ok(Verdict::Accepted(Identity { display_name: name, ..Identity::new("giant", username) }))
});
