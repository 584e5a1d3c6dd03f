//! Elastic's own server of Lumberjack, module go-lumber.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The program in `tests/go/beats-server`, built.
pub(super) fn server() -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("beats-server");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/beats-server");
    let built = Command::new("go").current_dir(source).args(["build", "-o"]).arg(&program).arg(".").output();
    let built = built.expect("go can be run");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    program
}
