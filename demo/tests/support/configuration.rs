//! Configurations of agents that run elsewhere.

use blueox::config::{Config, Environment};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// Loads the text of a file whose key, if it has one, lies at `key_at`; it has to be valid, and warned of for exactly these keys.
pub fn valid(text: &str, key_at: Option<&str>, variables: &[(&str, &str)], warned: &[&str]) -> Config {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (file, key) = (directory.path().join("blueox.yaml"), directory.path().join("api-key"));
    fs::write(&key, "id:key\n").expect("a key");
    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("its mode");
    let text = match key_at {
        None => text.to_owned(),
        Some(key_at) => {
            assert!(text.contains(key_at), "{text}");
            text.replace(key_at, key.to_str().expect("text"))
        }
    };
    fs::write(&file, text).expect("a configuration");
    let checked = Config::load(&file, &Environment::of(variables)).unwrap_or_else(|error| panic!("{error}"));
    let keys: Vec<&str> = checked.warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert_eq!(keys, warned, "{:?}", checked.warnings);
    checked.config
}
