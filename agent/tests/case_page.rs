//! docs/cases.md claims nothing that no test holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Most cases in scope that may wait for their test.
const MAX_DEFERRED: usize = 15;

/// Cases of loss, repetition and damage: these may not wait.
const NEVER_DEFERRED: &str = "F01 F02 F03 F04 F05 F06 F12 F31 F32 F35 F37 F38 F39 F40 F41 F42 F43 F44 F45 F46 F47 F48 F49 \
    F56 F57 F58 F60 F61 F69 F70 F71 F72 F78 F82 F83 F84 \
    E02 E09 E10 E11 E12 E13 E17 E18 E20 E22 E23 E27 E28 E29 E30 E31 E32 E33 E34 E35 E48 E53 E57 \
    Q21 Q23 Q24 Q25 Q26 Q27 Q28 Q29 Q37 Q38 Q39";

/// The page.
#[derive(Default)]
struct Page {
    /// Case → names of its tests, with their modules.
    tested: BTreeMap<String, Vec<String>>,
    deferred: BTreeSet<String>,
    not_applicable: BTreeSet<String>,
}

impl Page {
    fn read() -> Self {
        let text = std::fs::read_to_string(root().join("docs/cases.md")).expect("docs/cases.md can be read");
        let mut page = Self::default();
        let mut section = "";
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("## ") {
                section = title;
                continue;
            }
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let ids: Vec<&str> = cells[0].split(", ").filter(|id| is_id(id)).collect();
            for id in ids {
                page.take(section, id, &cells);
            }
        }
        page
    }

    fn take(&mut self, section: &str, id: &str, cells: &[&str]) {
        let known =
            self.tested.contains_key(id) || self.deferred.contains(id) || self.not_applicable.contains(id);
        assert!(!known, "{id} stands twice on the page");
        assert!(cells[1].len() > 1, "{id} has no outcome or reason");
        match section {
            "Deferred" => _ = self.deferred.insert(id.into()),
            "Not applicable" => _ = self.not_applicable.insert(id.into()),
            _ => {
                let tests = cells.last().expect("a row has cells").split(", ");
                let tests = tests.map(|test| test.trim_matches('`').to_owned());
                self.tested.insert(id.into(), tests.collect());
            }
        }
    }
}

/// One of the letters of the catalogue, or `I` for cases of inputs beyond it, and two digits.
fn is_id(word: &str) -> bool {
    let letters = b"FELQCI";
    matches!(word.as_bytes(), [letter, a, b] if letters.contains(letter) && a.is_ascii_digit() && b.is_ascii_digit())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Rust files below a directory: path without extension, and text.
fn sources(directory: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry")) {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "case_page.rs" {
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            found.push((path.with_extension("").to_string_lossy().into_owned(), text));
        }
    }
}

fn all_sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for directory in ["agent/src", "agent/tests"] {
        sources(&root().join(directory), &mut found);
    }
    found
}

/// Every id in a comment of its own line.
fn commented(sources: &[(String, String)]) -> BTreeSet<&str> {
    let lines = sources.iter().flat_map(|(_, text)| text.lines());
    let comments = lines.map(str::trim_start).filter(|line| line.starts_with("//"));
    comments
        .flat_map(|line| line.split(|char: char| !char.is_ascii_alphanumeric()))
        .filter(|word| is_id(word))
        .collect()
}

/// Whether `a::b::name` is a function in the file of module `a::b`.
fn exists(test: &str, sources: &[(String, String)]) -> bool {
    let Some((module, name)) = test.rsplit_once("::") else { return false };
    let module = format!("/{}", module.replace("::", "/"));
    let of_module = |path: &str| {
        let path = path.strip_suffix("/tests").or(path.strip_suffix("/mod")).unwrap_or(path);
        path.ends_with(&module)
    };
    sources.iter().any(|(path, text)| of_module(path) && text.contains(&format!("fn {name}(")))
}

#[test]
fn every_case_on_the_page_has_its_comment_and_its_tests_in_the_tree() {
    let (page, sources) = (Page::read(), all_sources());
    let commented = commented(&sources);
    assert!(page.tested.len() > 100, "the page cannot be read: {} cases", page.tested.len());
    let mut wrong = Vec::new();
    for (id, tests) in &page.tested {
        if !commented.contains(id.as_str()) {
            wrong.push(format!("{id}: no comment names it"));
        }
        wrong.extend(
            tests.iter().filter(|test| !exists(test, &sources)).map(|test| format!("{id}: no {test}")),
        );
    }
    assert!(wrong.is_empty(), "docs/cases.md claims what is not there:\n{}", wrong.join("\n"));
}

#[test]
fn few_cases_wait_for_their_test_and_none_of_loss_or_repetition() {
    let page = Page::read();
    let count = page.deferred.len();
    assert!(count <= MAX_DEFERRED, "{count} cases are deferred, {MAX_DEFERRED} may be");
    let missing: Vec<&str> =
        NEVER_DEFERRED.split_whitespace().filter(|id| !page.tested.contains_key(*id)).collect();
    assert!(missing.is_empty(), "these need a test: {missing:?}");
}
