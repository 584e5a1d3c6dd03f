//! The real program and its configuration: what it refuses, with which words and exit code, and what it never does before
//! it knows that the configuration is valid.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a refusal may take on a busy machine; the promise is a second.
const DEADLINE: Duration = Duration::from_secs(30);

const BLUEOX: &str = env!("CARGO_BIN_EXE_blueox");

struct Site(TempDir);

impl Site {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// Names in the directory, sorted.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("a directory");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn blueox(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        self.finish(Command::new(BLUEOX), arguments, variables)
    }

    /// `command` is the program, or one that becomes it.
    fn finish(&self, mut command: Command, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("BLUEOX_") {
                command.env_remove(name);
            }
        }
        command.envs(variables.iter().copied());
        finish(&mut command)
    }

    fn check(&self, text: impl AsRef<[u8]>) -> Output {
        self.write("c.yaml", text);
        self.blueox(&["check", "-c", "c.yaml"], &[])
    }
}

/// Runs to the end; a program that does not end is killed and fails the test.
fn finish(command: &mut Command) -> Output {
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let until = Instant::now() + DEADLINE;
    // What these runs print fits the pipes.
    while child.try_wait().expect("waited for").is_none() {
        if Instant::now() > until {
            child.kill().expect("killed");
            panic!("does not end: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("its output")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Exit code 78, nothing on standard output, and exactly these lines, each told by a piece.
fn refused(output: &Output, pieces: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(78), "{text}");
    assert_eq!(stdout(output), "");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), pieces.len(), "{text}");
    for (line, piece) in lines.iter().zip(pieces) {
        assert!(line.contains(piece), "wanted: {piece}\nfound: {line}");
    }
}

const GOOD: &str =
    "inputs: [{paths: ['/nowhere/*.log']}]\noutput: {elasticsearch: {hosts: ['http://127.0.0.1:9']}}\n";

// C01, C03, C07
#[test]
fn every_mistake_is_one_line_with_file_line_column_key_and_remedy() {
    let site = Site::new();
    let output = site.check(
        "inputs:\n  - pahts: ['/a']\n    max_line: 1ZB\noutput:\n  elasticsearch: {hosts: ['https://es:70000'], tls: {ca: no.pem}}\nlimits: {memory: -1}\nlimits: {}\n",
    );
    refused(
        &output,
        &[
            "c.yaml:2:5: inputs[0]: unknown key `pahts`; did you mean `paths`?",
            "c.yaml:2:5: inputs[0].paths: is missing",
            "c.yaml:3:15: inputs[0].max_line: `1ZB` is not a size",
            "c.yaml:5:27: output.elasticsearch.hosts[0]: `https://es:70000` has the port `70000`",
            "c.yaml:5:58: output.elasticsearch.tls.ca: the file",
            "c.yaml:6:18: limits.memory: `-1` is not a size: it is negative",
            "c.yaml:7:1: the key `limits` stands twice, first in line 6",
        ],
    );
}

// C04
#[test]
fn tabs_and_indentation_are_named_by_line_and_column() {
    let site = Site::new();
    refused(
        &site.check("inputs:\n\t- paths: [a]\n"),
        &["c.yaml:2:1: not YAML: a tab in the indentation; indent with spaces"],
    );
    refused(&site.check("inputs:\n  - paths: [a]\n - b\n"), &["c.yaml:3:"]);
}

// C02, C17
#[test]
fn a_file_that_cannot_be_a_configuration_is_refused_at_once() {
    let site = Site::new();
    let refused_file = |name: &str, piece: &str| {
        refused(&site.blueox(&["check", "-c", name], &[]), &[piece]);
        refused(&site.blueox(&["run", "-c", name], &[]), &[piece]);
    };
    refused_file("none.yaml", "none.yaml: cannot be opened: no such file or directory; check the path");
    refused_file(".", ".: is a directory; name a file in it");
    let status = Command::new("mkfifo").arg(site.path("fifo")).status().expect("mkfifo runs");
    assert!(status.success());
    refused_file("fifo", "fifo: is a pipe or a device");
    site.write("binary", b"inputs:\n\xff\xfe");
    refused_file("binary", "binary: is not UTF-8 in line 2");
    let large = std::fs::File::create(site.path("large")).expect("created");
    large.set_len(50 << 20).expect("50 MB");
    refused_file("large", "large: has 52428800 bytes");
    site.write("empty", "");
    refused_file("empty", "the configuration is empty");
}

// C17
#[test]
fn an_unreadable_file_is_refused() {
    let site = Site::new();
    let file = site.write("c.yaml", GOOD);
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o000)).expect("mode set");
    let command = match std::fs::read(&file) {
        // Root reads everything, unless that is taken from it.
        Ok(_) => {
            let mut command = Command::new("setpriv");
            command.args(["--bounding-set=-dac_override,-dac_read_search", BLUEOX]);
            command
        }
        Err(_) => Command::new(BLUEOX),
    };
    refused(
        &site.finish(command, &["check", "-c", "c.yaml"], &[]),
        &["permission denied; let the agent's user read it"],
    );
}

