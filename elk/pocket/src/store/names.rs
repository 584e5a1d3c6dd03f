//! Names an index may have.

use super::ApiError;

/// Fails for a name Elasticsearch would not take.
pub fn check_name(name: &str) -> Result<(), ApiError> {
    let problem = if name.is_empty() {
        "must not be empty"
    } else if name.chars().any(char::is_uppercase) {
        "must be lowercase"
    } else if name.contains(['\\', '/', '*', '?', '"', '<', '>', '|', ' ', ',', '#', ':']) {
        "must not contain the following characters [' ','\"','*','\\\\','<','|',',','>','/','?',':','#']"
    } else if name.starts_with(['_', '-', '+']) {
        "must not start with '_', '-', or '+'"
    } else if name.len() > 255 {
        "index name is too long"
    } else if name == "." || name == ".." {
        "must not be '.' or '..'"
    } else {
        return Ok(());
    };
    let shown: String = name.chars().take(300).collect();
    let error = ApiError::new(
        400,
        "invalid_index_name_exception",
        format!("Invalid index name [{shown}], {problem}"),
    );
    Err(error.of_index(&shown, "_na_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for name in ["logs-app-default", ".ds-x-000001", "a.b", "größe"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["Upper-Case", "", "a*", "_x", "-x", "..", "a b", "a/b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        let error = check_name("Upper-Case").unwrap_err();
        assert_eq!(error.reason, "Invalid index name [Upper-Case], must be lowercase");
    }
}
