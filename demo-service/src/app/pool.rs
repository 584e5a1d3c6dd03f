//! A database and the few connections to it.

use super::compute::blocking;
use super::failure::Failure;
use super::gauge::Gauge;
use axum::http::StatusCode;
use rusqlite::Connection;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

/// Orders in the database.
const ORDERS: u64 = 5_000;

/// Connections, those who wait for one, and room for so many of them.
pub(super) struct Pool {
    free: Arc<Semaphore>,
    /// Open and unused; a permit without one of these opens its own.
    idle: Mutex<Vec<Connection>>,
    waiting: Gauge,
    size: u16,
    queue: u16,
    leak: Mutex<Option<AbortHandle>>,
}

impl Pool {
    pub(super) fn new(size: u16, queue: u16) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(size.into())),
            idle: Mutex::default(),
            waiting: Gauge::default(),
            size,
            queue,
            leak: Mutex::default(),
        })
    }

    /// Runs `work` on the next free connection; fails at once where as many wait as may.
    pub(super) async fn query<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (pool, permit) = (Arc::clone(self), self.permit().await?);
        let result = blocking(move || {
            let idle = || pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let unused = idle().pop();
            let connection = unused.map_or_else(database, Ok)?;
            let result = work(&connection);
            idle().push(connection);
            // Only now, so that the next one finds the connection.
            drop(permit);
            result
        });
        result.await.map_err(refused)
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Failure> {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = self.waiting.enter_below(self.queue.into()).ok_or_else(full)?;
        Ok(Arc::clone(&self.free).acquire_owned().await.expect("nobody closes the semaphore"))
    }

    /// Makes connections leak until `left` are left, or brings them back.
    pub(super) fn leave(&self, left: u16) {
        let leaked = u32::from(self.size.saturating_sub(left));
        let permits = Arc::clone(&self.free).acquire_many_owned(leaked);
        let leak = async move {
            let _permits = permits.await;
            std::future::pending::<()>().await;
        };
        let task = tokio::spawn(leak).abort_handle();
        let before = self.leak.lock().unwrap_or_else(PoisonError::into_inner).replace(task);
        if let Some(before) = before {
            before.abort();
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.size.into()
    }

    pub(super) fn queue(&self) -> u64 {
        self.queue.into()
    }

    /// Connections in use, leaked ones included.
    pub(super) fn used(&self) -> u64 {
        self.size().saturating_sub(self.free.available_permits() as u64)
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.value()
    }
}

fn full() -> Failure {
    Failure::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "PoolFull",
        "all connections to the database are in use and as many wait as may",
    )
}

fn refused(error: rusqlite::Error) -> Failure {
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "DatabaseError", "the database refused the query")
        .because(error)
}

/// A database of its own in memory.
fn database() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(&format!(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, cents INTEGER NOT NULL);
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {ORDERS} - 1)
         INSERT INTO orders SELECT i, i * 7919 % 100, 100 + i * 104729 % 10000 FROM n;"
    ))?;
    Ok(connection)
}

/// Customers with the highest turnover, seen over `rows` orders; beyond those there are, from the first again.
pub(super) fn best_customers(connection: &Connection, rows: u64) -> rusqlite::Result<Value> {
    let mut query = connection.prepare(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
         SELECT customer, count(*), sum(cents) AS turnover FROM n JOIN orders ON id = i % {ORDERS}
         GROUP BY customer ORDER BY turnover DESC, customer LIMIT 3"
    ))?;
    let rows = query.query_map([rows as i64], |row| {
        let (customer, orders, cents): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(serde_json::json!({"customer": customer, "orders": orders, "cents": cents}))
    })?;
    rows.collect()
}