// C19
#[test]
fn alias_bombs_and_deep_nesting_are_refused_fast() {
    let site = Site::new();
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{aliases}]").expect("a string");
    }
    refused(&site.check(bomb), &["c.yaml:1:5: YAML anchors and aliases are not used here"]);
    for text in ["[".repeat(10_000), "{a: ".repeat(10_000), "- ".repeat(10_000)] {
        refused(&site.check(text), &["nested deeper than 32 levels"]);
    }
    let mut staircase = String::new();
    for level in 0..1_000 {
        writeln!(staircase, "{}a:", " ".repeat(level)).expect("a string");
    }
    refused(&site.check(staircase), &["nested deeper than 32 levels"]);
}

// C13
#[test]
fn check_tells_by_its_exit_code_and_touches_neither_network_nor_state() {
    let site = Site::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    server.set_nonblocking(true).expect("nonblocking");
    let url = format!("http://{}", server.local_addr().expect("its address"));
    let text = format!(
        "inputs: [{{paths: ['logs/*.log']}}]\noutput: {{elasticsearch: {{hosts: ['{url}']}}}}\nmonitoring: {{listen: '{}'}}\n",
        server.local_addr().expect("its address")
    );
    let output = site.check(text);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    assert!(stdout(&output).starts_with("c.yaml: valid; 1 input, output elasticsearch at http://127.0.0.1:"));
    let refused = server.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(refused, Err(std::io::ErrorKind::WouldBlock), "somebody has connected");
    assert_eq!(site.names(), ["c.yaml"]);
}

#[test]
fn check_with_output_says_75_where_nobody_answers() {
    let site = Site::new();
    let port = bench::process::free_address().expect("a free address");
    site.write("c.yaml", GOOD.replace("127.0.0.1:9", &port.to_string()));
    let output = site.blueox(&["check", "-c", "c.yaml", "--output"], &[]);
    assert_eq!(output.status.code(), Some(75), "{}", stderr(&output));
    assert!(stdout(&output).contains(&format!("http://{port}: cannot be used: ")), "{}", stdout(&output));
}

#[test]
fn run_writes_nothing_before_it_knows_that_the_configuration_is_valid() {
    let site = Site::new();
    site.write("c.yaml", format!("{GOOD}state: {{path: state}}\nlimits: {{open_files: 0}}\n"));
    refused(
        &site.blueox(&["run", "-c", "c.yaml"], &[]),
        &["c.yaml:4:22: limits.open_files: `0` is too small"],
    );
    refused(&site.blueox(&["once", "c.yaml", "-c", "c.yaml"], &[]), &["limits.open_files"]);
    assert_eq!(site.names(), ["c.yaml"]);
}

