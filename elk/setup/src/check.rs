//! Is a cluster set up, and do its boards work.

use crate::SetupError;
use crate::cluster::Cluster;
use crate::difference::differences;
use crate::kibana::Kibana;
use crate::object::mappings;
use crate::panels::{Asked, Outcome, ask_all};
use crate::plan::{Change, Plan, Servers};
use crate::stream::{Stream, our_streams};
use crate::transport::Transport;
use crate::wish::Wish;
use dashboards::lens::Millis;
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
    /// Every panel, asked; empty where there is no data stream yet.
    pub panels: Vec<Asked>,
    /// What is not, each with what to do.
    pub bad: Vec<String>,
    /// What the operator should know.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether all is as it should be and every panel could be asked; one without data is no fault.
    pub fn is_good(&self) -> bool {
        let failed = |asked: &Asked| matches!(asked.outcome, Outcome::Failed(_));
        self.bad.is_empty() && !self.panels.iter().any(failed)
    }
}

/// Looks at every object and every data stream, and asks every panel as of `now`. Changes nothing.
pub fn check(servers: &mut Servers<'_>, wish: &Wish, now: Millis) -> Result<Report, SetupError> {
    let plan = Plan::survey(servers, wish)?;
    let (mut good, mut bad, mut notes) = (Vec::new(), Vec::new(), plan.notes);
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
    let streams = our_streams(servers.cluster)?;
    let panels = match streams.is_empty() {
        true => {
            notes.push("there is no data stream yet, so no panel was asked: send an event first".to_owned());
            Vec::new()
        }
        false => ask_all(servers.cluster, now)?,
    };
    for stream in streams {
        let mut found = check_stream(servers.cluster, &stream)?;
        if found.bad.is_empty() {
            good.push(format!("data stream {}", stream.name));
        }
        bad.append(&mut found.bad);
        notes.append(&mut found.notes);
    }
    Ok(Report { cluster: plan.cluster, kibana: plan.kibana, good, bad, panels, notes })
}

/// What was found about one stream.
#[derive(Default)]
struct Found {
    bad: Vec<String>,
    notes: Vec<String>,
}

fn check_stream(transport: &mut dyn Transport, stream: &Stream) -> Result<Found, SetupError> {
    let name = &stream.name;
    let mut found = Found::default();
    for block in stream.blocks(transport)? {
        found
            .bad
            .push(format!("data stream {name} takes no events: {block} is set; free disk space or lift it"));
    }
    for (index, mappings) in stream.mappings(transport)? {
        let other = other_fields(&mappings);
        let (Some(first), count) = (other.first(), other.len()) else { continue };
        if index == stream.write_index {
            found.bad.push(format!(
                "data stream {name}: {count} fields have other types than the template ({first}); \
                 POST /{name}/_rollover starts a backing index with the right ones"
            ));
        } else {
            found.notes.push(format!(
                "backing index {index} was made by another template ({count} fields, {first}): panels over them fail \
                 or miss its events; DELETE /{index} where it is not needed any more"
            ));
        }
    }
    Ok(found)
}

/// Fields of ours that an index has with another type or not at all.
fn other_fields(found: &Value) -> Vec<String> {
    let wanted = mappings();
    let wanted = json!({"properties": wanted["template"]["mappings"]["properties"]});
    let types = |difference: &crate::difference::Difference| difference.path.ends_with(".type");
    let all = differences(&wanted, &json!({"properties": found["properties"]}), &[]);
    all.iter().filter(|difference| types(difference)).map(ToString::to_string).collect()
}
