//! What mounts, permissions and a failing disk do to the files of the real program.
//!
//! Needs root, loop devices, `mkfs.ext4`, overlayfs, `setpriv`, `unshare` and `strace`:
//! `cargo test -p blueox --test mounts -- --ignored`

#[path = "support/agent.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod agent;
#[path = "support/tail.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by several tests, each using its part")]
mod tail;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use tail::{Tail, append, lines, text};
use tempfile::TempDir;

/// A directory on a file system of its own. Unmounted when dropped, lazily: a killed agent may still be going.
struct Mount {
    at: PathBuf,
}

impl Mount {
    fn new(arguments: &[&str], at: &Path) -> Self {
        fs::create_dir_all(at).expect("mount point");
        command("mount", arguments.iter().map(OsStr::new).chain([at.as_os_str()]));
        Self { at: at.to_owned() }
    }

    /// Mounts an image through a loop device of its own, which goes with the mount.
    fn image(image: &Path, at: &Path) -> Self {
        Self::new(&["-o", "loop", &image.to_string_lossy()], at)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.at).status();
        assert!(std::thread::panicking() || unmounted.is_ok_and(|status| status.success()));
    }
}

fn command(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) {
    let output =
        Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An empty ext4; `inode_bytes` 256 keeps birth times and nanoseconds, 128 neither.
fn ext4(directory: &TempDir, inode_bytes: u32) -> PathBuf {
    let image = directory.path().join("image");
    fs::File::create(&image).and_then(|file| file.set_len(16 << 20)).expect("an image");
    let inode_bytes = inode_bytes.to_string();
    command("mkfs.ext4", [OsStr::new("-q"), "-I".as_ref(), inode_bytes.as_ref(), image.as_os_str()]);
    image
}

/// Reads `volume*/` of the directory beside the site's own logs.
fn tail_of_volumes(directory: &TempDir) -> Tail {
    let pattern = directory.path().join("volume*/*.log*");
    Tail::with(&["logs/**", &pattern.to_string_lossy()], "")
}

fn twice(lines: Vec<String>) -> Vec<String> {
    lines.iter().chain(&lines).cloned().collect()
}

/// Two volumes hold the same file: same inode number, same birth time, same lines without times. They are two files.
#[test]
#[ignore = "needs root"]
fn two_volumes_with_files_of_same_inode_birth_and_text_are_both_stored_whole() {
    let directory = tempfile::tempdir().expect("directory");
    let image = ext4(&directory, 256);
    let path = |number: u32| directory.path().join(format!("volume{number}/app.log"));
    {
        let _mount = Mount::new(&["-o", "loop", &image.to_string_lossy()], &directory.path().join("volume1"));
        append(&path(1), &text(&lines("same", 0..2_000)));
        command("sync", ["-f".as_ref(), path(1).as_os_str()]);
    }
    let copy = directory.path().join("copy");
    wait_until_free(&image);
    fs::copy(&image, &copy).expect("copied");
    let _one = Mount::image(&image, &directory.path().join("volume1"));
    let _two = Mount::image(&copy, &directory.path().join("volume2"));
    let facts = [1, 2].map(|number| fs::metadata(path(number)).expect("there"));
    assert_eq!(facts[0].ino(), facts[1].ino());
    assert_eq!(facts[0].created().expect("birth"), facts[1].created().expect("birth"));
    assert_ne!(facts[0].dev(), facts[1].dev());

    let mut tail = tail_of_volumes(&directory);
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 4_000);
    // And they grow alike, through a kill.
    for number in [1, 2] {
        append(&path(number), &text(&lines("same", 2_000..2_500)));
    }
    tail.wait_stored(&mut agent, 5_000);
    agent.kill();
    for number in [2, 1] {
        append(&path(number), &text(&lines("same", 2_500..3_000)));
    }
    let mut agent = tail.site.run();
    tail.expect(&mut agent, twice(lines("same", 0..3_000)));
    assert!(agent.stop().success());
}