// C05
#[test]
fn variables_are_expanded_as_text_and_unset_ones_are_mistakes() {
    let site = Site::new();
    site.write(
        "c.yaml",
        format!(
            "{GOOD}host: {{id: '${{NAME_OF_HOST}}'}}\nmonitoring: {{listen: '${{LISTEN:-127.0.0.1:0}}'}}\n"
        ),
    );
    let check = |variables: &[(&str, &str)]| site.blueox(&["check", "-c", "c.yaml"], variables);
    refused(&check(&[]), &["c.yaml:3:12: host.id: the environment variable `NAME_OF_HOST` is not set"]);
    let yaml = check(&[("NAME_OF_HOST", "x}\nlimits: {memory: 1")]);
    refused(&yaml, &["c.yaml:3:12: host.id: is empty, longer than 255 bytes or holds control characters"]);
    assert_eq!(check(&[("NAME_OF_HOST", "{a: [1]}")]).status.code(), Some(0));
    refused(
        &check(&[("NAME_OF_HOST", "x"), ("LISTEN", "nowhere")]),
        &["monitoring.listen: `nowhere` has no port"],
    );
}

// C06
#[test]
fn secret_files_must_be_there_and_wide_modes_are_warned_of() {
    let site = Site::new();
    let text = "inputs: [{paths: ['/nowhere/*.log']}]\noutput: {elasticsearch: {hosts: ['https://es'], api_key: {file: key}}}\n";
    refused(&site.check(text), &["output.elasticsearch.api_key.file: the file `"]);
    let key = site.write("key", "id:canary\n");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).expect("mode set");
    let wide = site.check(text);
    assert_eq!(wide.status.code(), Some(0), "{}", stderr(&wide));
    let warning = stderr(&wide);
    assert!(
        warning.starts_with("warning: c.yaml:2:") && warning.contains("(mode 0644); run `chmod 600 "),
        "{warning}"
    );
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).expect("mode set");
    assert_eq!(stderr(&site.check(text)), "");
}

// C21, E43
#[test]
fn credentials_in_the_clear_and_unverified_certificates_are_warned_of_at_each_start() {
    let site = Site::new();
    let text = "inputs: [{paths: ['/nowhere/*.log']}]\noutput: {elasticsearch: {hosts: ['http://u:CANARY@es.invalid:1', 'https://es2.invalid:1'], tls: {verify: none}}}\n";
    let warnings = stderr(&site.check(text));
    assert!(warnings.contains("the log-in goes to `http://es.invalid:1` unencrypted"), "{warnings}");
    assert!(warnings.contains("tls.verify: the server's certificate is not checked"), "{warnings}");
    assert!(!warnings.contains("CANARY") && !warnings.contains("es2"), "{warnings}");
}

// C23
#[test]
fn an_output_file_that_is_also_an_input_is_refused() {
    let site = Site::new();
    site.write("app.log", "{}\n");
    refused(
        &site.check("inputs: [{paths: ['*.log']}]\noutput: {file: {path: app.log}}\n"),
        &["output.file.path: the output `"],
    );
    let output = site.blueox(&["once", "app.log", "--to", "file:app.log"], &[]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(site.path("app.log")).expect("readable"), "{}\n");
}

// C22
#[test]
fn help_and_version_are_all_of_standard_output_and_wrong_usage_is_2() {
    let site = Site::new();
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["run", "--help"],
        &["once", "--help"],
        &["check", "--help"],
        &["explain", "--help"],
        &["status", "--help"],
        &["dead-letters", "--help"],
        &["dead-letters", "list", "--help"],
    ] {
        let output = site.blueox(arguments, &[]);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(stderr(&output), "");
        assert!(!output.stdout.is_empty());
    }
    assert_eq!(stdout(&site.blueox(&["--version"], &[])), format!("blueox {}\n", env!("CARGO_PKG_VERSION")));
    for arguments in [
        &[][..],
        &["--nonsense"],
        &["nonsense"],
        &["run"],
        &["run", "a.log"],
        &["run", "--to", "stdout:"],
        &["once", "--to", "stdout:"],
        &["once", "none.log", "--to", "stdout:"],
        &["once", "*.log", "--to", "nonsense"],
        &["once", "*.log", "--to", "https://es:70000"],
        &["once", "*.log", "--to", "https://u:CANARY@es"],
        &["check"],
        &["check", "-c", "c.yaml", "--nonsense"],
        &["explain", "--format", "nonsense"],
        &["status", "--url", "nonsense"],
        &["dead-letters"],
    ] {
        let output = site.blueox(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert!(!stderr(&output).contains("CANARY"), "{arguments:?}");
    }
    assert_eq!(site.names(), Vec::<String>::new());
}

