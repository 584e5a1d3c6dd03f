//! Freed memory goes back to the system when the agent falls idle.
//!
//! The GNU allocator gives each thread an arena of its own and returns the end of the first one only. So all threads
//! share that one, and are asked for it when there is no work. Little is allocated on the way of a line, so nobody waits.

/// Lets all threads share one arena. To be called before there is a second thread.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the standard library has no word for it")]
pub fn share_arena() {
    // SAFETY: `mallopt` only sets a number inside the allocator; it may be called at any time, takes the allocator's lock
    // itself and touches no memory that is in use. Where it refuses, everything works as before.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Lets all threads share one arena. Not needed, or not known how, on this system.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share_arena() {}

/// Gives freed heap memory back to the system.
///
/// The GNU allocator keeps what was freed in its arenas, some MiB after a burst, for ever. Costs a walk over the free
/// lists, so it is for moments without work. Does nothing with other allocators.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the standard library has no word for it")]
pub fn give_back() {
    // SAFETY: `malloc_trim` has no precondition, may be called from any thread at any time (it takes the arenas' locks
    // itself), and touches only memory that the allocator holds as free: no reference into it can exist.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Gives freed heap memory back to the system. Not needed, or not known how, on this system.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tests {
    fn anonymous_kib() -> u64 {
        let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
        let line = rollup.lines().find(|line| line.starts_with("Anonymous:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    #[test]
    fn freed_memory_goes_back_and_live_memory_stays() {
        // Small pieces come from the arena; the last one keeps its top from shrinking by itself.
        let pieces: Vec<Vec<u8>> = (0..20_000).map(|number| vec![number as u8; 2048]).collect();
        let kept: Vec<Vec<u8>> = pieces.into_iter().step_by(1000).collect();
        let before = anonymous_kib();
        super::give_back();
        let after = anonymous_kib();
        assert!(after + 20_000 < before, "{before} KiB before, {after} KiB after");
        let intact = |(at, piece): (usize, &Vec<u8>)| piece.iter().all(|byte| *byte == (at * 1000) as u8);
        assert!(kept.iter().enumerate().all(intact));
    }
}
