//! Copies the script of Apache ECharts out of the source of the crate `charming`, which carries it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const SCRIPT: &str = "src/asset/echarts-5.5.1.min.js";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.toml");
    let script = charming()?.join(SCRIPT);
    let target = Path::new(&env::var("OUT_DIR")?).join("echarts.js");
    fs::copy(&script, target).map_err(|error| {
        let script = script.display();
        format!("cannot copy `{script}`: {error}; was `charming` changed to a version with another ECharts?")
    })?;
    Ok(())
}

/// The folder of the crate.
fn charming() -> Result<PathBuf, Box<dyn Error>> {
    // Everything that is compiled has been fetched by now, so the network is asked only where that did not do.
    let metadata = metadata(&["--offline"]).or_else(|_| metadata(&[]))?;
    let packages = metadata["packages"].as_array().ok_or("`cargo metadata` lists no packages")?;
    let package = packages.iter().find(|package| package["name"] == "charming");
    let manifest = package.and_then(|package| package["manifest_path"].as_str());
    let manifest = manifest.ok_or("`cargo metadata` does not know `charming`")?;
    Ok(Path::new(manifest).parent().ok_or("`charming` has no folder")?.to_owned())
}

fn metadata(more: &[&str]) -> Result<serde_json::Value, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--filter-platform"])
        .arg(env::var("TARGET")?)
        .args(more)
        .current_dir(env::var("CARGO_MANIFEST_DIR")?)
        .output()?;
    if !output.status.success() {
        return Err(format!("`cargo metadata`: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
