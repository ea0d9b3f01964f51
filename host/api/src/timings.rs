//! How long calls take, by method: the instruments are looked up once and not at each call.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::Histogram;
use wire::{OPERATIONS, Operation};

/// An instrument for each operation and outcome, made when it is first needed: what nobody calls is not shown.
#[derive(Clone)]
pub(crate) struct Timings(Arc<[[OnceLock<Histogram>; 2]]>);

impl Default for Timings {
    fn default() -> Self {
        Self(OPERATIONS.iter().map(|_| Default::default()).collect())
    }
}

impl Timings {
    /// Notes how long a call took.
    pub(crate) fn record(&self, operation: &Operation, is_ok: bool, took: Duration) {
        let Ok(place) = OPERATIONS.binary_search_by(|known| known.name.cmp(operation.name)) else { return };
        let instrument = self.0[place][usize::from(is_ok)].get_or_init(|| {
            let status = if is_ok { "ok" } else { "error" };
            metrics::histogram!("xylem_api_seconds", "method" => operation.name, "status" => status)
        });
        instrument.record(took.as_secs_f64());
    }
}
