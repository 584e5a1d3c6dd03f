//! Documents as NDJSON, into a file or to standard output.

use super::backoff::{Backoff, Delays};
use super::{OutputError, OutputState, SettleSink, Settlement};
use crate::batch::Batch;
use bytes::Bytes;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;
use tracing::{error, info};

/// Appends to a file. A batch is settled once its bytes are synced to disk. The file is opened for each batch, so it can be
/// rotated by renaming it.
///
/// If the disk is full or the file cannot be written, the rest of the batch is tried again until it can.
pub(super) async fn run_file(
    path: &Path,
    mut batches: mpsc::Receiver<Batch>,
    settle: SettleSink,
    state: Arc<OutputState>,
) {
    let name = path.display().to_string();
    state.update(|state| state.host.clone_from(&name));
    let mut backoff = Backoff::new(Delays::default(), 1);
    while let Some(batch) = batches.recv().await {
        let mut rest = batch.raw();
        loop {
            let (written, result) = append_blocking(path.to_owned(), rest.clone()).await;
            rest = rest.slice(written..);
            match result {
                Ok(()) => break,
                Err(failure) => {
                    let reason =
                        format!("cannot write to `{name}`: {failure}; free space or correct its permissions");
                    if backoff.failures() == 0 {
                        error!(file = %name, error = %failure, "cannot write to the output file, trying again; nothing is dropped");
                    }
                    state.update(|state| {
                        state.hold(&batch.index, &reason);
                        state.last_error = Some(reason);
                        state.reachable = false;
                    });
                    tokio::time::sleep(backoff.next_delay()).await;
                }
            }
        }
        if backoff.failures() > 0 {
            info!(file = %name, "output file can be written again");
            state.update(|state| state.release(&batch.index));
        }
        backoff.reset();
        settle_stored(batch, &settle, &state);
    }
}

/// Writes to standard output and flushes after each batch. Ends when the reader is gone.
pub(super) async fn run_stdout(
    mut batches: mpsc::Receiver<Batch>,
    settle: SettleSink,
    state: Arc<OutputState>,
) -> Result<(), OutputError> {
    state.update(|state| "stdout".clone_into(&mut state.host));
    while let Some(batch) = batches.recv().await {
        let raw = batch.raw();
        let result = blocking(move || {
            let mut stdout = io::stdout().lock();
            stdout.write_all(&raw).and_then(|()| stdout.flush())
        });
        result.await.map_err(|source| match source.kind() {
            ErrorKind::BrokenPipe => OutputError::StdoutClosed,
            _ => OutputError::Stdout(source),
        })?;
        settle_stored(batch, &settle, &state);
    }
    Ok(())
}

async fn append_blocking(path: PathBuf, rest: Bytes) -> (usize, io::Result<()>) {
    blocking(move || append(&path, &rest)).await
}

/// How much was written, and whether all of it is on disk.
fn append(path: &Path, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut file = match OpenOptions::new().append(true).create(true).open(path) {
        Ok(file) => file,
        Err(failure) => return (0, Err(failure)),
    };
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(failure) if failure.kind() == ErrorKind::Interrupted => {}
            Err(failure) => return (written, Err(failure)),
        }
    }
    // A pipe or a terminal has nothing to sync.
    match file.sync_data() {
        Err(failure) if failure.kind() != ErrorKind::InvalidInput => (written, Err(failure)),
        _ => (written, Ok(())),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

fn settle_stored(batch: Batch, settle: &SettleSink, state: &OutputState) {
    state.update(|state| {
        state.requests += 1;
        state.bytes_sent += u64::from(batch.raw_len);
        state.last_error = None;
        state.reachable = true;
    });
    let Batch { index, runs, items, .. } = batch;
    settle(Settlement { index, runs, items, fates: Vec::new(), backing_index: None, last: true });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Compressor, EventMeta, Form, OpenBatch};
    use crate::file::{FileKey, Lineage};
    use std::sync::Mutex;

    fn batch(starts: std::ops::Range<u64>, level: u8) -> Batch {
        let mut open = OpenBatch::new("logs-app-default".into(), Form::Documents, 1 << 20);
        for start in starts {
            let (file, lineage) = (FileKey(1), Lineage([1; 6]));
            let meta = EventMeta { file, lineage, start, end: start + 1, checksum: 1, uncertain: false };
            open.push(meta, |body| body.extend_from_slice(format!("{{\"n\":{start}}}").as_bytes()));
        }
        open.seal(&mut Compressor::new(level))
    }

    fn sink() -> (SettleSink, Arc<Mutex<Vec<Settlement>>>) {
        let settled = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&settled);
        (Arc::new(move |settlement| shared.lock().unwrap().push(settlement)), settled)
    }

    #[tokio::test]
    async fn documents_are_appended_to_the_file_before_they_settle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.ndjson");
        std::fs::write(&path, "before\n").unwrap();
        let (sender, receiver) = mpsc::channel(2);
        let (settle, settled) = sink();
        sender.send(batch(0..2, 0)).await.unwrap();
        sender.send(batch(2..3, 1)).await.unwrap();
        drop(sender);
        run_file(&path, receiver, settle, Arc::default()).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\n{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n");
        let settled = settled.lock().unwrap();
        assert!(
            settled.len() == 2
                && settled.iter().all(|settlement| settlement.last && settlement.fates.is_empty())
        );
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_holds_and_recovers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("later/out.ndjson");
        let (sender, receiver) = mpsc::channel(1);
        let (settle, settled) = sink();
        let state: Arc<OutputState> = Arc::default();
        sender.send(batch(0..1, 0)).await.unwrap();
        drop(sender);
        let make_folder = async {
            while state.snapshot().held.is_empty() {
                tokio::task::yield_now().await;
            }
            assert!(settled.lock().unwrap().is_empty());
            std::fs::create_dir(path.parent().unwrap()).unwrap();
        };
        tokio::join!(run_file(&path, receiver, settle, Arc::clone(&state)), make_folder);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"n\":0}\n");
        assert!(state.snapshot().held.is_empty());
    }
}
