//! Freed memory goes back to the system soon, so that `--memory` holds when one large search follows another.
//!
//! The GNU allocator keeps what threads free: after a large search that was as much again as `--memory` counts. mimalloc gives
//! it back, but by default a second later, and a second is several searches.

use std::ffi::c_long;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Milliseconds that freed pages are kept for whoever allocates next. With 10 ingest takes a sixth more processor time.
const KEPT_MS: c_long = 50;

/// `mi_option_purge_delay` of mimalloc's header, which the crate gives no name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// To be called before there is a second thread.
#[expect(unsafe_code, reason = "the allocator has no other word for it")]
pub(crate) fn give_back_soon() {
    // SAFETY: `mi_option_set` stores a number in a table of the allocator that is there from the start, checks that the option
    // is one of its own, and touches no memory that is in use. It may be called at any time.
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, KEPT_MS);
    }
}

#[cfg(test)]
mod tests {
    use bench::process::Usage;

    fn anonymous() -> u64 {
        Usage(std::process::id()).anonymous().unwrap()
    }

    /// How soon is the matter of `tests/hostile`.
    #[test]
    fn freed_memory_goes_back() {
        super::give_back_soon();
        let piece = || vec![1u8; 20_000];
        let pieces: Vec<Vec<u8>> = (0..4_000).map(|_| piece()).collect();
        let before = anonymous();
        drop(pieces);
        let gone = || {
            drop((0..100).map(|_| piece()).collect::<Vec<_>>());
            std::thread::sleep(std::time::Duration::from_millis(10));
            anonymous() + (60_000 << 10) < before
        };
        assert!((0..1_000).any(|_| gone()), "{before} bytes before, {} after", anonymous());
    }
}
