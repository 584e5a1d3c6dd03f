//! Chromium, driven through its DevTools protocol: one browser, one page.

use base64::Engine;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// It answers within this, or the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running Chromium with an empty profile; ended and removed when dropped.
pub(crate) struct Browser {
    child: Child,
    _profile: TempDir,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: String,
    calls: u64,
    /// Errors of the console, uncaught exceptions, breaches of the content policy, dialogs.
    pub(crate) problems: Vec<String>,
}

/// What a page holds, after a collection of garbage.
#[derive(Debug, Clone, Copy)]
#[allow(dead_code, reason = "one of the suites measures")]
pub(crate) struct Memory {
    /// Of the script, in bytes.
    pub(crate) heap: f64,
    pub(crate) nodes: f64,
    pub(crate) listeners: f64,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    /// Starts Chromium and opens an empty page.
    pub(crate) async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--remote-debugging-port=0", "--hide-scrollbars", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("chromium is not installed");
        let mut told = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = told
            .find_map(|line| line.strip_prefix("DevTools listening on ").map(str::to_owned))
            .expect("chromium ended before it listened");
        // What else it tells must not fill the pipe.
        std::thread::spawn(move || told.for_each(drop));
        let (socket, _) = tokio_tungstenite::connect_async(address).await.unwrap();
        let mut browser =
            Self { child, _profile: profile, socket, session: String::new(), calls: 0, problems: Vec::new() };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach).await;
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Runtime", "Log", "Page"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser
    }

    /// Width, height and colours of the screen.
    pub(crate) async fn screen(&mut self, width: u32, height: u32, scheme: &str) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", media).await;
    }

    /// Goes to an address.
    pub(crate) async fn open(&mut self, address: &str) {
        self.call("Page.navigate", json!({"url": address})).await;
        self.until("document.body?.classList.contains('loaded')").await;
    }

    /// The value of an expression in the page.
    pub(crate) async fn value(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", asked).await;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits for an expression to become true.
    pub(crate) async fn until(&mut self, expression: &str) {
        let wait = async {
            while self.value(&format!("Boolean({expression})")).await != json!(true) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            let page = self.value("document.body.innerText").await;
            panic!("not so: {expression}\nproblems: {:#?}\npage: {page}", self.problems);
        }
    }

    /// Presses a key, by its name and, where it has one, its character.
    pub(crate) async fn press(&mut self, key: &str) {
        let text = match key {
            "Enter" => "\r",
            key if key.chars().count() == 1 => key,
            _ => "",
        };
        let down = json!({"type": "keyDown", "key": key, "text": text});
        self.call("Input.dispatchKeyEvent", down).await;
        self.call("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key})).await;
    }

    /// Types into what has the focus.
    pub(crate) async fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// `mouseMoved`, `mousePressed` or `mouseReleased` at a point.
    pub(crate) async fn mouse(&mut self, kind: &str, x: f64, y: f64) {
        let button = if kind == "mouseMoved" { 0 } else { 1 };
        let event =
            json!({"type": kind, "x": x, "y": y, "button": "left", "buttons": button, "clickCount": 1});
        self.call("Input.dispatchMouseEvent", event).await;
    }

    /// The page as PNG.
    pub(crate) async fn picture(&mut self) -> Vec<u8> {
        let answer = self.call("Page.captureScreenshot", json!({"format": "png"})).await;
        base64::engine::general_purpose::STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }

    /// What the page holds now.
    #[allow(dead_code, reason = "one of the suites measures")]
    pub(crate) async fn memory(&mut self) -> Memory {
        self.call("HeapProfiler.collectGarbage", json!({})).await;
        let heap = self.call("Runtime.getHeapUsage", json!({})).await;
        let counters = self.call("Memory.getDOMCounters", json!({})).await;
        Memory {
            heap: heap["usedSize"].as_f64().unwrap(),
            nodes: counters["nodes"].as_f64().unwrap(),
            listeners: counters["jsEventListeners"].as_f64().unwrap(),
        }
    }

    async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let mut call = json!({"id": self.calls, "method": method, "params": parameters});
        if !self.session.is_empty() {
            call["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(call.to_string())).await.unwrap();
        let answer = tokio::time::timeout(PATIENCE, self.answer(self.calls)).await;
        answer.unwrap_or_else(|_| panic!("chromium did not answer {method}"))
    }

    async fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.socket.next().await.expect("chromium closed the connection").unwrap();
            let Message::Text(text) = message else { continue };
            let mut message: Value = serde_json::from_str(&text).unwrap();
            if message["id"] == id {
                assert!(message.get("error").is_none(), "{message}");
                return message["result"].take();
            }
            self.problems.extend(problem(&message));
        }
    }
}

fn problem(event: &Value) -> Option<String> {
    let told = &event["params"];
    let bad = match event["method"].as_str()? {
        "Runtime.exceptionThrown" | "Page.javascriptDialogOpening" => true,
        "Runtime.consoleAPICalled" => told["type"] == "error" || told["type"] == "warning",
        "Log.entryAdded" => told["entry"]["level"] == "error",
        _ => false,
    };
    bad.then(|| told.to_string())
}