// C14
#[test]
fn no_message_of_any_command_holds_a_secret() {
    let site = Site::new();
    let port = bench::process::free_address().expect("a free address");
    for output in [
        format!("hosts: ['http://u:CANARY@{port}/x']"),
        format!("hosts: ['http://{port}'], username: u, password: CANARY"),
        format!("hosts: ['http://{port}'], api_key: 'id:CANARY'"),
        "hosts: ['http://u:CANARY@127.0.0.1:99999']".into(),
        "hosts: ['http://es'], api_key: [CANARY]".into(),
        "hosts: ['http://es'], passwrd: CANARY".into(),
    ] {
        site.write(
            "c.yaml",
            format!("inputs: [{{paths: ['/nowhere/*.log']}}]\noutput: {{elasticsearch: {{{output}}}}}\nmonitoring: {{token: CANARY}}\n"),
        );
        for arguments in [
            &["check", "-c", "c.yaml"][..],
            &["check", "-c", "c.yaml", "--output"],
            &["dead-letters", "list", "-c", "c.yaml"],
        ] {
            let run = site.blueox(arguments, &[("BLUEOX_LOG", "trace")]);
            let said = format!("{}{}", stdout(&run), stderr(&run));
            assert!(!said.contains("CANARY"), "{output} {arguments:?}: {said}");
        }
    }
    let login = [("BLUEOX_LOG", "trace"), ("BLUEOX_API_KEY", "CANARY"), ("BLUEOX_PASSWORD", "CANARY")];
    let run = site.blueox(&["once", "*.log", "--to", "https://es"], &login);
    refused(&run, &["environment: BLUEOX_API_KEY: two log-ins at once"]);
    assert!(!stderr(&run).contains("CANARY"));
}

// C14
#[test]
fn a_running_agent_tells_no_secret_and_status_needs_its_token() {
    let site = Site::new();
    let free = || bench::process::free_address().expect("a free address");
    let (nobody, page) = (free(), free());
    site.write("app.log", "{}\n");
    site.write(
        "c.yaml",
        format!(
            "inputs: [{{paths: ['app.log']}}]\n\
             output: {{elasticsearch: {{hosts: ['http://u:CANARY@{nobody}/']}}}}\n\
             monitoring: {{listen: '{page}', token: CANARY}}\nshutdown: {{drain: 0}}\n"
        ),
    );
    let mut agent = Command::new(env!("CARGO_BIN_EXE_blueox"));
    agent.args(["run", "-c", "c.yaml"]).current_dir(site.0.path()).env("BLUEOX_LOG", "trace");
    let log = std::fs::File::create(site.path("agent.err")).expect("created");
    let mut agent = agent.stdin(Stdio::null()).stderr(log).spawn().expect("the agent starts");
    let url = format!("http://{page}");
    let status = |token: &[(&str, &str)]| site.blueox(&["status", "--url", &url], token);
    let until = Instant::now() + DEADLINE;
    // The one line is read and, with nobody there, stays pending.
    let report = loop {
        let report = status(&[("BLUEOX_TOKEN", "CANARY")]);
        if stdout(&report).contains("1 pending") && stdout(&report).contains("error ") {
            break report;
        }
        assert!(Instant::now() < until, "{}{}", stdout(&report), stderr(&report));
        assert!(agent.try_wait().expect("asked").is_none(), "the agent has ended");
    };
    let refused = status(&[]);
    let process = rustix::process::Pid::from_child(&agent);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("a signal");
    assert!(agent.wait().expect("ended").code().is_some(), "ended by itself");
    assert!(stderr(&refused).contains("answers with status 401; set BLUEOX_TOKEN"), "{}", stderr(&refused));
    let log = std::fs::read_to_string(site.path("agent.err")).expect("the log");
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    for said in [log, stdout(&report), stderr(&refused)] {
        assert!(!said.contains("CANARY") && !said.contains("Q0FOQVJZ"), "{said}");
    }
}

