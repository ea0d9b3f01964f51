//! The event stream's states, walked without a network.
