//! Panics during a sign-in: a trap, with the message on standard error.

hostile::hostile_sign_in!("trap", "Panics during a sign-in.", |username| { panic!("{username} was one too many") });
