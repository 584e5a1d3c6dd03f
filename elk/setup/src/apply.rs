//! A plan, made true.

use crate::SetupError;
use crate::cluster::{Security, ask, ask_json};
use crate::key::{self, NewKey};
use crate::kibana::SavedObject;
use crate::plan::{Action, Change, Plan, Servers, Step};
use crate::transport::{Method, Request, Transport};
use serde_json::json;
use std::collections::BTreeSet;

/// What is told while a plan is applied.
pub trait Listener {
    /// A step was made.
    fn done(&mut self, step: &Step);

    /// Keeps the agent's new key where it was asked for; the text of an error says why that failed.
    fn keep(&mut self, key: &NewKey) -> Result<(), String>;
}

/// A set-up that ended before its end.
#[derive(Debug)]
pub struct Partial<'a> {
    /// Why.
    pub error: SetupError,
    /// Steps that were made.
    pub done: Vec<&'a Step>,
    /// Steps that were not, the failed one first.
    pub open: Vec<&'a Step>,
}

/// Makes each step that changes something. Rights are looked at first, so that one that lacks ends this before it begins.
pub fn apply<'a>(
    plan: &'a Plan,
    servers: &mut Servers<'_>,
    listener: &mut dyn Listener,
) -> Result<(), Partial<'a>> {
    let (boards, steps): (Vec<&Step>, Vec<&Step>) =
        plan.changes().partition(|step| matches!(step.action, Action::Board));
    let mut made = 0;
    let result = check_rights(plan, &steps, servers.cluster)
        .and_then(|()| make_all(&steps, servers.cluster, listener, &mut made))
        .and_then(|()| import(plan, servers, &boards));
    match result {
        Ok(()) => {
            boards.iter().for_each(|step| listener.done(step));
            Ok(())
        }
        Err(error) => {
            let (done, open) = steps.split_at(made);
            Err(Partial { error, done: done.to_vec(), open: [open, &boards].concat() })
        }
    }
}

/// One after the other; counts those that were made.
fn make_all(
    steps: &[&Step],
    transport: &mut dyn Transport,
    listener: &mut dyn Listener,
    made: &mut usize,
) -> Result<(), SetupError> {
    for step in steps {
        make(step, transport, listener)?;
        listener.done(step);
        *made += 1;
    }
    Ok(())
}

/// Asks which of the needed privileges the log-in lacks.
fn check_rights(plan: &Plan, steps: &[&Step], transport: &mut dyn Transport) -> Result<(), SetupError> {
    let needed: BTreeSet<&str> = steps.iter().filter_map(|step| step.privilege()).collect();
    if plan.cluster.security == Security::None || needed.is_empty() {
        return Ok(());
    }
    let mut body = json!({"cluster": needed});
    // A key can do no more than the user who makes it.
    if let Some(Action::Key { role }) =
        steps.iter().map(|step| &step.action).find(|action| matches!(action, Action::Key { .. }))
    {
        body["index"] = role["indices"].clone();
    }
    let request = Request::new(Method::Post, "/_security/user/_has_privileges").json(&body);
    let doing = "ask for the rights of the log-in";
    let answer =
        ask_json(transport, &request, doing, "the right to ask for its own rights")?.unwrap_or_default();
    let mut missing: Vec<String> = lacking(&answer["cluster"]).map(|name| format!("`{name}`")).collect();
    for (index, rights) in answer["index"].as_object().into_iter().flatten() {
        missing.extend(lacking(rights).map(|name| format!("`{name}` on {index}")));
    }
    if missing.is_empty() {
        return Ok(());
    }
    let needed = format!("the privileges {}", missing.join(", "));
    Err(SetupError::Right {
        doing: "set this cluster up".to_owned(),
        needed,
        found: "nothing was changed".to_owned(),
    })
}

fn lacking(rights: &serde_json::Value) -> impl Iterator<Item = &str> {
    rights.as_object().into_iter().flatten().filter(|(_, has)| **has == false).map(|(name, _)| name.as_str())
}

fn make(step: &Step, transport: &mut dyn Transport, listener: &mut dyn Listener) -> Result<(), SetupError> {
    match &step.action {
        Action::Put { object, query } => {
            let verb = if step.change == Change::Create { "make" } else { "change" };
            let doing = format!("{verb} {}", object.title());
            let request = Request::new(Method::Put, format!("{}{query}", object.target())).json(&object.body);
            let needed = format!("the cluster privilege `{}`", object.kind.privilege());
            let reply = ask(transport, &request, &doing, &needed)?;
            match reply.status {
                404 => Err(SetupError::Refused { doing, status: 404, found: reply.reason() }),
                _ => Ok(()),
            }
        }
        Action::Keep { stream, retention } => stream.set_retention(transport, retention),
        Action::Key { role } => make_key(transport, role, listener),
        Action::Board => Ok(()),
    }
}

/// A key that cannot be kept is of no use to anybody but a thief.
fn make_key(
    transport: &mut dyn Transport,
    role: &serde_json::Value,
    listener: &mut dyn Listener,
) -> Result<(), SetupError> {
    let new = key::create(transport, role)?;
    let Err(found) = listener.keep(&new) else { return Ok(()) };
    key::invalidate(transport, &[new.id])?;
    Err(SetupError::KeyLost { found })
}

/// Boards refer to one another: where one changes, all are written, in one request.
fn import(plan: &Plan, servers: &mut Servers<'_>, changed: &[&Step]) -> Result<(), SetupError> {
    let (Some(kibana), Some(server)) = (&plan.kibana, &mut servers.kibana) else { return Ok(()) };
    if changed.is_empty() {
        return Ok(());
    }
    let objects: Vec<&SavedObject> = server.objects.iter().collect();
    kibana.import(server.transport, &objects)
}
