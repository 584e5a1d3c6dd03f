//! `output.elasticsearch.index`: a name, or a name with the event's date in it.

use super::mistake::shown;

/// Date patterns an index name may hold: the parts, and what separates them.
const PARTS: [&str; 4] = ["yyyy", "MM", "dd", "HH"];

/// Checks a template such as `shop-%{+yyyy.MM.dd}`. A literal prefix is required, so that no event decides alone where it
/// goes. The error is finding and remedy.
pub(super) fn check(template: &str) -> Result<(), (String, &'static str)> {
    let example = "write a name such as `shop-%{+yyyy.MM.dd}`";
    if template.is_empty() {
        return Err(("is empty".into(), "give it a name, or `null` for the data stream"));
    }
    let mut literal = String::new();
    let mut rest = template;
    while let Some(start) = rest.find("%{") {
        literal.push_str(&rest[..start]);
        if literal.is_empty() {
            return Err((format!("{} begins with a variable part", shown(template)), example));
        }
        let inside = &rest[start + 2..];
        let Some(end) = inside.find('}') else {
            return Err((format!("{}: `%{{` is not closed by `}}`", shown(template)), example));
        };
        check_date(&inside[..end])?;
        literal.push('0');
        rest = &inside[end + 1..];
    }
    literal.push_str(rest);
    check_name(&literal)
}

fn check_date(inside: &str) -> Result<(), (String, &'static str)> {
    let remedy = "only dates are allowed, made of yyyy, MM, dd and HH, such as `%{+yyyy.MM.dd}`";
    let problem = || (format!("`%{{…}}` holds {}", shown(inside)), remedy);
    let mut rest = inside.strip_prefix('+').filter(|rest| !rest.is_empty()).ok_or_else(problem)?;
    while !rest.is_empty() {
        rest = PARTS
            .iter()
            .find_map(|part| rest.strip_prefix(part))
            .or_else(|| rest.strip_prefix(['.', '-', '_']))
            .ok_or_else(problem)?;
    }
    Ok(())
}

/// Elasticsearch's rules for index names (Create index API, path parameter `<index>`).
fn check_name(name: &str) -> Result<(), (String, &'static str)> {
    if name.chars().any(char::is_uppercase) {
        return Err((format!("{} is not lower case", shown(name)), "write it in lower case"));
    }
    if name.chars().any(|c| c.is_control() || "\\/*?\"<>| ,#:".contains(c)) {
        return Err((
            format!("{} holds a character that index names do not allow", shown(name)),
            "leave out `\\/*?\"<>| ,#:`",
        ));
    }
    if name.starts_with(['-', '_', '+']) || name == "." || name == ".." {
        return Err((format!("{} is no index name", shown(name)), "begin it with a letter or a digit"));
    }
    if name.len() > 200 {
        return Err(("is longer than 200 bytes".into(), "choose a shorter name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_need_a_literal_prefix_and_hold_dates_only() {
        for template in
            ["shop", "shop-%{+yyyy.MM.dd}", "a%{+yyyy-MM}", "a-%{+yyyyMMddHH}-b", "2024-01-01", ".hidden"]
        {
            assert_eq!(check(template), Ok(()), "{template}");
        }
        for (template, words) in [
            ("", "empty"),
            ("%{+yyyy}", "begins with a variable part"),
            ("%{service.name}-x", "begins with a variable part"),
            ("a-%{service.name}", "holds `service.name`"),
            ("a-%{+yyyy", "not closed"),
            ("a-%{+YYYY}", "holds `+YYYY`"),
            ("a-%{+}", "holds `+`"),
            ("Shop", "not lower case"),
            ("a b", "character"),
            ("a/b", "character"),
            ("_bulk", "no index name"),
            ("..", "no index name"),
        ] {
            let (found, _) = check(template).expect_err(template);
            assert!(found.contains(words), "{template}: {found}");
        }
        assert!(check(&"x".repeat(201)).is_err());
    }
}
