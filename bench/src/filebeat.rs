//! Filebeat 7.17, the last version that its Go module alone builds: a peer in [`crate::peers`] and the reference client of
//! tests. Needs Go.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const MODULE: &str = "github.com/elastic/beats/v7";
const VERSION: &str = "v7.17.29";

/// Builds it into `folder`; what was built there before is only looked through by Go. Its path.
pub fn build(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("make `{}`", folder.display()))?;
    let folder = std::path::absolute(folder)?;
    let mut download = Command::new("go");
    download.args(["mod", "download", "-json", &format!("{MODULE}@{VERSION}")]).current_dir(&folder);
    let fetched: Value = serde_json::from_slice(&output_of(&mut download)?)?;
    let source = fetched["Dir"].as_str().context("Go did not say where the module is")?;
    let program = folder.join(VERSION);
    let mut build = Command::new("go");
    // In the module itself, for only there the replacements of its go.mod are in force.
    build.args(["build", "-o"]).arg(&program).arg("./filebeat").current_dir(source);
    output_of(&mut build)?;
    Ok(program)
}

/// How to start it with a configuration and everything of its own in `home`.
pub fn command(program: &Path, home: &Path, config: &Value) -> Result<Command> {
    let path = home.join("filebeat.yml");
    // JSON is YAML.
    fs::write(&path, config.to_string()).with_context(|| format!("write `{}`", path.display()))?;
    let mut command = Command::new(program);
    // It takes no configuration that others may write.
    command.arg("--strict.perms=false").arg("-c").arg(&path).arg("--path.home").arg(home);
    Ok(command)
}

fn output_of(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}\n{said}", output.status);
    Ok(output.stdout)
}
