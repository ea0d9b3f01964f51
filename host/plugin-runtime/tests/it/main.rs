//! The runtime as its users see it: files in a folder, calls, and what becomes of them.

mod calls;
mod directory;
mod guest;
mod limits;
mod loading;
mod plugins;
mod recorder;
mod support;
