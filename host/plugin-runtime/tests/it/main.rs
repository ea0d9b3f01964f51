//! The runtime as its users see it: files in a folder, calls, and what becomes of them.
#![allow(clippy::unwrap_used)] // All of this is tests; clippy only sees that of functions marked so.

mod calls;
mod directory;
mod guest;
mod limits;
mod loading;
mod plugins;
mod recorder;
mod support;
