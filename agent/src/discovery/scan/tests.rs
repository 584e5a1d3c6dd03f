//! Scans of real directories.

use super::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// A directory of its own, with patterns below it.
struct Place {
    temp: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { temp: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn file(&self, name: &str) {
        self.directory(Path::new(name).parent().unwrap().to_str().unwrap());
        std::fs::write(self.path(name), name).unwrap();
    }

    fn directory(&self, name: &str) {
        std::fs::create_dir_all(self.path(name)).unwrap();
    }

    fn link(&self, name: &str, target: &str) {
        symlink(self.path(target), self.path(name)).unwrap();
    }

    fn scanner(&self, patterns: &[&str]) -> Scanner {
        self.scanner_excluding(patterns, &[])
    }

    fn scanner_excluding(&self, patterns: &[&str], exclude: &[&str]) -> Scanner {
        let exclude: Vec<String> = exclude.iter().map(|text| text.to_string()).collect();
        Scanner::new([(&*self.absolute(patterns), &*exclude)]).unwrap()
    }

    fn absolute(&self, patterns: &[&str]) -> Vec<String> {
        patterns.iter().map(|pattern| format!("{}/{pattern}", self.temp.path().display())).collect()
    }

    fn names(&self, files: &[Found]) -> Vec<String> {
        let relative =
            |found: &Found| found.path.strip_prefix(self.temp.path()).unwrap().to_str().unwrap().to_owned();
        files.iter().map(relative).collect()
    }
}

#[test]
fn a_scan_finds_what_matches_with_its_facts() {
    let place = Place::new();
    place.file("app.log");
    place.file("app.txt");
    place.file("sub/app.log");
    let result = place.scanner(&["*.log"]).scan();
    assert_eq!(place.names(&result.files), ["app.log"]);
    let metadata = std::fs::metadata(place.path("app.log")).unwrap();
    let found = &result.files[0];
    assert_eq!((found.device, found.inode, found.size), (metadata.dev(), metadata.ino(), 7));
    assert_eq!(found.birth_ns, birth_ns(&metadata));
    assert!(result.warnings.is_empty() && result.incomplete.is_empty());
}

// F72: deep trees, and directories that appear with files already in them.
#[test]
fn nested_directories_are_walked_also_when_they_come_later() {
    let place = Place::new();
    let deep = format!("{}/deep.log", vec!["d"; 100].join("/"));
    place.file(&deep);
    let mut scanner = place.scanner(&["**/*.log"]);
    assert_eq!(place.names(&scanner.scan().files), [deep.as_str()]);
    place.file("new/inner/app.log");
    assert_eq!(place.names(&scanner.scan().files), [deep, "new/inner/app.log".into()]);
}

#[test]
fn a_base_that_does_not_exist_yet_is_watched_for_at_its_parent() {
    let place = Place::new();
    let mut scanner = place.scanner(&["var/log/shop/*.log"]);
    let result = scanner.scan();
    assert!(result.files.is_empty() && result.incomplete.is_empty() && result.warnings.is_empty());
    assert_eq!(result.directories.len(), 1);
    assert_eq!(result.directories[0].path, place.temp.path());
    place.directory("var");
    assert_eq!(scanner.look(&place.path("var")), Sight::Directory);
    assert_eq!(scanner.scan().directories[0].path, place.path("var"));
    place.file("var/log/shop/a.log");
    let result = scanner.scan();
    assert_eq!(place.names(&result.files), ["var/log/shop/a.log"]);
    assert_eq!(result.directories[0].path, place.path("var/log/shop"));
}

#[test]
fn only_directories_that_can_hold_matches_are_listed() {
    let place = Place::new();
    for name in ["a/app/x.log", "a/other/y/z.log", "b/app/deeper/still/x.log", "c.log"] {
        place.file(name);
    }
    let result = place.scanner(&["*/app/*.log"]).scan();
    assert_eq!(place.names(&result.files), ["a/app/x.log"]);
    let mut listed: Vec<PathBuf> = result.directories.into_iter().map(|directory| directory.path).collect();
    listed.sort();
    let expected = ["", "a", "a/app", "b", "b/app"].map(|name| place.temp.path().join(name));
    assert_eq!(listed, expected.map(|path| path.components().collect::<PathBuf>()));
}

// F87: what is excluded is not even examined.
#[test]
fn excluded_files_and_directories_are_left_alone() {
    let place = Place::new();
    for name in ["a.log", "a.tmp", "old/b.log"] {
        place.file(name);
    }
    let mut scanner = place.scanner_excluding(&["**"], &["**/*.tmp", "old/**"]);
    let result = scanner.scan();
    assert_eq!(place.names(&result.files), ["a.log"]);
    assert_eq!(result.directories.len(), 1, "`old` is not listed");
    assert_eq!(scanner.look(&place.path("a.tmp")), Sight::Nothing);
    assert_eq!(scanner.look(&place.path("old/b.log")), Sight::Nothing);
}

#[test]
fn names_need_not_be_utf_8() {
    let place = Place::new();
    let odd = place.temp.path().join(OsString::from_vec(b"caf\xe9\n\xff".to_vec()));
    std::fs::create_dir(&odd).unwrap();
    let path = odd.join(OsString::from_vec(b"\xfe.log".to_vec()));
    std::fs::write(&path, "x").unwrap();
    let mut scanner = place.scanner(&["**/*.log"]);
    let result = scanner.scan();
    assert_eq!(result.files.len(), 1);
    assert_eq!(&*result.files[0].path, path);
    assert_eq!(scanner.look(&path), Sight::Files(result.files));
}

// F62.
#[test]
fn a_swapped_link_shows_the_new_target() {
    let place = Place::new();
    place.file("targets/one");
    place.file("targets/two");
    place.link("app.log", "targets/one");
    let mut scanner = place.scanner(&["*.log"]);
    let first = scanner.scan();
    assert_eq!(place.names(&first.files), ["app.log"]);
    assert!(
        first.directories.iter().any(|directory| directory.path.ends_with("targets")),
        "writes happen there"
    );
    assert_eq!(scanner.look(&place.path("targets/one")), Sight::Files(first.files.clone()));

    std::fs::remove_file(place.path("app.log")).unwrap();
    place.link("app.log", "targets/two");
    let second = scanner.scan();
    assert_eq!(place.names(&second.files), ["app.log"]);
    assert_eq!(second.files[0].inode, std::fs::metadata(place.path("targets/two")).unwrap().ino());
    assert_eq!(scanner.look(&place.path("targets/two")), Sight::Files(second.files));
    assert_eq!(scanner.look(&place.path("targets/one")), Sight::Nothing);
}

// F63.
#[test]
fn a_dangling_link_is_followed_once_its_target_appears() {
    let place = Place::new();
    place.link("app.log", "target");
    let mut scanner = place.scanner(&["*.log"]);
    for _ in 0..2 {
        let nothing = scanner.scan();
        assert!(nothing.files.is_empty() && nothing.warnings.is_empty());
        assert!(nothing.covers(&place.path("app.log")), "its absence is certain");
        place.file("target");
        assert_eq!(place.names(&scanner.scan().files), ["app.log"]);
        std::fs::remove_file(place.path("target")).unwrap();
    }
}

// F64.
#[test]
fn several_names_of_a_file_are_one_file_and_one_warning() {
    let place = Place::new();
    place.file("m.log");
    place.link("a.log", "m.log");
    place.link("b.log", "m.log");
    std::fs::hard_link(place.path("m.log"), place.path("n.log")).unwrap();
    let mut scanner = place.scanner(&["*.log"]);
    let result = scanner.scan();
    assert_eq!(place.names(&result.files), ["m.log"], "the lowest name that is no link");
    assert!(!result.warnings.is_empty());
    assert!(result.warnings.iter().all(|warning| matches!(warning, Warning::SeveralPaths { .. })));
    assert!(scanner.scan().warnings.is_empty(), "told once");
    for other in ["a.log", "b.log", "n.log"] {
        assert_eq!(scanner.look(&place.path(other)), Sight::Files(result.files.clone()), "{other}");
    }
}

#[test]
fn a_renamed_file_is_known_by_its_new_name_at_once() {
    let place = Place::new();
    place.file("app.log");
    let mut scanner = place.scanner(&["app.log*"]);
    let inode = scanner.scan().files[0].inode;
    std::fs::rename(place.path("app.log"), place.path("app.log.1")).unwrap();
    place.file("app.log");
    let Sight::Files(files) = scanner.look(&place.path("app.log.1")) else { panic!("not seen") };
    assert_eq!((place.names(&files), files[0].inode), (vec!["app.log.1".to_owned()], inode));
    let Sight::Files(files) = scanner.look(&place.path("app.log")) else { panic!("not seen") };
    assert_ne!(files[0].inode, inode);
    assert!(scanner.scan().warnings.is_empty());
}

// F65.
#[test]
fn directories_that_lead_into_themselves_end_the_walk_with_one_warning() {
    let place = Place::new();
    place.file("a/b/app.log");
    place.link("a/b/up", "a");
    place.link("a/self", "a/self");
    let mut scanner = place.scanner(&["**/*.log"]);
    let result = scanner.scan();
    assert_eq!(place.names(&result.files), ["a/b/app.log"]);
    let loops = result.warnings.iter().filter(|warning| matches!(warning, Warning::Loop { .. }));
    assert_eq!(loops.count(), 1, "{:?}", result.warnings);
    assert!(scanner.scan().warnings.is_empty());
}

// F65: each sibling links to all others, so the number of ways through them is a factorial.
#[test]
fn links_among_siblings_do_not_multiply_without_bound() {
    let place = Place::new();
    for one in 0..12 {
        place.file(&format!("{one}/app.log"));
        for other in (0..12).filter(|other| *other != one) {
            place.link(&format!("{one}/to-{other}"), &other.to_string());
        }
    }
    let result = place.scanner(&["**/*.log"]).scan();
    assert_eq!(result.files.len(), 12, "walked before any link");
    let limited = Warning::TooMany { what: "directories behind links", limit: MAX_LINKED_DIRECTORIES };
    assert!(result.warnings.contains(&limited) || result.warnings.contains(&Warning::TooManyWarnings));
    assert!(!result.covers(&place.path("0/gone.log")), "nothing is concluded from a scan that was cut short");
}

// A directory under two names serves patterns under both.
#[test]
fn a_linked_directory_is_entered_under_each_name_that_matches() {
    let place = Place::new();
    place.file("data/a/one.log");
    place.file("data/b/two.log");
    place.link("other", "data");
    let mut scanner = place.scanner(&["data/a/*.log", "other/b/*.log"]);
    let result = scanner.scan();
    assert_eq!(place.names(&result.files), ["data/a/one.log", "other/b/two.log"]);
    assert!(result.warnings.is_empty());

    let mut scanner = place.scanner(&["data/*/*.log", "other/*/*.log"]);
    assert_eq!(place.names(&scanner.scan().files), ["data/a/one.log", "data/b/two.log"]);
}

// The kernel watches a directory under one name only; hints for it reach files matched under another.
#[test]
fn hints_reach_files_matched_under_another_name_of_the_directory() {
    let place = Place::new();
    place.file("data/x/app.log");
    place.link("other", "data/x");
    let mut scanner = place.scanner(&["data/x/none.log", "other/*.log"]);
    let result = scanner.scan();
    assert_eq!(place.names(&result.files), ["other/app.log"]);
    assert!(result.directories.iter().all(|directory| !directory.path.ends_with("other")));
    assert_eq!(scanner.look(&place.path("data/x/app.log")), Sight::Files(result.files));
}

// F66: nothing here is ever opened, so nothing can block.
#[test]
fn what_cannot_be_tailed_is_skipped_with_one_warning() {
    let place = Place::new();
    place.directory("directory.log");
    assert!(std::process::Command::new("mkfifo").arg(place.path("fifo.log")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(place.path("socket.log")).unwrap();
    symlink("/dev/null", place.path("device.log")).unwrap();
    place.file("file.log");
    let mut scanner = place.scanner(&["*.log"]);
    let mut result = scanner.scan();
    assert_eq!(place.names(&result.files), ["file.log"]);
    result.warnings.sort_by_key(|warning| warning.to_string());
    let kinds: Vec<_> = result
        .warnings
        .iter()
        .map(|warning| match warning {
            Warning::NotAFile { kind, .. } => *kind,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(kinds, ["device", "directory", "FIFO", "socket"]);
    assert!(scanner.scan().warnings.is_empty());
    assert_eq!(scanner.look(&place.path("fifo.log")), Sight::Nothing);
}

// F86: each input reads the file, and says so.
#[test]
fn a_file_of_two_inputs_is_found_once_for_each_with_a_warning() {
    let place = Place::new();
    place.file("app.log");
    let patterns = place.absolute(&["*.log"]);
    let mut scanner = Scanner::new([(&*patterns, &[][..]), (&*patterns, &[][..])]).unwrap();
    let result = scanner.scan();
    assert_eq!(result.files.iter().map(|found| found.input).collect::<Vec<_>>(), [0, 1]);
    let path = place.path("app.log");
    assert_eq!(result.warnings, [Warning::SeveralInputs { path: path.clone(), first: 0, other: 1 }]);
    assert_eq!(scanner.look(&path), Sight::Files(result.files));
}

// F68: as for any other error than "not there". A link to itself and an overlong name fail also for root.
#[test]
fn what_cannot_be_looked_at_is_not_taken_for_deleted() {
    let place = Place::new();
    place.file("a.log");
    place.link("loop.log", "loop.log");
    let overlong = format!("{}/*.log", "x".repeat(300));
    let mut scanner = place.scanner(&["*.log", &overlong]);
    let result = scanner.scan();
    assert_eq!(place.names(&result.files), ["a.log"]);
    assert!(result.covers(&place.path("gone.log")));
    for unseen in [place.path("loop.log"), place.path(&overlong)] {
        assert!(!result.covers(&unseen), "{}", unseen.display());
    }
    assert!(result.warnings.iter().all(|warning| matches!(warning, Warning::Unreadable { .. })));
    assert_eq!(result.warnings.len(), 2);
    assert!(scanner.scan().warnings.is_empty(), "told once");
}

// F67, F68. Root passes every mode, so as root this shows only that nothing is said without need.
#[test]
fn files_below_a_closed_directory_are_kept_until_it_opens() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.file("open/a.log");
    place.file("shut/b.log");
    let mut scanner = place.scanner(&["**/*.log"]);
    let set_mode = |mode| std::fs::set_permissions(place.path("shut"), PermissionsExt::from_mode(mode));
    // 0: not to be listed. 0o400: its names can be listed, what they name cannot be examined.
    for mode in [0, 0o400] {
        set_mode(mode).unwrap();
        let result = scanner.scan();
        set_mode(0o755).unwrap();
        let closed = !rustix::process::geteuid().is_root();
        assert_eq!(result.files.len(), if closed { 1 } else { 2 });
        assert_eq!(result.covers(&place.path("shut/b.log")), !closed);
        assert_eq!(result.warnings.len(), usize::from(closed));
        let result = scanner.scan();
        assert_eq!(result.files.len(), 2);
        assert!(result.warnings.is_empty() && result.covers(&place.path("shut/b.log")));
    }
}

// F53: met under the old and the new name in one walk, with a name that is gone by now.
#[test]
fn a_rename_during_the_walk_is_not_two_files() {
    let place = Place::new();
    place.file("b.log");
    let metadata = std::fs::metadata(place.path("b.log")).unwrap();
    let name = |path: &str| Name {
        found: found(place.path(path).into(), &metadata, 0),
        linked: false,
        links: metadata.nlink(),
    };
    for (first, second) in [("a.log", "b.log"), ("b.log", "a.log")] {
        let mut warnings = Vec::new();
        let files = merge(vec![name(first), name(second)], &mut Told::default(), &mut warnings);
        assert_eq!(place.names(&files), ["b.log"]);
        assert!(warnings.is_empty());
    }
}

// F73, F74: the cost is bounded by calls, not by a clock: what does not match is not examined.
#[test]
fn thousands_of_files_are_found_in_order() {
    let place = Place::new();
    let mut expected: Vec<String> = (0..3000).map(|number| format!("{number}.log")).collect();
    for name in &expected {
        std::fs::write(place.path(name), "").unwrap();
        std::fs::write(place.path(&format!("{name}.old")), "").unwrap();
    }
    expected.sort();
    assert_eq!(place.names(&place.scanner(&["*.log"]).scan().files), expected);
}
