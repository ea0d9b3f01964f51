//! Waits for an hour in a host call during a sign-in, using no CPU. Ends by the wall clock of a call alone.

hostile::hostile_sign_in!("silent", "Waits for an hour during a sign-in.", |_username| {
    hostile::sleep_for_an_hour();
    Ok(hostile::Verdict::Unknown)
});
