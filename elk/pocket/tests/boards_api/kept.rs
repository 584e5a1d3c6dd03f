//! Imported boards outlive the process, and a damaged file of them does not keep it from starting.

use crate::direct::{Direct, XSRF};
use crate::markdown;
use crate::support::Server;
use std::fs;
use std::path::{Path, PathBuf};

fn api(server: &Server) -> Direct {
    Direct::to(server.page().parse().unwrap())
}

fn texts(folder: &Path, place: &str) -> Vec<String> {
    let paths = fs::read_dir(folder.join(place)).into_iter().flatten().map(|entry| entry.unwrap().path());
    let named = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("boards.ndjson");
    paths.filter(named).map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn imports_and_deletions_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    assert_eq!(api(&server).import(&markdown("mine", "# Hello"), "", &XSRF).1["success"], true);
    assert_eq!(api(&server).import(&markdown("gone", "text"), "", &XSRF).1["success"], true);
    for id in ["gone", "app-errors"] {
        let target = format!("/api/saved_objects/dashboard/{id}");
        assert_eq!(api(&server).exchange("DELETE", &target, &XSRF, b"").status, 200);
    }
    // Killed: what was answered is on the disk.
    drop(server);
    let server = Server::start(folder.path());
    assert_eq!(api(&server).get("/api/boards/mine").1["panels"][0]["text"][0]["nodes"][0], "Hello");
    for (id, status) in [("gone", 404), ("app-errors", 404), ("app-logs", 200)] {
        assert_eq!(api(&server).get(&format!("/api/boards/{id}")).0, status, "{id}");
    }
    // What comes with the program is left to the program.
    let kept = texts(folder.path(), "").remove(0);
    assert_eq!(kept.lines().count(), 2, "{kept}");
    let import = dashboards::kibana::import();
    assert_eq!(api(&server).import(&import, "?overwrite=true", &XSRF).1["success"], true);
    drop(server);
    let server = Server::start(folder.path());
    assert_eq!(api(&server).get("/api/boards/app-errors").0, 200);
    assert_eq!(texts(folder.path(), "").remove(0).lines().count(), 2);
}

#[test]
fn a_damaged_file_is_put_aside_and_the_rest_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    assert_eq!(api(&server).import(&markdown("mine", "text"), "", &XSRF).1["success"], true);
    drop(server);
    let whole = texts(folder.path(), "").remove(0);
    let cut = &whole[..whole.len() / 2];
    fs::write(folder.path().join("boards.ndjson"), cut).unwrap();
    let server = Server::start(folder.path());
    assert_eq!(api(&server).get("/api/boards/mine").0, 404);
    assert_eq!(api(&server).get("/api/boards").1["boards"].as_array().unwrap().len(), 5);
    assert_eq!(texts(folder.path(), "quarantine"), [cut]);
    // Boards can be imported again, and are kept.
    assert_eq!(api(&server).import(&markdown("mine", "text"), "", &XSRF).1["success"], true);
    assert_eq!(texts(folder.path(), ""), [whole]);
}

#[test]
fn what_cannot_be_kept_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    // In the way of the file that is written beside.
    fs::create_dir(folder.path().join("boards.new")).unwrap();
    let (status, told) = api(&server).import(&markdown("mine", "text"), "", &XSRF);
    assert_eq!(status, 507, "{told}");
    assert!(told["message"].as_str().unwrap().contains("nothing was changed"), "{told}");
    assert_eq!(api(&server).get("/api/boards/mine").0, 404);
    fs::remove_dir(folder.path().join("boards.new")).unwrap();
    assert_eq!(api(&server).import(&markdown("mine", "text"), "", &XSRF).0, 200);
    assert_eq!(api(&server).get("/api/boards/mine").0, 200);
}
