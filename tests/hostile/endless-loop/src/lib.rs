//! Never comes back from a sign-in, and never calls the host meanwhile. Ends by the CPU limit of a call.

hostile::hostile_sign_in!("endless-loop", "Never comes back from a sign-in.", |_username| { hostile::spin() });