#[test]
fn status_of_nobody_is_75() {
    let site = Site::new();
    let port = bench::process::free_address().expect("a free address");
    let output = site.blueox(&["status", "--url", &format!("http://{port}")], &[]);
    assert_eq!(output.status.code(), Some(75), "{}", stderr(&output));
    assert!(stderr(&output).contains("no agent answers at"), "{}", stderr(&output));
}

#[test]
fn dead_letters_are_listed_and_a_torn_last_line_is_left_out() {
    let site = Site::new();
    site.write("c.yaml", format!("{GOOD}state: {{path: state}}\n"));
    let list = || site.blueox(&["dead-letters", "list", "-c", "c.yaml"], &[]);
    let none = list();
    assert_eq!((none.status.code(), stdout(&none)), (Some(0), String::new()), "{}", stderr(&none));
    let directory = Path::new("state/dead-letters");
    std::fs::create_dir_all(site.0.path().join(directory)).expect("made");
    let letter = r#"{"time":"2030-01-02T03:04:05Z","id":"x","index":"logs-app-default","file":"/var/log/a\u001b.log","offset":7,"status":400,"type":"document_parsing_exception","reason":"no\nway","document":"{}"}"#;
    site.write("state/dead-letters/00000001.ndjson", format!("{letter}\n{}", &letter[..50]));
    let output = list();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines: Vec<_> = stdout(&output).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("TIME"));
    for piece in [
        "2030-01-02T03:04:05Z",
        "logs-app-default",
        r"/var/log/a\u{1b}.log",
        "  7  ",
        "400",
        "document_parsing_exception",
        r"no\nway",
    ] {
        assert!(lines[1].contains(piece), "{piece}: {}", lines[1]);
    }
    assert!(stderr(&output).contains("line 2 is no dead letter"), "{}", stderr(&output));
}

