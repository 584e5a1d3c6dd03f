//! Lines out of the wrapping of a container runtime, and what a path says of the container.

use super::Header;
use super::scan::{Kind, Tape};
use super::targets::Target;
use super::{Around, Line, LineEnd, text};
use crate::line::{Container, Stream, Wrapping, decode_message, without_carriage_return};
use jiff::Timestamp;
use std::path::Path;

/// Takes groups of wrapped lines apart; keeps its buffers.
#[derive(Debug, Default)]
pub struct Unwrapper {
    text: Vec<u8>,
    tape: Tape,
}

/// A line of an application.
#[derive(Debug, Clone, Copy)]
pub struct Unwrapped<'a> {
    /// All its pieces, joined; the lines of a stack trace with line breaks.
    pub text: &'a [u8],
    /// What the runtime said of it.
    pub frame: Frame,
    /// Its end never came.
    pub is_partial: bool,
}

/// What a runtime says of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// When it took the first piece.
    pub time: Option<Timestamp>,
    /// Where the line went.
    pub stream: Stream,
}

impl Unwrapper {
    /// The line of the application, and what was around it; a line with nothing around it as it is.
    pub fn line<'a>(&'a mut self, whole: Line<'a>, of: &super::Stream) -> (Line<'a>, Option<Around<'a>>) {
        if of.is_syslog() {
            let message = decode_message(whole.bytes, &mut self.text);
            let end = message.original_len.map_or(whole.end, |original_len| LineEnd::Cut { original_len });
            let (text, header) = split(message.text);
            return (Line { bytes: text, end, ..whole }, header.map(Around::Syslog));
        }
        let container = of.container();
        if container == Container::None {
            return (whole, None);
        }
        match self.unwrap(whole.bytes, container) {
            None => (whole, None),
            Some(unwrapped) => {
                let ends = unwrapped.is_partial && whole.end == LineEnd::Terminated;
                let end = if ends { LineEnd::Partial } else { whole.end };
                (Line { bytes: unwrapped.text, end, ..whole }, Some(Around::Container(unwrapped.frame)))
            }
        }
    }

    /// The line in `group`. `None`: not all of it is wrapped so, and it ships as it is.
    pub fn unwrap(&mut self, group: &[u8], container: Container) -> Option<Unwrapped<'_>> {
        self.text.clear();
        let mut frame: Option<Frame> = None;
        let mut is_partial = false;
        for line in
            group.split(|byte| *byte == b'\n').map(without_carriage_return).filter(|line| !line.is_empty())
        {
            let wrapping = Wrapping::of(line, container)?;
            let time = match container {
                Container::Docker => self.docker_time(line)?,
                _ => std::str::from_utf8(wrapping.time).ok().and_then(|time| time.parse().ok()),
            };
            // The lines of a stack trace are whole, pieces of one line are not.
            if frame.is_some() && !is_partial {
                self.text.push(b'\n');
            }
            match container {
                Container::Docker => text::decode(wrapping.text, &mut self.text),
                _ => self.text.extend_from_slice(wrapping.text),
            }
            frame.get_or_insert(Frame { time, stream: wrapping.stream });
            is_partial = wrapping.is_partial;
        }
        let text = without_carriage_return(&self.text);
        Some(Unwrapped { text, frame: frame?, is_partial })
    }

    /// The text in a line that holds a message from the network, and its header if it has one.
    pub fn message<'a>(&'a mut self, line: &'a [u8]) -> (&'a [u8], Option<Header<'a>>) {
        split(decode_message(line, &mut self.text).text)
    }

    /// The time of a docker line, if it states a usable one. `None`: the line is not sound JSON, so its text is not either.
    fn docker_time(&mut self, line: &[u8]) -> Option<Option<Timestamp>> {
        simdutf8::basic::from_utf8(line).ok()?;
        self.tape.scan(line).ok()?;
        let time = self
            .tape
            .nodes()
            .iter()
            .find(|node| &line[node.key_range()] == b"time" && node.kind == Kind::Text);
        let text = time.map(|node| node.value(line)).and_then(|text| std::str::from_utf8(text).ok());
        Some(text.and_then(|text| text.trim_matches('"').parse().ok()))
    }
}

fn split(message: &[u8]) -> (&[u8], Option<Header<'_>>) {
    match Header::split(message) {
        None => (message, None),
        Some((header, text)) => (text, Some(header)),
    }
}

