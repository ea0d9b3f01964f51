//! xtask as a program, seen from outside.

mod supervise;
mod support;
mod up;
