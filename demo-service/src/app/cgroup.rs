//! Limits and throttling of the cgroup this process is in, version 1 or 2.

use super::process::number;
use std::fs;
use std::path::{Path, PathBuf};

/// Limits are absent where there is none.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Cgroup {
    /// CPUs.
    pub(super) cpu_limit: Option<f64>,
    /// Enforcement periods that have passed.
    pub(super) periods: Option<u64>,
    pub(super) throttled_periods: Option<u64>,
    pub(super) throttled_seconds: Option<f64>,
    /// Bytes.
    pub(super) memory: Option<u64>,
    pub(super) memory_limit: Option<u64>,
}

/// Version 1 says "no limit" with a number near the largest.
const UNLIMITED: u64 = 1 << 60;

impl Cgroup {
    /// Reads `proc/self/cgroup` and `sys/fs/cgroup` below `root`.
    pub(super) fn read(root: &Path) -> Self {
        let membership = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
        let base = root.join("sys/fs/cgroup");
        match membership.lines().find_map(|line| line.strip_prefix("0::")) {
            Some(path) if base.join("cgroup.controllers").is_file() => Self::version_2(&inside(&base, path)),
            _ => Self::version_1(&base, &membership),
        }
    }

    fn version_2(group: &Path) -> Self {
        let text = |name: &str| fs::read_to_string(group.join(name)).unwrap_or_default();
        let (max, stat) = (text("cpu.max"), text("cpu.stat"));
        let quota = max.trim().split_once(' ').and_then(|(quota, period)| {
            Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok().filter(|period| *period > 0.0)?)
        });
        Self {
            cpu_limit: quota,
            periods: number(&stat, "nr_periods "),
            throttled_periods: number(&stat, "nr_throttled "),
            throttled_seconds: number(&stat, "throttled_usec ").map(|us| us as f64 / 1e6),
            memory: number(&text("memory.current"), ""),
            memory_limit: number(&text("memory.max"), ""),
        }
    }

    fn version_1(base: &Path, membership: &str) -> Self {
        let text = |controller: &str, name: &str| {
            let path = membership.lines().find_map(|line| {
                let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
                controllers.split(',').any(|one| one == controller).then_some(path)
            });
            let group = inside(&base.join(controller), path.unwrap_or("/"));
            fs::read_to_string(group.join(name)).unwrap_or_default()
        };
        let cpu = |name: &str| number(&text("cpu", name), "").map(|number| number as f64);
        let stat = text("cpu", "cpu.stat");
        Self {
            cpu_limit: cpu("cpu.cfs_quota_us")
                .zip(cpu("cpu.cfs_period_us"))
                .map(|(quota, period)| quota / period),
            periods: number(&stat, "nr_periods "),
            throttled_periods: number(&stat, "nr_throttled "),
            throttled_seconds: number(&stat, "throttled_time ").map(|ns| ns as f64 / 1e9),
            memory: number(&text("memory", "memory.usage_in_bytes"), ""),
            memory_limit: number(&text("memory", "memory.limit_in_bytes"), "")
                .filter(|limit| *limit < UNLIMITED),
        }
    }
}

/// The group's directory; in a container the path is the host's and the group is what is mounted.
fn inside(base: &Path, path: &str) -> PathBuf {
    let group = base.join(path.trim_start_matches('/'));
    if group.is_dir() { group } else { base.to_owned() }
}
