//! What the processes of the demo take, by the system's own account.

use std::fs;

/// Memory of one process, in KiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Usage {
    /// What it is.
    pub(crate) name: String,
    /// Resident.
    pub(crate) rss: u64,
    /// The same, pages that several processes share divided among them. All these play roles of one program.
    pub(crate) pss: u64,
}

/// Looks at this process and all it started that are there; empty where the system does not tell.
pub(crate) fn look() -> Vec<Usage> {
    let own = std::process::id().to_string();
    let children = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let children = children.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let mut processes: Vec<String> =
        children.flat_map(|ids| ids.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    processes.push(own);
    let mut usages: Vec<Usage> = processes.iter().filter_map(|id| usage(id)).collect();
    usages.sort_by(|one, other| one.name.cmp(&other.name));
    usages
}

fn usage(id: &str) -> Option<Usage> {
    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let command = fs::read(format!("/proc/{id}/cmdline")).ok()?;
    let words: Vec<_> = command.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    Some(Usage { name: name(&words), rss: kib(&rollup, "Rss:")?, pss: kib(&rollup, "Pss:")? })
}

fn kib(rollup: &str, key: &str) -> Option<u64> {
    rollup.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

/// A process by its command line: the role, and what tells it from others that play it.
fn name(words: &[impl AsRef<str>]) -> String {
    let after = |flag: &str| {
        let at = words.iter().position(|word| word.as_ref() == flag)?;
        words.get(at + 1).map(AsRef::as_ref)
    };
    let role = words.get(1).map_or("", AsRef::as_ref);
    let config = after("-c").and_then(|path| path.rsplit('/').next()?.strip_suffix(".yaml"));
    match (role, config.or(after("--instance"))) {
        ("blueox", Some(which)) => format!("agent of {which}"),
        ("demo-service", Some(which)) => which.to_owned(),
        ("pocket-elk", _) => "Pocket ELK".to_owned(),
        _ => "this view".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_named_by_what_they_do() {
        for (line, expected) in [
            ("demo blueox 7 run -c /a/shop.yaml --to http://x", "agent of shop"),
            ("demo demo-service 7 serve --name shop --instance shop-1-2 --port 0", "shop-1-2"),
            ("demo demo-service 7 load http://x --instance load-shop-1", "load-shop-1"),
            ("demo pocket-elk 7 serve", "Pocket ELK"),
            ("demo --kill-agent", "this view"),
        ] {
            assert_eq!(name(&line.split(' ').collect::<Vec<_>>()), expected);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_memory() {
        let usages = look();
        assert!(usages.iter().any(|usage| usage.rss >= usage.pss && usage.pss > 100), "{usages:?}");
    }
}
