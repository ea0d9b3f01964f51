//! Life cycles: what the protocol allows in which state, in which order it refuses, and what each operation changes elsewhere.
//!
//! The tables are text that can be laid beside the protocol's. They run in a small made-up pool whose references say what they
//! are: `OpaqueRef:vm`.

mod effects;
mod meanwhile;
mod order;
mod relations;
mod states;
mod truth;
pub mod world;
