//! What a set-up would do, object by object.

use crate::SetupError;
use crate::cluster::{Cluster, Product, Security, ask_json};
use crate::difference::{Difference, differences};
use crate::key;
use crate::kibana::{Kibana, SavedObject};
use crate::object::{Kind, Object, RetentionBy, objects, retention, role};
use crate::rival::{Rival, overlap, rivals};
use crate::stream::{Stream, streams};
use crate::transport::{Method, Request, Transport};
use crate::wish::Wish;
use serde_json::Value;

/// The servers a set-up talks to.
pub struct Servers<'a> {
    /// Elasticsearch or OpenSearch.
    pub cluster: &'a mut dyn Transport,
    /// Kibana, where boards are wanted.
    pub kibana: Option<KibanaServer<'a>>,
}

/// A Kibana and what is wanted there.
pub struct KibanaServer<'a> {
    /// The connection.
    pub transport: &'a mut dyn Transport,
    /// Id of the space; `None` is the default one.
    pub space: Option<String>,
    /// The boards and what they refer to.
    pub objects: Vec<SavedObject>,
}

/// Every step of a set-up, in the order in which they are made.
#[derive(Debug)]
pub struct Plan {
    /// What answers.
    pub cluster: Cluster,
    /// The Kibana that answers.
    pub kibana: Option<Kibana>,
    /// The steps.
    pub steps: Vec<Step>,
    /// What the operator should know.
    pub notes: Vec<String>,
}

/// One object, and what has to happen to it.
#[derive(Debug)]
pub struct Step {
    /// Its name for people.
    pub title: String,
    /// What has to happen.
    pub change: Change,
    pub(crate) action: Action,
}

/// What has to happen to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is as it should be.
    Nothing,
    /// It is not there.
    Create,
    /// It is there and differs.
    Update(Vec<Difference>),
}

#[derive(Debug)]
pub(crate) enum Action {
    /// Puts an object; the query guards a change against another one at the same time.
    Put { object: Object, query: String },
    /// Sets how long a stream keeps its events.
    Keep { stream: Stream, retention: String },
    /// Makes the agent's key.
    Key { role: Value },
    /// Writes a board; all of them go in one request.
    Board,
}

impl Plan {
    /// Looks at the servers and changes nothing. Waits until they are ready.
    pub fn survey(servers: &mut Servers<'_>, wish: &Wish) -> Result<Self, SetupError> {
        let cluster = Cluster::await_ready(servers.cluster)?;
        check_wish(&cluster, wish, servers.kibana.as_ref())?;
        let objects = objects(&cluster, wish)?;
        let (kibana, boards) = match &mut servers.kibana {
            Some(server) => {
                let kibana = Kibana::await_ready(server.transport, server.space.as_deref())?;
                let boards = boards(&kibana, server)?;
                (Some(kibana), boards)
            }
            None => (None, Vec::new()),
        };
        let mut notes = notes(&cluster);
        let patterns = wish.patterns();
        let rivals = rivals(servers.cluster, &patterns)?;
        notes.extend(rivals.iter().map(ToString::to_string));
        let mut steps = Vec::new();
        for object in objects {
            steps.push(put(servers.cluster, object)?);
        }
        let mut streams = streams(servers.cluster)?;
        streams.retain(|stream| is_ours(stream, &patterns, &rivals));
        notes.extend(stale(&streams, &steps));
        steps.extend(streams.into_iter().filter_map(|stream| keep(&cluster, stream, wish)));
        if let Some(wish_key) = &wish.key {
            steps.push(agent_key(servers.cluster, wish_key.at_hand.as_deref(), wish)?);
        }
        steps.extend(boards);
        Ok(Self { cluster, kibana, steps, notes })
    }

    /// The steps that change something.
    pub fn changes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.change != Change::Nothing)
    }

    /// Whether a new key has to be kept.
    pub fn makes_key(&self) -> bool {
        self.changes().any(|step| matches!(step.action, Action::Key { .. }))
    }
}

impl Step {
    /// The cluster privilege this step takes.
    pub(crate) fn privilege(&self) -> Option<&'static str> {
        match &self.action {
            Action::Put { object, .. } => Some(object.kind.privilege()),
            Action::Key { .. } => Some(key::PRIVILEGE),
            Action::Keep { .. } | Action::Board => None,
        }
    }
}

/// What this cluster cannot give, before anything is looked at.
fn check_wish(cluster: &Cluster, wish: &Wish, kibana: Option<&KibanaServer<'_>>) -> Result<(), SetupError> {
    let impossible = |found: String, remedy| Err(SetupError::Impossible { found, remedy });
    match (cluster.product, cluster.security) {
        (Product::OpenSearch, _) if kibana.is_some() => impossible(
            format!(
                "{cluster} goes with OpenSearch Dashboards, which has no Lens and cannot show the boards"
            ),
            "leave out --kibana",
        ),
        (Product::OpenSearch, _) if wish.key.is_some() => impossible(
            format!("{cluster} has no API keys"),
            "leave out --api-key-out and give the agent user name and password",
        ),
        (Product::Elasticsearch, Security::None) if wish.key.is_some() => impossible(
            format!("security is off at {cluster}, it has no API keys"),
            "leave out --api-key-out, or turn security on (`xpack.security.enabled: true`)",
        ),
        _ => Ok(()),
    }
}

