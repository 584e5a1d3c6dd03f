//! A set-up, undone.

use crate::SetupError;
use crate::cluster::{Cluster, Security, ask, ask_json};
use crate::key;
use crate::kibana::{Kibana, SavedObject};
use crate::object::{Kind, Object, objects};
use crate::plan::Servers;
use crate::stream::{Stream, our_streams};
use crate::transport::{Method, Request, Transport};
use crate::wish::Wish;

/// What happens to the data streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// They stay, and so does what they need.
    Keep,
    /// They are deleted, documents and all.
    Delete,
}

/// What a removal would do.
#[derive(Debug)]
pub struct Removal {
    /// What answers.
    pub cluster: Cluster,
    /// The Kibana that answers.
    pub kibana: Option<Kibana>,
    /// What goes, in the order in which it goes.
    pub going: Vec<Going>,
    /// What stays, and why.
    pub staying: Vec<String>,
}

/// One thing that goes.
#[derive(Debug)]
pub enum Going {
    /// A board, data view or saved search.
    Board(SavedObject),
    /// The agent's keys, by id.
    Keys(Vec<String>),
    /// A data stream and the number of its documents.
    Stream(Stream, u64),
    /// A template, pipeline, policy or role.
    Object(Object),
}

/// A removal that ended before its end: why, and how much of `going` was removed.
#[derive(Debug)]
pub struct PartialRemoval {
    /// Why.
    pub error: SetupError,
    /// Number of things that are gone.
    pub done: usize,
}

impl Going {
    /// Its name for people.
    pub fn title(&self) -> String {
        match self {
            Self::Board(object) => format!("{} ({})", object.label(), object.title),
            Self::Keys(ids) if ids.len() == 1 => "1 API key of the agent".to_owned(),
            Self::Keys(ids) => format!("{} API keys of the agent", ids.len()),
            Self::Stream(stream, count) => format!("data stream {} ({count} documents)", stream.name),
            Self::Object(object) => object.title(),
        }
    }
}

impl Removal {
    /// Looks at the servers and removes nothing. Waits until they are ready.
    pub fn survey(servers: &mut Servers<'_>, data: Data) -> Result<Self, SetupError> {
        let cluster = Cluster::await_ready(servers.cluster)?;
        let mut going = Vec::new();
        let mut kibana = None;
        if let Some(server) = &mut servers.kibana {
            let ready = Kibana::await_ready(server.transport, server.space.as_deref())?;
            for object in &server.objects {
                if ready.has(server.transport, object)? {
                    going.push(Going::Board(object.clone()));
                }
            }
            kibana = Some(ready);
        }
        let mut staying = Vec::new();
        let objects = present(servers.cluster, &cluster)?;
        let (roles, objects): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|object| object.kind == Kind::Role);
        if cluster.security == Security::Elasticsearch {
            let ids = key::valid(servers.cluster)?;
            going.extend((!ids.is_empty()).then_some(Going::Keys(ids)));
        }
        going.extend(roles.into_iter().map(Going::Object));
        let streams = our_streams(servers.cluster)?;
        match data {
            Data::Delete => {
                for stream in streams {
                    let count = stream.count(servers.cluster)?;
                    going.push(Going::Stream(stream, count));
                }
                going.extend(objects.into_iter().map(Going::Object));
            }
            Data::Keep if streams.is_empty() => going.extend(objects.into_iter().map(Going::Object)),
            Data::Keep => staying = stay(&streams, &objects),
        }
        Ok(Self { cluster, kibana, going, staying })
    }

    /// Removes what goes, one after the other; `done` is told of each.
    pub fn apply(
        &self,
        servers: &mut Servers<'_>,
        done: &mut dyn FnMut(&Going),
    ) -> Result<(), PartialRemoval> {
        for (position, going) in self.going.iter().enumerate() {
            self.remove(servers, going).map_err(|error| PartialRemoval { error, done: position })?;
            done(going);
        }
        Ok(())
    }

    fn remove(&self, servers: &mut Servers<'_>, going: &Going) -> Result<(), SetupError> {
        match going {
            Going::Board(object) => match (&self.kibana, &mut servers.kibana) {
                (Some(kibana), Some(server)) => kibana.delete(server.transport, object),
                _ => Ok(()),
            },
            Going::Keys(ids) => key::invalidate(servers.cluster, ids),
            Going::Stream(stream, _) => stream.delete(servers.cluster),
            Going::Object(object) => {
                let needed = format!("the cluster privilege `{}`", object.kind.privilege());
                let request = Request::new(Method::Delete, object.target());
                ask(servers.cluster, &request, &format!("remove {}", object.title()), &needed).map(drop)
            }
        }
    }
}

/// The objects of a set-up that are there, each before what it refers to.
fn present(transport: &mut dyn Transport, cluster: &Cluster) -> Result<Vec<Object>, SetupError> {
    let mut present = Vec::new();
    for object in objects(cluster, &Wish::default())?.into_iter().rev() {
        let doing = format!("look at {}", object.title());
        let needed = format!("the cluster privilege `{}`", object.kind.privilege());
        if ask_json(transport, &Request::new(Method::Get, object.target()), &doing, &needed)?.is_some() {
            present.push(object);
        }
    }
    Ok(present)
}

fn stay(streams: &[Stream], objects: &[Object]) -> Vec<String> {
    let streams = streams.iter().map(|stream| format!("data stream {} stays", stream.name));
    let objects = objects.iter().map(|object| format!("{} stays: data streams need it", object.title()));
    streams.chain(objects).collect()
}
