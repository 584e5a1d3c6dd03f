//! The logger somebody forgot to turn down: its module is heard at DEBUG, see [`NOISY_TARGET`](crate::log::NOISY_TARGET).

use super::App;
use crate::log::field;
use std::sync::Arc;
use std::time::Duration;
use tracing::debug;

const INTERVAL: Duration = Duration::from_millis(100);

/// Writes as many lines a second as the fault says, for ever.
pub(super) async fn make(app: Arc<App>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    let mut owed = 0.0;
    loop {
        ticks.tick().await;
        owed += f64::from(app.faults.noise()) * INTERVAL.as_secs_f64();
        while owed >= 1.0 {
            debug!({ field::CACHE_KEY } = fastrand::u16(..), "entry looked at");
            owed -= 1.0;
        }
    }
}
