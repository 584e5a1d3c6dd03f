//! A client of the page's HTTP API.

use elk_setup::transport::{Reply, Request, Transport, Unreachable};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Without this header nothing is changed.
pub(crate) const XSRF: [(&str, &str); 1] = [("kbn-xsrf", "test")];

/// What `blueox setup` talks through.
pub(crate) struct Direct {
    url: String,
    address: SocketAddr,
}

impl Direct {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { url: format!("http://{address}"), address }
    }

    pub(crate) fn exchange(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.try_exchange(method, target, headers, body).unwrap()
    }

    fn try_exchange(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Reply> {
        let mut stream = TcpStream::connect(self.address)?;
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(Reply { status, body: body.as_bytes().to_vec() })
    }

    pub(crate) fn get(&self, target: &str) -> (u16, Value) {
        let reply = self.exchange("GET", target, &[], b"");
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    }

    pub(crate) fn import(&self, ndjson: &str, query: &str, token: &[(&str, &str)]) -> (u16, Value) {
        let reply = self.try_import(ndjson, query, token).unwrap();
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    }

    pub(crate) fn try_import(
        &self,
        ndjson: &str,
        query: &str,
        token: &[(&str, &str)],
    ) -> std::io::Result<Reply> {
        let form = format!(
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.ndjson\"\r\n\r\n{ndjson}\r\n--b--\r\n"
        );
        let mut headers = vec![("Content-Type", "multipart/form-data; boundary=b")];
        headers.extend(token);
        let target = format!("/api/saved_objects/_import{query}");
        self.try_exchange("POST", &target, &headers, form.as_bytes())
    }
}

impl Transport for Direct {
    fn url(&self) -> &str {
        &self.url
    }

    fn send(&mut self, request: &Request) -> Result<Reply, Unreachable> {
        let mut headers = request.headers.to_vec();
        let body = request.body.as_ref().map_or(&b""[..], |(_, body)| body);
        headers.extend(request.body.as_ref().map(|(kind, _)| ("Content-Type", kind.as_str())));
        Ok(self.exchange(request.method.name(), &request.target, &headers, body))
    }

    fn pause(&mut self, why: &str) -> bool {
        panic!("nothing here has to be waited for: {why}")
    }
}
