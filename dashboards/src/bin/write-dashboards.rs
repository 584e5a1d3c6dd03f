//! Writes the files of the boards into the folder of this crate, or the folder given.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder =
        std::env::args_os().nth(1).map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    for file in dashboards::kibana::files() {
        let path = folder.join(&file.name);
        std::fs::write(&path, file.ndjson)?;
        println!("{}", path.display());
    }
    Ok(())
}
