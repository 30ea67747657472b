//! Metrics: how the cloud does, for Prometheus, at an address of this machine alone.
//!
//! Promises: nobody's name, meter or address is in them, and no label takes a value that
//! somebody outside can make up. What counts all nodes (gateways, due messages) is looked up
//! when it is asked for; everything else is of this process.

mod scrape;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub use self::scrape::serve;

/// Upper bounds of the buckets of request durations, in seconds: from a page to a long poll.
const DURATION_BUCKETS_S: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 25.0, 60.0];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    job: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

/// The metrics of this process. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    batches: Counter,
    kept: Counter,
    rejected: Counter,
    lost: Counter,
    requests: Family<RequestLabels, Histogram>,
    job_runs: Family<JobLabels, Gauge>,
    job_failures: Family<JobLabels, Counter>,
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            batches: Counter::default(),
            kept: Counter::default(),
            rejected: Counter::default(),
            lost: Counter::default(),
            requests: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS_S)),
            job_runs: Family::default(),
            job_failures: Family::default(),
        }
    }
}

impl Metrics {
    /// Counts a batch that was committed: readings that came, of which so many were set
    /// apart, and numbers noted as lost.
    pub fn batch(&self, readings: usize, rejected: usize, lost: u64) {
        let counted = &self.0;
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        counted.batches.inc();
        counted.kept.inc_by(wide(readings.saturating_sub(rejected)));
        counted.rejected.inc_by(wide(rejected));
        counted.lost.inc_by(lost);
    }

    /// Notes how a run of a job ended at `now`.
    pub fn job(&self, job: &'static str, succeeded: bool, now: Timestamp) {
        let labels = JobLabels { job };
        // Present from the first run on, so that a rate can be told.
        let failures = self.0.job_failures.get_or_create(&labels);
        if succeeded {
            let runs = self.0.job_runs.get_or_create(&labels);
            runs.set(now.as_second());
        } else {
            failures.inc();
        }
    }

    fn request(&self, labels: &RequestLabels, took: Duration) {
        let requests = self.0.requests.get_or_create(labels);
        requests.observe(took.as_secs_f64());
    }

    fn register(&self, registry: &mut Registry) {
        let counted = &self.0;
        registry.register("batches", "Batches committed", counted.batches.clone());
        registry.register(
            "readings_kept",
            "Readings that came in committed batches and were kept, repeated ones included",
            counted.kept.clone(),
        );
        registry.register(
            "readings_rejected",
            "Readings that were set apart",
            counted.rejected.clone(),
        );
        registry.register(
            "readings_lost",
            "Readings that gateways reported as lost",
            counted.lost.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "How long requests took, by route",
            Unit::Seconds,
            counted.requests.clone(),
        );
        registry.register_with_unit(
            "job_last_success_timestamp",
            "When the job last ended well, since 1970",
            Unit::Seconds,
            counted.job_runs.clone(),
        );
        registry.register(
            "job_failures",
            "Runs of the job that failed",
            counted.job_failures.clone(),
        );
    }
}

/// Times every request by the pattern of its route.
pub async fn time_requests(
    State(metrics): State<Metrics>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str).to_owned();
    let method = match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        _ => "other",
    };
    let begun = std::time::Instant::now();
    let response = next.run(request).await;
    let labels = RequestLabels {
        method,
        route,
        status: response.status().as_u16(),
    };
    metrics.request(&labels, begun.elapsed());
    response
}
