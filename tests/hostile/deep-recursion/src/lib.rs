//! Recurses without end during a sign-in. The user name `memory` overflows the plugin's own stack in linear memory, any other
//! the stack of the engine: two ends that the daemon must tell from a crash of its own.

use std::hint::black_box;

hostile::hostile_sign_in!("deep-recursion", "Recurses without end during a sign-in.", |username| {
    let depth = if username == "memory" { through_memory(1) } else { in_registers(1) };
    Ok(hostile::Verdict::Refused(depth.to_string()))
});

/// Keeps nothing in linear memory. What follows the inner call keeps the compiler from making a loop of it.
#[inline(never)]
fn in_registers(depth: u64) -> u64 {
    if depth == 0 { 0 } else { in_registers(depth.wrapping_add(1)).rotate_left(7) ^ depth }
}

/// Keeps a kilobyte of each level in linear memory.
#[inline(never)]
fn through_memory(depth: u64) -> u64 {
    let frame = black_box([depth; 128]);
    if depth == 0 { 0 } else { through_memory(depth.wrapping_add(1)).rotate_left(7) ^ frame[depth as usize % 128] }
}
