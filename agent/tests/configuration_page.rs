//! The reference page says what the code does: it is made from the tables of keys.

use std::path::Path;

#[test]
fn configuration_page_is_made_from_the_tables_of_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let wanted = blueox::config::reference();
    if std::env::var_os("BLUEOX_WRITE_DOCS").is_some() {
        std::fs::write(&path, &wanted).expect("docs/ can be written");
    }
    let found = std::fs::read_to_string(&path).expect("docs/configuration.md can be read");
    assert!(
        found == wanted,
        "docs/configuration.md is old; run `BLUEOX_WRITE_DOCS=1 cargo test -p blueox --test configuration_page`"
    );
}
