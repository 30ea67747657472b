//! What Prometheus reads.

use super::*;

fn status() -> Status {
    let counts = serde_json::json!({
        "answers": 40, "faults": 3, "unsolicited_bytes": 1, "stray_bytes": 2,
        "echoes": 0, "strangers": 4, "late": 5, "probes": 0,
    });
    let status = serde_json::json!({
        "software": "enervue-gateway 0.1.0", "now": "2026-11-24T08:26:00Z",
        "clock": { "trust": "trusted", "source": "ntp", "machine_ahead_ms": -1_250 },
        "machine": {
            "up_s": 86_400, "running_s": 90, "disk_free_bytes": 1_000_000_000,
            "disk_bytes": 16_000_000_000_u64, "temperature_m_c": 48_300,
        },
        "problems": ["a"], "cloud": { "standing": "connected",
            "last_sync_at": "2026-11-24T08:25:59.500Z" }, "lost": 0,
        "buffer": {
            "epoch": "0000000000001", "last_seq": 9, "acknowledged_through": 7,
            "waiting": 2, "kept": 9, "rejected": 1, "oldest_at": null, "set_aside": null,
                "began_at": "2026-11-01T00:00:00Z", "origin": "new", "lost": 0, "damaged": 0,
                "salvaged": 0, "bytes": 4096, "bytes_max": 1_048_576, "disk_full": false,
                "oldest_waiting_at": null,
        },
        "buses": [{ "name": "main", "line": "", "usable": true, "error": null,
            "counts": counts }],
        "devices": [{
            "id": "0000000000001", "label": "Local \"101\"\n", "bus": "main", "unit_id": 1,
            "profile": "eastron-sdm120", "last_good_at": "2026-11-24T08:25:00Z", "last": null,
            "answered": 40, "failed": 3, "error": null, "breaker": null,
            "traffic": { "requests": 50, "answers": 43, "timeouts": 7 },
        }],
    });
    serde_json::from_value(status).unwrap()
}

#[test]
fn the_figures_are_named_by_prometheus_conventions() {
    let text = exposition(&status());
    let device = r#"device="0000000000001",label="Local \"101\"\n",bus="main""#;
    for line in [
        "enervue_gateway_build_info{software=\"enervue-gateway 0.1.0\"} 1".to_owned(),
        "enervue_gateway_disk_free_bytes 1000000000".to_owned(),
        "enervue_gateway_temperature_celsius 48.3".to_owned(),
        "enervue_gateway_clock_machine_ahead_seconds -1.25".to_owned(),
        "enervue_gateway_cloud_last_sync_timestamp_seconds 1795508759.5".to_owned(),
        "enervue_gateway_buffer_readings_total 9".to_owned(),
        "enervue_gateway_bus_late_replies_total{bus=\"main\"} 5".to_owned(),
        format!("enervue_gateway_device_up{{{device}}} 1"),
        format!("enervue_gateway_device_requests_total{{{device}}} 50"),
        "# TYPE enervue_gateway_device_requests_total counter".to_owned(),
        "# TYPE enervue_gateway_device_up gauge".to_owned(),
    ] {
        let found = text.lines().any(|found| found == line);
        assert!(found, "no line {line} in\n{text}");
    }
}

#[test]
fn what_is_not_known_is_not_there() {
    let mut status = status();
    status.machine.temperature_m_c = None;
    status.machine.disk_bytes = 0;
    status.cloud.last_sync_at = None;
    status.devices[0].last_good_at = None;
    let text = exposition(&status);
    for name in [
        "temperature",
        "disk_",
        "last_sync",
        "last_good_timestamp_seconds{",
    ] {
        assert!(!text.contains(name), "{name} in\n{text}");
    }
    assert!(text.contains("device_up{") && text.ends_with('\n'));
}