fn notes(cluster: &Cluster) -> Vec<String> {
    let mut notes = Vec::new();
    if !cluster.scripts {
        notes.push(
            "no node has the `script` ingest processor: event.ingested is stored, event.ingest_lag_ms is not, panels of the \
             ingest lag stay empty"
                .to_owned(),
        );
    }
    if retention(cluster) == RetentionBy::Nobody {
        notes.push(
            "this OpenSearch has no index state management plugin: nothing deletes old events, delete backing indices yourself"
                .to_owned(),
        );
    }
    if cluster.product == Product::Elasticsearch && cluster.security == Security::None {
        notes.push(
            "security is off: everyone who reaches this cluster can read and delete; no role is made"
                .to_owned(),
        );
    }
    notes
}

/// The object as it is now, against what it should be.
fn put(transport: &mut dyn Transport, object: Object) -> Result<Step, SetupError> {
    let doing = format!("look at {}", object.title());
    let needed = format!("the cluster privilege `{}`", object.kind.privilege());
    let answer = ask_json(transport, &Request::new(Method::Get, object.target()), &doing, &needed)?;
    let found =
        answer.as_ref().map(|answer| object.kind.found(object.name, answer)).filter(|found| !found.is_null());
    let change = match &found {
        None => Change::Create,
        Some(found) => match differences(&object.body, found, object.kind.owned()) {
            none if none.is_empty() => Change::Nothing,
            some => Change::Update(some),
        },
    };
    let query = answer.map(|answer| guard(object.kind, &answer)).unwrap_or_default();
    Ok(Step { title: object.title(), change, action: Action::Put { object, query } })
}

/// ISM takes a change only with the sequence number of what it changes.
fn guard(kind: Kind, answer: &Value) -> String {
    match (kind, answer["_seq_no"].as_u64(), answer["_primary_term"].as_u64()) {
        (Kind::IsmPolicy, Some(number), Some(term)) => format!("?if_seq_no={number}&if_primary_term={term}"),
        _ => String::new(),
    }
}

/// Whether our template makes its next backing index, once it is there.
fn is_ours(stream: &Stream, patterns: &[String], rivals: &[Rival]) -> bool {
    let matches = patterns.iter().any(|pattern| overlap(pattern, &stream.name));
    stream.has_our_template() || (matches && !rivals.iter().any(|rival| rival.claims(&stream.name)))
}

/// Only new streams take the lifecycle of the template.
fn keep(cluster: &Cluster, stream: Stream, wish: &Wish) -> Option<Step> {
    let wanted = wish.retention.to_string();
    if !stream.keeps_otherwise(cluster, &wanted) {
        return None;
    }
    let change = Change::Update(vec![Difference {
        path: "lifecycle.data_retention".to_owned(),
        found: stream.retention.clone(),
        wanted: Some(wanted.clone()),
    }]);
    Some(Step {
        title: format!("data stream {}", stream.name),
        change,
        action: Action::Keep { stream, retention: wanted },
    })
}

fn agent_key(transport: &mut dyn Transport, at_hand: Option<&str>, wish: &Wish) -> Result<Step, SetupError> {
    let role = role(wish);
    let good = match at_hand {
        Some(id) => key::is_good(transport, id, &role)?,
        None => false,
    };
    let change = if good { Change::Nothing } else { Change::Create };
    Ok(Step { title: "API key of the agent".to_owned(), change, action: Action::Key { role } })
}

fn boards(kibana: &Kibana, server: &mut KibanaServer<'_>) -> Result<Vec<Step>, SetupError> {
    let mut steps = Vec::new();
    for object in &server.objects {
        let change = match kibana.differences(server.transport, object)? {
            None => Change::Create,
            Some(none) if none.is_empty() => Change::Nothing,
            Some(some) => Change::Update(some),
        };
        let title = format!("{} ({})", object.label(), object.title);
        steps.push(Step { title, change, action: Action::Board });
    }
    Ok(steps)
}

/// A backing index keeps the fields it was made with.
fn stale(streams: &[Stream], steps: &[Step]) -> Vec<String> {
    let is_template = |step: &&Step| matches!(&step.action, Action::Put { object, .. } if matches!(object.kind, Kind::Component | Kind::Template));
    if !steps.iter().filter(is_template).any(|step| step.change != Change::Nothing) {
        return Vec::new();
    }
    let line = |stream: &Stream| {
        let name = &stream.name;
        format!(
            "data stream {name} is there already: its next backing index takes the templates; POST /{name}/_rollover starts one now"
        )
    };
    streams.iter().map(line).collect()
}
