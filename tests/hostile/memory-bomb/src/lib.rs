//! Takes all the memory it is given during a sign-in: grows until refused, touches every page, so that none of it is only on
//! paper, and then asks the allocator for more, which ends in a trap.

hostile::hostile_sign_in!("memory-bomb", "Takes all the memory it can get during a sign-in.", |_username| {
    bomb::grow();
    let more = vec![1_u8; 1 << 30];
    Ok(hostile::Verdict::Refused(format!("{} bytes more than allowed", std::hint::black_box(more).len())))
});

#[cfg(target_arch = "wasm32")]
mod bomb {
    //! The growing, page by page of 64 KiB.
    use core::arch::wasm32::{memory_grow, memory_size};

    const PAGE: usize = 64 << 10;

    pub fn grow() {
        let first = memory_size(0);
        while memory_grow(0, 1) != usize::MAX {}
        for page in first..memory_size(0) {
            // SAFETY: the page lies inside the memory and belongs to nobody: the allocator knows only what it grew itself.
            unsafe { std::ptr::write_volatile((page * PAGE) as *mut u8, 1) };
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod bomb {
    //! On the author's own machine there is no limit to run into.
    pub fn grow() {}
}