/// A lazily unmounted image is free once its loop device is.
fn wait_until_free(image: &Path) {
    let until = std::time::Instant::now() + agent::DEADLINE;
    loop {
        let used = Command::new("losetup").arg("-j").arg(image).output().expect("losetup runs").stdout;
        if used.is_empty() {
            return;
        }
        assert!(std::time::Instant::now() < until, "still in use: {}", String::from_utf8_lossy(&used));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// The second volume comes while the first is being tailed.
#[test]
#[ignore = "needs root"]
fn a_second_volume_with_the_same_file_that_comes_later_is_stored_whole() {
    let directory = tempfile::tempdir().expect("directory");
    let image = ext4(&directory, 256);
    let path = |number: u32| directory.path().join(format!("volume{number}/app.log"));
    let _one = Mount::image(&image, &directory.path().join("volume1"));
    append(&path(1), &text(&lines("same", 0..500)));
    command("sync", ["-f".as_ref(), path(1).as_os_str()]);
    let copy = directory.path().join("copy");
    fs::copy(&image, &copy).expect("copied");
    let mut tail = tail_of_volumes(&directory);
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 500);
    let _two = Mount::image(&copy, &directory.path().join("volume2"));
    tail.wait_stored(&mut agent, 1_000);
    append(&path(2), &text(&lines("two", 0..10)));
    append(&path(1), &text(&lines("one", 0..10)));
    let all = twice(lines("same", 0..500)).into_iter().chain(lines("one", 0..10)).chain(lines("two", 0..10));
    tail.expect(&mut agent, all);
    assert!(agent.stop().success());
}

// F69: detached from one device and attached to another, while the agent runs and while it does not.
#[test]
#[ignore = "needs root"]
fn a_volume_that_comes_back_as_another_device_repeats_and_loses_nothing() {
    for running in [false, true] {
        let directory = tempfile::tempdir().expect("directory");
        let image = ext4(&directory, 256);
        let at = directory.path().join("volume");
        let path = at.join("app.log");
        let mut mount = Mount::image(&image, &at);
        let before = fs::metadata(&at).expect("mounted").dev();
        append(&path, &text(&lines("a", 0..500)));
        command("sync", ["-f".as_ref(), path.as_os_str()]);
        let mut tail = tail_of_volumes(&directory);
        let mut agent = tail.site.run();
        tail.wait_stored(&mut agent, 500);
        if !running {
            assert!(agent.stop().success());
            agent = tail.site.run();
        }
        // The same bytes under another device number, as a volume attached anew has them.
        let anew = directory.path().join("anew");
        fs::copy(&image, &anew).expect("copied");
        // Takes the other number now, while the first is in use.
        let _holds_the_device = Mount::image(&anew, &directory.path().join("elsewhere"));
        match running {
            false => {
                assert!(agent.stop().success());
                drop(mount);
                mount = Mount::image(&anew, &at);
                agent = tail.site.run();
            }
            true => {
                drop(mount);
                tail.fence(&mut agent);
                mount = Mount::image(&anew, &at);
            }
        }
        assert_ne!(fs::metadata(&at).expect("mounted").dev(), before);
        append(&path, &text(&lines("a", 500..600)));
        tail.expect(&mut agent, lines("a", 0..600));
        assert_eq!(tail.lost_in_all(), 0, "{}", tail.own_log());
        assert!(agent.stop().success());
        drop(mount);
    }
}

// F58: without birth times and with times in whole seconds, a new file takes the inode number of a deleted one.
#[test]
#[ignore = "needs root"]
fn a_new_file_with_the_inode_of_a_deleted_one_is_another_file() {
    for inode_bytes in [256, 128] {
        let directory = tempfile::tempdir().expect("directory");
        let image = ext4(&directory, inode_bytes);
        let at = directory.path().join("volume");
        let _mount = Mount::image(&image, &at);
        let path = at.join("app.log");
        let header = "#Fields: a b\n";
        append(&path, &format!("{header}{}", text(&lines("old", 0..100))));
        let old = fs::metadata(&path).expect("there").ino();
        let mut tail = tail_of_volumes(&directory);
        let mut agent = tail.site.run();
        tail.wait_stored(&mut agent, 101);
        assert!(agent.stop().success());
        fs::remove_file(&path).expect("removed");
        append(&path, &format!("{header}{}", text(&lines("new", 0..100))));
        assert_eq!(fs::metadata(&path).expect("there").ino(), old, "ext4 gives the number again");
        let mut agent = tail.site.run();
        let headers = twice(vec![header.trim_end().to_owned()]);
        let all: Vec<String> =
            lines("old", 0..100).into_iter().chain(lines("new", 0..100)).chain(headers).collect();
        tail.expect(&mut agent, all);
        // Removed and made again while the agent looks on, again and again.
        for round in 0..10 {
            fs::remove_file(&path).expect("removed");
            append(&path, &format!("{header}{}", text(&lines(&format!("r{round}"), 0..10))));
            tail.wait_stored(&mut agent, 202 + 11 * (round + 1));
        }
        tail.fence(&mut agent);
        assert_eq!(tail.stored().get(header.trim_end()), Some(&12));
        assert_eq!(tail.stored().values().sum::<usize>(), 312);
        assert!(agent.stop().success());
    }
}

/// Hands a tree to the user `nobody`, who runs the agent.
fn give_away(path: &Path) {
    command("chown", [OsStr::new("-R"), "65534".as_ref(), path.as_os_str()]);
}

const NOBODY: &[&str] = &["setpriv", "--reuid=65534", "--clear-groups"];

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

// F67
#[test]
#[ignore = "needs root"]
fn an_unreadable_file_is_told_of_once_and_read_once_it_can_be() {
    let mut tail = Tail::with(&["logs/*"], "");
    let path = tail.log("app.log");
    append(&path, &text(&lines("a", 0..50)));
    give_away(&tail.site.path(""));
    mode(&path, 0);
    let mut agent = tail.site.run_under(NOBODY);
    tail.fence(&mut agent);
    tail.fence(&mut agent);
    assert_eq!(tail.stored().len(), 0);
    assert_eq!(tail.told("cannot read file").len(), 1, "{}", tail.own_log());
    mode(&path, 0o644);
    tail.expect(&mut agent, lines("a", 0..50));
    assert!(agent.stop().success());
}

// F68: with the descriptors open, and with most closed.
#[test]
#[ignore = "needs root"]
fn a_directory_that_cannot_be_searched_for_a_while_loses_and_repeats_nothing() {
    for open_files in [512, 8] {
        let mut tail = Tail::with(&["logs/**"], &format!("limits: {{open_files: {open_files}}}\n"));
        let inner = tail.log("inner");
        fs::create_dir(&inner).expect("directory");
        let names: Vec<String> = (0..30).map(|number| format!("f{number}")).collect();
        for who in &names {
            append(&inner.join(who), &text(&lines(who, 0..50)));
        }
        give_away(&tail.site.path(""));
        let mut agent = tail.site.run_under(NOBODY);
        tail.wait_stored(&mut agent, 1_500);
        mode(&inner, 0);
        // Root goes on writing: hints name paths that the agent may not look at.
        for round in 5..8 {
            for who in &names {
                append(&inner.join(who), &text(&lines(who, round * 10..round * 10 + 10)));
            }
            tail.fence(&mut agent);
        }
        mode(&inner, 0o755);
        let all = names.iter().flat_map(|who| lines(who, 0..80));
        tail.expect(&mut agent, all);
        assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
        assert!(agent.stop().success());
    }
}

/// Runs the agent so that of its reads of `path` those in `when` fail with `error`. `strace -D` leaves it its process id.
fn run_with_failing_reads(tail: &Tail, path: &Path, error: &str, when: &str) -> agent::Agent {
    let inject = format!("inject=pread64:error={error}:when={when}");
    let path = path.to_string_lossy();
    tail.site.run_under(&[
        "strace",
        "-D",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-P",
        &path,
        "-e",
        "trace=pread64",
        "-e",
        &inject,
    ])
}

// F70: whichever read it is that fails first, at the start or while files are compared.
#[test]
#[ignore = "needs root"]
fn reads_that_fail_for_a_while_lose_and_repeat_nothing() {
    std::thread::scope(|scope| {
        for first in 1..=8 {
            let error = if first % 2 == 0 { "EIO" } else { "ESTALE" };
            scope.spawn(move || fail_reads(error, first));
        }
    });
}

fn fail_reads(error: &str, first: u32) {
    let mut tail = Tail::new();
    let path = tail.log("app.log");
    append(&path, &text(&lines("a", 0..5_000)));
    let mut agent = tail.site.run();
    tail.wait_stored(&mut agent, 5_000);
    assert!(agent.stop().success());
    append(&path, &text(&lines("a", 5_000..6_000)));
    let mut agent = run_with_failing_reads(&tail, &path, error, &format!("{first}..{}", first + 1));
    tail.wait_stored(&mut agent, 6_000);
    for round in 0..2 {
        // Written without growing: the agent has to look whether the text is still there.
        let file = fs::OpenOptions::new().append(true).open(&path).expect("opened");
        file.set_modified(std::time::SystemTime::now()).expect("touched");
        append(&path, &text(&lines("b", round * 10..round * 10 + 10)));
        tail.wait_stored(&mut agent, 6_010 + u64::from(round) * 10);
    }
    assert!(agent.stop().success());
    let mut agent = tail.site.run();
    tail.expect(&mut agent, lines("a", 0..6_000).into_iter().chain(lines("b", 0..20)));
    assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
    assert!(agent.stop().success());
}

// F71: lower and upper layer on one file system and on two.
#[test]
#[ignore = "needs root"]
fn copy_up_of_an_overlay_repeats_nothing() {
    for two_file_systems in [false, true] {
        let directory = tempfile::tempdir().expect("directory");
        let part = |name: &str| directory.path().join(name);
        let _memory = two_file_systems.then(|| Mount::new(&["-t", "tmpfs", "tmpfs"], &part("memory")));
        let upper = if two_file_systems { part("memory/upper") } else { part("upper") };
        let work = if two_file_systems { part("memory/work") } else { part("work") };
        for path in [&part("lower"), &upper, &work] {
            fs::create_dir_all(path).expect("directory");
        }
        append(&part("lower/app.log"), &text(&lines("a", 0..500)));
        append(&part("lower/down.log"), &text(&lines("b", 0..500)));
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            part("lower").display(),
            upper.display(),
            work.display()
        );
        let at = part("volume");
        let _overlay = Mount::new(&["-t", "overlay", "overlay", "-o", &options], &at);
        let mut tail = tail_of_volumes(&directory);
        let mut agent = tail.site.run();
        tail.wait_stored(&mut agent, 1_000);
        append(&at.join("app.log"), &text(&lines("a", 500..520)));
        tail.wait_stored(&mut agent, 1_020);
        tail.fence(&mut agent);
        assert!(agent.stop().success());
        append(&at.join("down.log"), &text(&lines("b", 500..520)));
        let mut agent = tail.site.run();
        tail.expect(&mut agent, lines("a", 0..520).into_iter().chain(lines("b", 0..520)));
        assert_eq!(tail.lost_in_all(), 0, "{}", tail.own_log());
        assert!(agent.stop().success());
    }
}

