//! Log-ins and other secrets: from the file, from a file of their own, from the environment.

use super::document::Value;
use super::key::{Key, Kind, key};
use super::mistake::{Mistake, Place, shown, shown_path};
use super::section::{Field, Section};
use super::source::read_small;
use super::{Environment, Login, Secret};
use base64::Engine;
use std::path::Path;

/// Largest secret in bytes; headers are bounded too.
const SECRET_BYTES_MAX: u64 = 8192;

static FROM_FILE: [Key; 1] = [key(
    "file",
    Kind::Text { default: "none" },
    "File that holds the secret; one line end behind it is ignored.",
)];

/// A secret written in place or as `{file: PATH}`. No message repeats any of it.
pub(super) fn secret(field: &Field<'_>) -> Option<Secret> {
    let text = match &field.node.value {
        Value::Map(_) => from_file(field)?,
        Value::List(_) => {
            field.mistake("expected text, found a list", "write the text, or `{file: PATH}`");
            return None;
        }
        Value::Scalar { .. } => field.text()?,
    };
    match usable(&text) {
        Ok(()) => Some(Secret::new(text)),
        Err((found, remedy)) => {
            field.mistake(found, remedy);
            None
        }
    }
}

fn from_file(field: &Field<'_>) -> Option<String> {
    let section = Section::open(field.walk(), &field.path, field.node, &FROM_FILE);
    let Some(file) = section.field("file") else {
        section.missing("file", "write `{file: PATH}`");
        return None;
    };
    let path = file.path()?;
    match read_small(&path, SECRET_BYTES_MAX) {
        Ok((text, mode)) => {
            warn_of_wide_mode(file, &path, mode);
            Some(without_line_end(text))
        }
        Err((found, remedy)) => {
            file.mistake(found, remedy);
            None
        }
    }
}

/// Warns where others than owner and group may read a file that holds a secret.
pub(super) fn warn_of_wide_mode(field: &Field<'_>, path: &Path, mode: u32) {
    if mode & 0o007 != 0 {
        let path = shown_path(path);
        field.warn(
            format!("everyone on this machine can use the secret in `{path}` (mode {mode:04o})"),
            format!("run `chmod 600 {path}`"),
        );
    }
}

fn without_line_end(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

/// A secret goes into a header: it needs a length and no control characters.
fn usable(text: &str) -> Result<(), (&'static str, &'static str)> {
    if text.is_empty() {
        return Err(("is empty", "give it a value or remove the key"));
    }
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(("is longer than 8192 bytes", "check that it is the right text"));
    }
    if text.chars().any(char::is_control) {
        return Err((
            "holds a line break or another control character",
            "write it on one line, without blanks at its end",
        ));
    }
    Ok(())
}

/// Whether an API key has one of the two forms Elasticsearch hands out: `id:key`, or base64 of that.
pub(super) fn looks_like_api_key(text: &str) -> bool {
    let decoded = base64::engine::general_purpose::STANDARD.decode(text);
    text.contains(':') || decoded.is_ok_and(|bytes| bytes.contains(&b':'))
}

/// The log-in of an output: at most one kind of it.
pub(super) fn login(section: &Section<'_>, from_url: Option<(String, Secret)>) -> Login {
    let api_key = section.secret("api_key");
    let kinds =
        [section.has("api_key"), section.has("username") || section.has("password"), from_url.is_some()];
    if kinds.iter().filter(|given| **given).count() > 1 {
        section.walk.mistake(
            section.at,
            &section.path,
            "two log-ins at once",
            "keep one of: `api_key`, `username` with `password`, or the log-in of the URL",
        );
        return Login::None;
    }
    if let (Some(field), Some(key)) = (section.field("api_key"), &api_key)
        && !looks_like_api_key(key.reveal())
    {
        field.warn(
            "is neither `id:key` nor base64 of that",
            "use the `encoded` value of the answer that created the key",
        );
    }
    match api_key {
        Some(key) => Login::ApiKey(key),
        None => named(section, from_url),
    }
}

/// User name and password, where there is no API key to choose.
pub(super) fn basic(section: &Section<'_>, from_url: Option<(String, Secret)>) -> Login {
    if from_url.is_some() && (section.has("username") || section.has("password")) {
        section.walk.mistake(
            section.at,
            &section.path,
            "two log-ins at once",
            "keep one of: `username` with `password`, or the log-in of the URL",
        );
        return Login::None;
    }
    named(section, from_url)
}

