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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Cgroup {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Cgroup::read(root.path())
    }

    fn limited() -> Cgroup {
        Cgroup {
            cpu_limit: Some(0.5),
            periods: Some(10),
            throttled_periods: Some(4),
            throttled_seconds: Some(1.5),
            memory: Some(4096),
            memory_limit: Some(8192),
        }
    }

    #[test]
    fn version_2_in_its_own_directory_or_as_what_is_mounted() {
        for (path, directory) in [("/shop", "sys/fs/cgroup/shop"), ("/host/only", "sys/fs/cgroup")] {
            let file = |name: &str| format!("{directory}/{name}");
            let found = read(&[
                ("proc/self/cgroup", &format!("0::{path}\n")),
                ("sys/fs/cgroup/cgroup.controllers", "cpu memory\n"),
                (&file("cpu.max"), "50000 100000\n"),
                (&file("cpu.stat"), "usage_usec 9\nnr_periods 10\nnr_throttled 4\nthrottled_usec 1500000\n"),
                (&file("memory.current"), "4096\n"),
                (&file("memory.max"), "8192\n"),
            ]);
            assert_eq!(found, limited(), "{path}");
        }
    }

    #[test]
    fn version_1() {
        let cpu = "sys/fs/cgroup/cpu/shop";
        let memory = "sys/fs/cgroup/memory/shop";
        let found = read(&[
            ("proc/self/cgroup", "5:cpu,cpuacct:/shop\n4:memory:/shop\n1:name=systemd:/\n"),
            (&format!("{cpu}/cpu.cfs_quota_us"), "50000\n"),
            (&format!("{cpu}/cpu.cfs_period_us"), "100000\n"),
            (&format!("{cpu}/cpu.stat"), "nr_periods 10\nnr_throttled 4\nthrottled_time 1500000000\n"),
            (&format!("{memory}/memory.usage_in_bytes"), "4096\n"),
            (&format!("{memory}/memory.limit_in_bytes"), "8192\n"),
        ]);
        assert_eq!(found, limited());
    }

    #[test]
    fn no_limit_and_no_cgroup_are_absent() {
        let unlimited = read(&[
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/cgroup.controllers", ""),
            ("sys/fs/cgroup/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/memory.max", "max\n"),
        ]);
        assert_eq!(unlimited, Cgroup::default());
        let unlimited = read(&[
            ("proc/self/cgroup", "5:cpu:/\n4:memory:/\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ]);
        assert_eq!(unlimited, Cgroup::default());
        assert_eq!(read(&[]), Cgroup::default());
    }
}