// F77: the limit of a user namespace of its own, so that nobody else feels it.
#[test]
#[ignore = "needs root"]
fn with_the_watch_limit_exhausted_files_are_polled_and_that_is_told_once() {
    for (limit, told) in [
        ("max_inotify_watches", "directories can be watched"),
        ("max_inotify_instances", "cannot be watched"),
    ] {
        let mut tail = Tail::new();
        for number in 0..20 {
            fs::create_dir(tail.log(&number.to_string())).expect("directory");
        }
        let count = if limit == "max_inotify_watches" { 3 } else { 0 };
        let script = format!("echo {count} > /proc/sys/user/{limit} && exec \"$@\"");
        let mut agent =
            tail.site.run_under(&["unshare", "--user", "--map-root-user", "sh", "-c", &script, "sh"]);
        let mut all = Vec::new();
        for round in 0..5 {
            for number in 0..20 {
                let who = format!("d{number}r{round}");
                append(&tail.log(&format!("{number}/app.log")), &text(&lines(&who, 0..5)));
                all.extend(lines(&who, 0..5));
            }
            tail.wait_stored(&mut agent, all.len() as u64);
        }
        tail.expect(&mut agent, all);
        assert_eq!(tail.told(told).len(), 1, "{}", tail.own_log());
        assert_eq!((tail.repeats(), tail.lost_in_all()), (0, 0), "{}", tail.own_log());
        assert!(agent.stop().success());
    }
}
