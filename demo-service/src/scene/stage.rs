//! The processes of a scene: services, their users, and the end of them all.

use super::script::{CAST, CROWD_STAYS, Change, Member, Scene, Trouble};
use super::timeline::{Entry, Happening, Timeline};
use crate::load::shape::Profile;
use http_body_util::Full;
use hyper::{Request, StatusCode, header::CONTENT_TYPE};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// Between two looks at whether all processes live.
const LOOK: Duration = Duration::from_millis(200);
/// How long a process may take to start, or to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a service's log before it is renamed; two such files are kept.
const LOG_SIZE: &str = "50000000";

/// How and where a scene is played.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program that is `demo-service`, with what has to be its first arguments for that.
    pub program: (PathBuf, Vec<OsString>),
    /// Directory for logs, reports and `scene.json`; made if need be.
    pub logs: PathBuf,
    /// Length of the scene.
    pub length: Duration,
    /// How users come and go.
    pub profile: Profile,
}

/// Why a scene broke off.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum SceneError {
    #[error("cannot write to `{path}`: {source}; choose another directory with --logs", path = .0.display(), source = .1)]
    Logs(PathBuf, io::Error),
    #[error("cannot run `{program}` for {name}: {source}", program = .program.display())]
    Run { name: String, program: PathBuf, source: io::Error },
    #[error("{0} did not say within {PATIENCE:?} where it serves; its own words are above, or in its log")]
    Unready(String),
    #[error("{0} ended by itself with {1}; its own words are above, or in its log")]
    Died(String, ExitStatus),
    #[error("{0} did not take the fault: {1}")]
    Fault(String, String),
}

/// A service that serves.
struct Instance {
    member: &'static Member,
    version: &'static str,
    /// `service.node.name`; a new one for every process, since each counts its lines from 1.
    name: String,
    /// Which of the member's instances; the log file stays the same when it restarts.
    slot: usize,
    url: String,
    child: Child,
}

pub(super) struct Stage<'a, T> {
    settings: &'a Settings,
    tell: T,
    timeline: Timeline,
    instances: Vec<Instance>,
    users: Vec<(String, Child)>,
    /// Makes names of instances unique.
    run: String,
    starts: usize,
}

impl<'a, T: FnMut(&Entry)> Stage<'a, T> {
    pub(super) fn new(settings: &'a Settings, tell: T) -> Result<Self, SceneError> {
        let path = settings.logs.join("scene.json");
        let timeline = std::fs::create_dir_all(&settings.logs).and_then(|()| Timeline::begin(&path));
        let timeline = timeline.map_err(|error| SceneError::Logs(path, error))?;
        let run = format!("{:05x}", jiff::Timestamp::now().as_second() & 0xf_ffff);
        Ok(Self { settings, tell, timeline, instances: Vec::new(), users: Vec::new(), run, starts: 0 })
    }

    /// Plays to the end. Dropped before, everything can still be cleared.
    pub(super) async fn play(&mut self, scene: &Scene) -> Result<(), SceneError> {
        let length = self.settings.length;
        self.note(Happening::Scene {
            scene: scene.name,
            watch: scene.watch,
            length_s: length.as_secs_f64(),
        })?;
        for member in &CAST {
            for slot in 1..=member.instances {
                self.start(member, slot, member.version, &[], 0).await?;
            }
        }
        let begun = Instant::now();
        for member in &CAST {
            let crowd = scene.trouble.as_ref().filter(|trouble| trouble.service == member.name);
            self.bring_users(member, crowd.map(|trouble| &trouble.change))?;
        }
        if let Some(trouble) = &scene.trouble {
            self.wait_until(begun + length.mul_f64(trouble.from)).await?;
            self.begin(trouble).await?;
            self.wait_until(begun + length.mul_f64(trouble.to)).await?;
            self.end(trouble).await?;
        }
        self.wait_until(begun + length).await?;
        while let Some((name, mut child)) = self.users.pop() {
            let status = child.wait().await.map_err(|error| self.cannot_run(&name, error))?;
            status.success().then_some(()).ok_or(SceneError::Died(name, status))?;
        }
        Ok(())
    }

