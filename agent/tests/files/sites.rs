//! Sites whose inputs differ from the usual one.

use crate::agent::Site;
use std::fmt::Display;
use std::path::Path;

/// A site with these `inputs` (YAML, one `- …` an input, indented by two), sending to `url`. `inputs` is given the directory
/// of the logs.
pub(crate) fn with_inputs(url: &str, inputs: impl FnOnce(&Path) -> String) -> Site {
    with(url, "{linger: 20ms}", inputs)
}

/// As [`with_inputs`], with the `bulk` section (YAML, in braces) stated.
pub(crate) fn with(url: &str, bulk: impl Display, inputs: impl FnOnce(&Path) -> String) -> Site {
    let output = format!("elasticsearch:\n    hosts: [{url:?}]\n    bulk: {bulk}\n");
    with_output(output, inputs)
}

/// A site with this `output` (YAML, indented by two).
pub(crate) fn with_output(output: impl Display, inputs: impl FnOnce(&Path) -> String) -> Site {
    Site::with_config(|site| {
        format!(
            "host: {{id: test}}\n\
             inputs:\n{}\n\
             output:\n  {output}\n\
             state: {{path: {:?}}}\n\
             monitoring: {{listen: {:?}, events: false}}\n",
            inputs(&site.logs()),
            site.path("state"),
            site.status_address().to_string(),
        )
    })
}