fn named(section: &Section<'_>, from_url: Option<(String, Secret)>) -> Login {
    let (username, password) = (section.text("username"), section.secret("password"));
    match (section.has("username"), section.has("password")) {
        (true, false) => section.missing("password", "a `username` needs its `password`"),
        (false, true) => section.missing("username", "a `password` needs its `username`"),
        _ => {}
    }
    if let (Some(field), Some(name)) = (section.field("username"), &username)
        && let Some(problem) = bad_username(name)
    {
        field.mistake(problem, "check the name");
    }
    match (username, password, from_url) {
        (Some(username), Some(password), _) => Login::Basic { username, password },
        (.., Some((username, password))) => Login::Basic { username, password },
        _ => Login::None,
    }
}

fn bad_username(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty");
    }
    (name.contains(':') || name.chars().any(char::is_control))
        .then_some("holds a colon or a control character")
}

/// The log-in of `--to`: `BLUEOX_API_KEY`, or `BLUEOX_USERNAME` with `BLUEOX_PASSWORD`, each also as `…_FILE`.
pub(super) fn from_environment(
    environment: &Environment<'_>,
    mistakes: &mut Vec<Mistake>,
    warnings: &mut Vec<Mistake>,
) -> Login {
    let mut take = |name: &str| match variable(environment, name) {
        Ok((text, warning)) => {
            warnings.extend(warning);
            text
        }
        Err(mistake) => {
            mistakes.push(*mistake);
            None
        }
    };
    let (api_key, username, password) =
        (take("BLUEOX_API_KEY"), take("BLUEOX_USERNAME"), take("BLUEOX_PASSWORD"));
    match (api_key, username, password) {
        (Some(key), None, None) => Login::ApiKey(Secret::new(key)),
        (None, Some(username), Some(password)) => match bad_username(&username) {
            Some(problem) => {
                mistakes.push(of_environment("BLUEOX_USERNAME", problem, "check the name"));
                Login::None
            }
            None => Login::Basic { username, password: Secret::new(password) },
        },
        (None, None, None) => Login::None,
        (Some(_), _, _) => {
            let remedy = "set either `BLUEOX_API_KEY` or `BLUEOX_USERNAME` with `BLUEOX_PASSWORD`";
            mistakes.push(of_environment("BLUEOX_API_KEY", "two log-ins at once", remedy));
            Login::None
        }
        (None, username, _) => {
            let missing = if username.is_some() { "BLUEOX_PASSWORD" } else { "BLUEOX_USERNAME" };
            let usable = mistakes.is_empty();
            if usable {
                mistakes.push(of_environment(missing, "is not set", "user name and password go together"));
            }
            Login::None
        }
    }
}

/// A variable's text, or that of the file its `…_FILE` names. Empty ones count as not set.
pub(super) fn variable(
    environment: &Environment<'_>,
    name: &str,
) -> Result<(Option<String>, Option<Mistake>), Box<Mistake>> {
    let file_name = format!("{name}_FILE");
    let (text, file) = (environment.text(name)?, environment.text(&file_name)?);
    let (text, warning) = match (text, file) {
        (Some(_), Some(_)) => {
            let found = format!("`{name}` and `{file_name}` are both set");
            return Err(Box::new(of_environment(name, &found, "set one of them")));
        }
        (text, None) => (text, None),
        (None, Some(path)) => {
            let path = Path::new(&path);
            let (text, mode) = read_small(path, SECRET_BYTES_MAX)
                .map_err(|(found, remedy)| of_environment(&file_name, &found, &remedy))?;
            let wide = (mode & 0o007 != 0).then(|| {
                let found =
                    format!("everyone on this machine can use the secret in {}", shown(&shown_path(path)));
                of_environment(&file_name, &found, "set its mode to 600")
            });
            (Some(without_line_end(text)), wide)
        }
    };
    if let Some(text) = &text {
        usable(text).map_err(|(found, remedy)| of_environment(name, found, remedy))?;
    }
    Ok((text, warning))
}

fn of_environment(name: &str, found: &str, remedy: &str) -> Mistake {
    Mistake { place: Place::Environment, key: name.into(), found: found.into(), remedy: remedy.into() }
}