    /// Ends everything that was started, each process by its own id.
    pub(super) async fn clear(&mut self, complete: bool) -> Result<(), SceneError> {
        for (_, child) in &mut self.users {
            terminate(child).await;
        }
        while let Some(instance) = self.instances.pop() {
            self.stop(instance).await?;
        }
        self.note(Happening::End { complete })
    }

    async fn begin(&mut self, trouble: &Trouble) -> Result<(), SceneError> {
        let &Trouble { service, endpoint, logger, cause, .. } = trouble;
        let change = match trouble.change {
            Change::Deploy(version, faults) => {
                self.deploy(service, version, faults).await?;
                format!("version {version}")
            }
            Change::Fault(kind, value) => {
                self.set_fault(service, kind, value).await?;
                format!("{kind}:{value}")
            }
            Change::Crowd(times) => format!("{times} times the users"),
        };
        let having = || self.instances.iter().filter(|instance| instance.member.name == service);
        let version = having().map(|instance| instance.version).next().unwrap_or_default();
        let instances = having().map(|instance| instance.name.clone()).collect();
        self.note(Happening::Onset { cause, service, endpoint, logger, version, instances, change })
    }

    async fn end(&mut self, trouble: &Trouble) -> Result<(), SceneError> {
        if trouble.to >= 1.0 {
            return Ok(());
        }
        if let Change::Fault(kind, _) = trouble.change {
            self.set_fault(trouble.service, kind, "off").await?;
        }
        self.note(Happening::Over { service: trouble.service })
    }

