//! The metrics as Prometheus gets them, read by its own parser.

use std::io::Write as _;
use std::process::{Command, Stdio};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use tower::ServiceExt as _;

use super::*;
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_FILE};
use crate::run::{App, router};
use crate::site::GatewayKind;
use crate::store::testing::{on_both_engines, world};

async fn scrape(app: &App) -> String {
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let response = scrape::router(app.clone()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
    String::from_utf8(body.unwrap().to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_counted_and_prometheus_reads_it() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        world(&mut t, GatewayKind::Gateway).await;
        t.commit().await.unwrap();
        let config = Config::read(DEFAULT_FILE, "", []).unwrap();
        let app = App::new(store, Clock::real(), config, crate::issuer::tests::key()).unwrap();
        app.metrics.batch(10, 2, 5);
        let now = "2026-11-24T18:00:00Z".parse().unwrap();
        app.metrics.job("close_periods", true, now);
        app.metrics.job("send_notices", false, now);
        for path in ["/sign-in", "/meters/0000000000001", "/nobody/made/this"] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            router(app.clone()).oneshot(request).await.unwrap();
        }
        let mut t = app.store.read().await.unwrap();
        t.execute("UPDATE nothing SET a = 1", &[])
            .await
            .unwrap_err();
        drop(t);
        let page = scrape(&app).await;
        for line in [
            "enervue_cloud_build_info{version=\"0.1.0\"} 1\n",
            "enervue_cloud_batches_total 1\n",
            "enervue_cloud_readings_kept_total 8\n",
            "enervue_cloud_readings_rejected_total 2\n",
            "enervue_cloud_readings_lost_total 5\n",
            "enervue_cloud_job_last_success_timestamp_seconds{job=\"close_periods\"} 1795543200\n",
            "enervue_cloud_job_failures_total{job=\"send_notices\"} 1\n",
            "enervue_cloud_job_failures_total{job=\"close_periods\"} 0\n",
            "enervue_cloud_gateways{state=\"not_enrolled\"} 1\n",
            "enervue_cloud_gateways{state=\"online\"} 0\n",
            "enervue_cloud_notices_due 0\n",
            "enervue_cloud_database_errors_total 1\n",
            "_count{method=\"GET\",route=\"/sign-in\",status=\"200\"} 1\n",
            "_count{method=\"GET\",route=\"/meters/{meter}\",status=\"303\"} 1\n",
            "_count{method=\"GET\",route=\"none\",status=\"404\"} 1\n",
        ] {
            assert!(page.contains(line), "{line}: {page}");
        }
        parse(&page);
    })
    .await;
}

/// The parser of Prometheus' own Python library finds nothing wrong with the page.
fn parse(page: &str) {
    const PROGRAM: &str = "import sys\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families\n\
        assert len(list(text_string_to_metric_families(sys.stdin.read()))) > 9\n";
    let python = std::env::var("ENERVUE_TEST_PYTHON")
        .unwrap_or_else(|_| panic!("ENERVUE_TEST_PYTHON is not set: run tests/run core"));
    let mut parser = Command::new(python)
        .args(["-c", PROGRAM])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = parser.stdin.take().unwrap();
    input.write_all(page.as_bytes()).unwrap();
    drop(input);
    let output = parser.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}: {page}");
}