/// Fields a path says of its container.
pub(super) fn of_path(path: &Path) -> Vec<(Target, String)> {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    match parts[..] {
        [.., "pods", pod, container, _] => of_pod(pod, container),
        [.., "containers", file] => of_link(file),
        [.., "containers", id, _] if is_id(id) => vec![(Target::ContainerId, id.to_owned())],
        _ => Vec::new(),
    }
}

/// `/var/log/pods/<namespace>_<pod>_<uid>/<container>/0.log`.
fn of_pod(pod: &str, container: &str) -> Vec<(Target, String)> {
    let mut parts = pod.splitn(3, '_');
    let (Some(namespace), Some(name), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    pod_fields(namespace, name, container)
}

/// `/var/log/containers/<pod>_<namespace>_<container>-<id>.log`.
fn of_link(file: &str) -> Vec<(Target, String)> {
    let known = || {
        let (name, id) = file.strip_suffix(".log")?.rsplit_once('-')?;
        let mut parts = name.splitn(3, '_');
        let (pod, namespace, container) = (parts.next()?, parts.next()?, parts.next()?);
        let mut fields = pod_fields(namespace, pod, container);
        fields.push((Target::ContainerId, id.to_owned()));
        is_id(id).then_some(fields)
    };
    known().unwrap_or_default()
}

fn pod_fields(namespace: &str, pod: &str, container: &str) -> Vec<(Target, String)> {
    vec![
        (Target::OrchestratorType, "kubernetes".to_owned()),
        (Target::OrchestratorNamespace, namespace.to_owned()),
        (Target::OrchestratorResourceType, "pod".to_owned()),
        (Target::OrchestratorResourceName, pod.to_owned()),
        (Target::ContainerName, container.to_owned()),
    ]
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_and_the_first_ones_time_and_stream_are_taken() {
        let mut unwrapper = Unwrapper::default();
        let group = b"2026-08-21T10:15:30.123456789Z stderr P {\"a\":\n2026-08-21T10:15:31Z stderr F  1}\r";
        let line = unwrapper.unwrap(group, Container::Cri).unwrap();
        assert_eq!((line.text, line.is_partial), (&b"{\"a\": 1}"[..], false));
        let time = "2026-08-21T10:15:30.123456789Z".parse().ok();
        assert_eq!(line.frame, Frame { time, stream: Stream::Stderr });

        let group = br#"{"log":"a \"b\" \u00e9","stream":"stdout","time":"2026-08-21T10:15:30.1Z"}"#;
        let line = unwrapper.unwrap(group, Container::Docker).unwrap();
        assert_eq!((line.text, line.is_partial), ("a \"b\" é".as_bytes(), true));
    }

    #[test]
    fn what_is_not_wrapped_stays_as_it_is() {
        let mut unwrapper = Unwrapper::default();
        for line in
            [&b"plain"[..], b"2026-08-21T10:15:30Z stdin F x", b"2026-08-21T10:15:30Z stdout Q x", b""]
        {
            assert!(unwrapper.unwrap(line, Container::Cri).is_none());
        }
        for line in [
            &br#"{"log":"a\"#[..],
            br#"{"log":"a\q\n","stream":"stdout"}"#,
            br#"{"log":"a\n","stream":"stdout","time""#,
            b"{\"log\":\"\xff\\n\",\"stream\":\"stdout\"}",
        ] {
            assert!(unwrapper.unwrap(line, Container::Docker).is_none(), "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn pods_and_containers_are_named_by_their_paths() {
        let id = "0123456789abcdef".repeat(4);
        let fields = |path: &str| {
            of_path(Path::new(path)).into_iter().map(|(_, value)| value).collect::<Vec<_>>().join(" ")
        };
        let pod = "kubernetes prod pod shop-7f web";
        assert_eq!(fields("/var/log/pods/prod_shop-7f_1-2-3/web/0.log"), pod);
        assert_eq!(fields(&format!("/var/log/containers/shop-7f_prod_web-{id}.log")), format!("{pod} {id}"));
        assert_eq!(fields(&format!("/var/lib/docker/containers/{id}/{id}-json.log")), id);
        assert_eq!(fields("/var/log/containers/notes.log") + &fields("/var/log/shop/a.log"), "");
    }
}
