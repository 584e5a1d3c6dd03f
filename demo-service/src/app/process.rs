//! What this process uses, from `/proc` where there is one.

use std::fs;

/// At one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    /// Resident bytes.
    pub(super) memory: Option<u64>,
    /// Virtual bytes.
    pub(super) memory_virtual: Option<u64>,
    pub(super) threads: Option<u64>,
    pub(super) descriptors: Option<u64>,
}

impl Usage {
    pub(super) fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        // The listing holds a descriptor of its own.
        let descriptors = fs::read_dir("/proc/self/fd").map(|listing| listing.count() as u64 - 1).ok();
        Self {
            memory: number(&status, "VmRSS:").map(|kib| kib * 1024),
            memory_virtual: number(&status, "VmSize:").map(|kib| kib * 1024),
            threads: number(&status, "Threads:"),
            descriptors,
        }
    }
}

/// CPU seconds of all threads since the start.
pub(super) fn cpu_seconds() -> f64 {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    clock.tv_sec as f64 + clock.tv_nsec as f64 / 1e9
}

/// The number behind `key` at the beginning of a line.
pub(super) fn number(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    value.split_whitespace().next()?.parse().ok()
}
