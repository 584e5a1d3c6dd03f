//! Is a cluster set up, and do its boards work.

use crate::SetupError;
use crate::cluster::Cluster;
use crate::difference::differences;
use crate::kibana::Kibana;
use crate::object::mappings;
use crate::plan::{Change, Plan, Servers};
use crate::stream::{Stream, streams};
use crate::transport::Transport;
use crate::wish::Wish;
use serde_json::{Value, json};

/// What a check found.
#[derive(Debug)]
pub struct Report {
    /// What answers.
    pub cluster: Cluster,
    /// The Kibana that answers.
    pub kibana: Option<Kibana>,
    /// Names of the objects that are as they should be.
    pub good: Vec<String>,
    /// What is not, each with what to do.
    pub bad: Vec<String>,
    /// What the operator should know.
    pub notes: Vec<String>,
}

/// Looks at every object and every data stream. Changes nothing.
pub fn check(servers: &mut Servers<'_>, wish: &Wish) -> Result<Report, SetupError> {
    let plan = Plan::survey(servers, wish)?;
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for step in &plan.steps {
        match &step.change {
            Change::Nothing => good.push(step.title.clone()),
            Change::Create => bad.push(format!("{} is missing; run `blueox setup`", step.title)),
            Change::Update(differences) => {
                let (count, first) = (differences.len(), &differences[0]);
                bad.push(format!("{} differs in {count} values ({first}); run `blueox setup`", step.title));
            }
        }
    }
    for stream in streams(servers.cluster)? {
        match check_stream(servers.cluster, &stream)? {
            none if none.is_empty() => good.push(format!("data stream {}", stream.name)),
            some => bad.extend(some),
        }
    }
    Ok(Report { cluster: plan.cluster, kibana: plan.kibana, good, bad, notes: plan.notes })
}

fn check_stream(transport: &mut dyn Transport, stream: &Stream) -> Result<Vec<String>, SetupError> {
    let name = &stream.name;
    let blocks = stream.blocks(transport)?.into_iter();
    let mut bad: Vec<String> = blocks
        .map(|block| {
            format!("data stream {name} takes no events: {block} is set; free disk space or lift it")
        })
        .collect();
    let other = other_fields(&stream.mappings(transport)?);
    if let Some(first) = other.first() {
        let count = other.len();
        bad.push(format!(
            "data stream {name}: {count} fields have other types than the template ({first}); POST /{name}/_rollover starts a backing \
             index with the right ones"
        ));
    }
    Ok(bad)
}

/// Fields of ours that an index has with another type or not at all.
fn other_fields(found: &Value) -> Vec<String> {
    let wanted = mappings();
    let wanted = json!({"properties": wanted["template"]["mappings"]["properties"]});
    let types = |difference: &crate::difference::Difference| difference.path.ends_with(".type");
    let all = differences(&wanted, &json!({"properties": found["properties"]}), &[]);
    all.iter().filter(|difference| types(difference)).map(ToString::to_string).collect()
}