#[test]
fn explain_shows_what_each_line_becomes() {
    let site = Site::new();
    site.write("app.log", "plain \u{1b}[31mtext\n\n{\"broken\": \n");
    let output = site.blueox(&["explain", "app.log"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.starts_with("line 1\n  format    text") && text.contains("\nline 3\n"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn explain_joins_unwraps_and_processes_as_the_configuration_says() {
    let site = Site::new();
    let processors = "processors:\n  - rename: {from: usr, to: user.name}\n  - redact: {}\n  \
                      - drop: {field: log.level, is: [debug]}\n  - sample: {one_in: 7}\n  - rate_limit: {events: 5}\n";
    let inputs = "inputs:\n  - {paths: [pods/*.log], container: cri}\n  - {paths: [app.log]}\n";
    let output = "output: {stdout: {}}\n";
    site.write("c.yaml", format!("{inputs}{output}{processors}"));
    std::fs::create_dir(site.0.path().join("pods")).expect("a directory");
    let wrapped = |tag, text| format!("2026-08-21T10:15:30.5Z stderr {tag} {text}\n");
    let lines = [
        wrapped("P", r#"{"level":"info","usr":"ann","mess"#),
        wrapped("F", r#"age":"paid by 4111-1111-1111-1111"}"#),
        wrapped("F", r#"{"level":"debug","message":"noise"}"#),
        wrapped("F", "Exception in thread \"main\" java.io.IOException: no"),
        wrapped("F", "\tat a.B.c(B.java:3)"),
    ];
    site.write("pods/0.log", lines.concat());
    let output = site.blueox(&["explain", "pods/0.log", "-c", "c.yaml"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    for piece in [
        "lines 1–2\n  joined    2 lines of the file: pieces that the container runtime cut\n  \
         container stderr, taken at 2026-08-21T10:15:30.5Z\n",
        "renamed   usr → user.name\n",
        "processor redact: changed 1 values\n",
        "\"message\":\"paid by ***\"",
        "line 3\n",
        "processor drop: the event ends here, counted as filtered\n  document  none",
        "lines 4–5\n  joined    2 lines of the file: a stack trace\n",
        "processor sample: one in 7 such events goes on, chosen by its id\n",
        "\"sample_rate\":7",
        "processor rate_limit: at most 5 events in 1s go on\n",
    ] {
        assert!(text.contains(piece), "{piece}\n{text}");
    }
    assert!(!text.contains("4111"), "{text}");
    // A file that no input reads is not taken for one of them.
    site.write("other.log", "{}\n");
    let output = site.blueox(&["explain", "other.log", "-c", "c.yaml"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("`other.log` is read by none of the 2 inputs of `c.yaml`"),
        "{}",
        stderr(&output)
    );
    // Without a configuration traces are joined all the same.
    site.write("app.log", "10:15 ERROR x\njava.io.IOException: no\n\tat a.B.c(B.java:3)\nnext\n");
    let text = stdout(&site.blueox(&["explain", "app.log"], &[]));
    assert!(text.starts_with("lines 1–3\n  joined    3 lines of the file: a stack trace\n"), "{text}");
    assert!(text.contains("\n  mapped    (stack trace) → error.type\n"), "{text}");
    assert!(text.contains("\nline 4\n"), "{text}");
}

#[test]
fn explain_shows_what_a_syslog_header_says() {
    let site = Site::new();
    let inputs = "inputs:\n  - {paths: [app.log]}\n  - {id: drain, type: syslog, listen: '127.0.0.1:5514'}\n";
    site.write("c.yaml", format!("{inputs}output: {{stdout: {{}}}}\n"));
    let messages = "<165>1 2026-08-21T10:15:30.5Z web-1 shop 4711 ID47 [ex@32473 team=\"a\"] {\"level\":\"warn\",\"message\":\"paid\"}\n\
                    <13>Aug 21 10:15:30 web-2 sshd[7]: x.Error: no\n\
                    no header\n";
    site.write("messages", messages);
    let output = site.blueox(&["explain", "messages", "-c", "c.yaml", "--input", "drain"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let parts: Vec<&str> = text.split("\nline ").collect();
    assert_eq!(parts.len(), 3, "{text}");
    for (part, pieces) in parts.iter().zip([
        &[
            "syslog    RFC 5424, facility local4, severity Notice",
            "mapped    level → log.level",
            "mapped    <PRI> → log.syslog.facility.name",
            "mapped    <PRI> → log.syslog.severity.name",
            "mapped    <TIMESTAMP> → @timestamp",
            "mapped    <HOSTNAME> → host.name",
            "mapped    <APP-NAME> → process.name",
            "mapped    <PROCID> → process.pid",
            "mapped    <MSGID> → log.syslog.msgid",
            "label     ex_team → labels.ex_team",
            "\"message\":\"paid\"",
        ][..],
        &[
            "syslog    RFC 3164, facility user, severity Notice",
            "mapped    <PRI> → log.level",
            "mapped    <APP-NAME> → log.syslog.appname",
        ],
        &["syslog    no header, ships as it is", "\"message\":\"no header\""],
    ]) {
        for piece in pieces {
            assert!(
                part.contains(&format!("{piece}\n")) || part.contains(&format!("{piece},")),
                "{piece}\n{part}"
            );
        }
    }
    assert!(!parts[0].contains("<PRI> → log.level"), "{}", parts[0]);
    // An input can only be one that is there.
    let output = site.blueox(&["explain", "messages", "-c", "c.yaml", "--input", "sink"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("--input `sink`: the inputs of `c.yaml` are `drain`"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn own_log_is_one_json_object_a_line() {
    let site = Site::new();
    site.write("a.log", "{}\n");
    let port = bench::process::free_address().expect("a free address");
    // A state directory that cannot be: the run fails after the configuration is known to be valid.
    site.write("c.yaml", format!("{}state: {{path: a.log/state}}\nmonitoring: {{listen: '{port}'}}\n", GOOD));
    let output = site.blueox(&["run", "-c", "c.yaml"], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let last = stderr(&output).lines().last().map(str::to_owned).expect("a record");
    let record: serde_json::Value = serde_json::from_str(&last).expect("JSON");
    assert_eq!(
        (&record["v"], &record["name"], &record["level"]),
        (&0.into(), &"blueox".into(), &50.into()),
        "{last}"
    );
}
