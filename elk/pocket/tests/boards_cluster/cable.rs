//! The way from the viewer to its cluster, which can break in the middle of an answer.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Forwards connections; ends with the process.
pub(crate) struct Cable {
    pub(crate) url: String,
    broken: Arc<AtomicBool>,
}

impl Cable {
    /// To `HOST:PORT`.
    pub(crate) fn to(cluster: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let broken = Arc::new(AtomicBool::new(false));
        let (cluster, state) = (cluster.to_owned(), Arc::clone(&broken));
        thread::spawn(move || {
            for viewer in listener.incoming().map_while(Result::ok) {
                let (cluster, state) =
                    (TcpStream::connect(&cluster).expect("the cluster"), Arc::clone(&state));
                let (mut asks, mut asked) =
                    (viewer.try_clone().expect("a copy"), cluster.try_clone().expect("a copy"));
                thread::spawn(move || {
                    std::io::copy(&mut asks, &mut asked).and_then(|_| asked.shutdown(Shutdown::Write))
                });
                thread::spawn(move || answers(cluster, viewer, &state));
            }
        });
        Self { url, broken }
    }

    /// From here on half an answer comes, and then the end of the connection.
    pub(crate) fn break_off(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.broken.store(false, Ordering::SeqCst);
    }
}

fn answers(mut cluster: TcpStream, mut viewer: TcpStream, broken: &AtomicBool) {
    let mut part = vec![0; 16 << 10];
    while let Ok(length @ 1..) = cluster.read(&mut part) {
        let is_broken = broken.load(Ordering::SeqCst);
        let sent = if is_broken { length / 2 } else { length };
        if viewer.write_all(&part[..sent]).is_err() || is_broken {
            break;
        }
    }
    // Either end may be gone already.
    let _ = viewer.shutdown(Shutdown::Both);
    let _ = cluster.shutdown(Shutdown::Both);
}