    /// One instance after the other ends and starts again on its port.
    async fn deploy(
        &mut self,
        service: &str,
        version: &'static str,
        faults: &[&str],
    ) -> Result<(), SceneError> {
        let old = |other: &Instance| other.member.name == service && other.version != version;
        while let Some(at) = self.instances.iter().position(old) {
            let instance = self.instances.remove(at);
            let (member, slot) = (instance.member, instance.slot);
            let port = instance.url.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0);
            self.stop(instance).await?;
            self.start(member, slot, version, faults, port).await?;
        }
        Ok(())
    }

    async fn start(
        &mut self,
        member: &'static Member,
        slot: usize,
        version: &'static str,
        faults: &[&str],
        port: u16,
    ) -> Result<(), SceneError> {
        self.starts += 1;
        let name = format!("{}-{}-{}", member.name, self.run, self.starts);
        let log = self.settings.logs.join(format!("{}-{slot}.log", member.name));
        let mut command = self.command("serve");
        let words = format!(
            "--name {} --version {version} --environment demo --instance {name} --port {port} \
             --log-max-size {LOG_SIZE} --log-keep 2 {}",
            member.name, member.arguments
        );
        command.args(words.split_whitespace()).arg("--log").arg(&log);
        command.args(faults.iter().flat_map(|fault| ["--fault", fault]));
        let upstream = self.instances.iter().find(|other| member.upstream == Some(other.member.name));
        command.args(upstream.into_iter().flat_map(|other| ["--upstream", &other.url]));
        let spawned = command.stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| self.cannot_run(&name, error))?;
        let url = timeout(PATIENCE, url_said(&mut child)).await.ok().flatten();
        let url = url.ok_or_else(|| SceneError::Unready(name.clone()))?;
        self.note(Happening::Started {
            service: member.name,
            version,
            instance: name.clone(),
            url: url.clone(),
            pid: child.id(),
            log: file_name(&log),
        })?;
        self.instances.push(Instance { member, version, name, slot, url, child });
        Ok(())
    }

    async fn stop(&mut self, mut instance: Instance) -> Result<(), SceneError> {
        terminate(&mut instance.child).await;
        let Instance { member, version, name, .. } = instance;
        self.note(Happening::Ended { service: member.name, version, instance: name })
    }

    fn bring_users(&mut self, member: &'static Member, change: Option<&Change>) -> Result<(), SceneError> {
        let length = self.settings.length;
        let (height, stay, period) = match change {
            Some(Change::Crowd(times)) => (*times, CROWD_STAYS, 1.0),
            _ => (1.5, 0.1, 1.0 / 3.0),
        };
        let [length, stay, period] = [1.0, stay, period].map(|share| length.mul_f64(share).as_millis());
        let name = format!("load-{}", member.name);
        let [log, report] = ["log", "json"].map(|kind| self.settings.logs.join(format!("{name}.{kind}")));
        let mut command = self.command("load");
        command.args(self.instances.iter().filter(|other| other.member.name == member.name).map(|i| &i.url));
        let words = format!(
            "--profile {} --users {} --mix {} --duration {length}ms --peak-height {height} \
             --peak-length {stay}ms --peak-period {period}ms --instance {name}-{} --json",
            self.settings.profile.name(),
            member.users,
            member.mix,
            self.run
        );
        command.args(words.split_whitespace()).arg("--log").arg(&log);
        let stdout = File::create(&report).map_err(|error| SceneError::Logs(report.clone(), error))?;
        let child = command.stdout(stdout).spawn().map_err(|error| self.cannot_run(&name, error))?;
        self.users.push((name, child));
        self.note(Happening::Users {
            service: member.name,
            users: member.users,
            mix: member.mix,
            log: file_name(&log),
            report: file_name(&report),
        })
    }

    async fn set_fault(&self, service: &str, kind: &str, value: &str) -> Result<(), SceneError> {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<hyper::body::Bytes>>();
        for instance in self.instances.iter().filter(|instance| instance.member.name == service) {
            let refused = |why: String| SceneError::Fault(instance.name.clone(), why);
            let body = serde_json::json!({"kind": kind, "value": value}).to_string();
            let request =
                Request::post(format!("{}/fault", instance.url)).header(CONTENT_TYPE, "application/json");
            let request = request.body(Full::from(body)).map_err(|error| refused(error.to_string()))?;
            let response = client.request(request).await.map_err(|error| refused(error.to_string()))?;
            if response.status() != StatusCode::OK {
                return Err(refused(response.status().to_string()));
            }
        }
        Ok(())
    }

    /// Sleeps, and fails as soon as a service is gone, or the users of one for another reason than the end.
    async fn wait_until(&mut self, moment: Instant) -> Result<(), SceneError> {
        while Instant::now() < moment {
            sleep(LOOK.min(moment - Instant::now())).await;
            let services =
                self.instances.iter_mut().map(|instance| (&instance.name, &mut instance.child, false));
            let users = self.users.iter_mut().map(|(name, child)| (&*name, child, true));
            for (name, child, may_end) in services.chain(users) {
                match child.try_wait() {
                    Ok(Some(status)) if !(may_end && status.success()) => {
                        return Err(SceneError::Died(name.clone(), status));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn command(&self, what: &str) -> Command {
        let (program, first) = &self.settings.program;
        let mut command = Command::new(program);
        command.args(first).arg(what).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    fn cannot_run(&self, name: &str, source: io::Error) -> SceneError {
        SceneError::Run { name: name.to_owned(), program: self.settings.program.0.clone(), source }
    }

    fn note(&mut self, happening: Happening) -> Result<(), SceneError> {
        let path = || self.settings.logs.join("scene.json");
        let entry = self.timeline.write(happening).map_err(|error| SceneError::Logs(path(), error))?;
        (self.tell)(&entry);
        Ok(())
    }
}

/// The URL in the first line of a service's standard output.
async fn url_said(child: &mut Child) -> Option<String> {
    let line = BufReader::new(child.stdout.as_mut()?).lines().next_line().await.ok()??;
    let ready: serde_json::Value = serde_json::from_str(&line).ok()?;
    Some(ready["url"].as_str()?.to_owned())
}

/// SIGTERM; kills a process that does not heed it.
async fn terminate(child: &mut Child) {
    // An id is there until the end of the process has been seen, and only then may it belong to another.
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id as i32)) {
        let _ended_meanwhile = kill_process(pid, Signal::TERM);
    }
    if timeout(PATIENCE, child.wait()).await.is_err() {
        let _ended_meanwhile = child.kill().await;
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
