//! Every curve of the public API from the source it is made of, and what is left out.

use serde_json::{Value, json};

use super::super::Granularity;
use super::super::answer::tests::answer;
use super::*;

/// Checks that every curve has all of its points, of which nothing but the last `known` is known, and leaves those.
fn cut(value: &mut Value, known: usize) {
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| cut(member, known)),
        Value::Array(values) if !values.is_empty() => {
            let unknown = 120 - known;
            assert!(values.len() == 120 && values[..unknown].iter().all(Value::is_null), "{values:?}");
            values.drain(..unknown);
        }
        _ => {}
    }
}

/// Returns what is told of an owner whose sources have these values, at two points.
fn told(sources: &[(&str, &str, &str)], of: Of) -> Value {
    let kind = if of == Of::Host { "host" } else { "vm" };
    let legend: Vec<_> = sources.iter().map(|(name, ..)| format!("'AVERAGE:{kind}:u:{name}'")).collect();
    let row = |t, values: Vec<&str>| format!("{{t:{t},values:[{}]}}", values.join(","));
    let old = row(5, sources.iter().map(|(_, old, _)| *old).collect());
    let new = row(10, sources.iter().map(|(_, _, new)| *new).collect());
    let body = format!("{{meta:{{start:5,step:5,end:10,legend:[{}]}},data:[{new},{old}]}}", legend.join(","));
    let answer = Arc::new(answer(&body, Granularity::Seconds, 12_345).unwrap());
    let mut told = serde_json::to_value(Stats { answer, uuid: "u".into(), of }).unwrap();
    cut(&mut told, 2);
    told
}

fn stats(sources: &[(&str, &str, &str)], of: Of) -> Value {
    told(sources, of)["stats"].take()
}

#[test]
fn a_frame_around_the_curves() {
    assert_eq!(
        told(&[("loadavg", "NaN", "0.5")], Of::Host),
        json!({ "endTimestamp": 10, "interval": 5, "localTimestamp": 12, "stats": { "load": [null, 0.5] } })
    );
}

#[test]
fn curves_of_hosts() {
    for (source, value, wanted) in [
        ("loadavg", "0.25", json!({ "load": [0.25, 0.25] })),
        ("hostload", "0.25", json!({ "hostload": [0.25, 0.25] })),
        ("running_vcpus", "7", json!({ "runningVcpus": [7.0, 7.0] })),
        ("memory_total_kib", "1024", json!({ "memory": [1_048_576.0, 1_048_576.0] })),
        ("memory_free_kib", "2", json!({ "memoryFree": [2048.0, 2048.0] })),
        ("memory_reclaimed", "2", json!({ "memoryReclaimed": [2.0, 2.0] })),
        ("memory_reclaimed_max", "2", json!({ "memoryReclaimedMax": [2.0, 2.0] })),
        ("cpu11", "0.5", json!({ "cpus": { "11": [50.0, 50.0] } })),
        ("pif_eth0_rx", "9", json!({ "pifs": { "rx": { "0": [9.0, 9.0] } } })),
        ("pif_eth10_tx", "9", json!({ "pifs": { "tx": { "10": [9.0, 9.0] } } })),
        ("pif_aggr_rx", "9", json!({ "pifsAggr": { "rx": [9.0, 9.0] } })),
        ("pif_aggr_tx", "9", json!({ "pifsAggr": { "tx": [9.0, 9.0] } })),
        ("iops_read_0a1b2c3d", "9", json!({ "iops": { "r": { "0a1b2c3d": [9.0, 9.0] } } })),
        ("iops_write_0a1b2c3d", "9", json!({ "iops": { "w": { "0a1b2c3d": [9.0, 9.0] } } })),
        ("iops_total_0a1b2c3d", "9", json!({ "iops": { "total": { "0a1b2c3d": [9.0, 9.0] } } })),
        (
            "io_throughput_read_0a1b2c3d",
            "2",
            json!({ "ioThroughput": { "r": { "0a1b2c3d": [2_097_152.0, 2_097_152.0] } } }),
        ),
        (
            "io_throughput_write_0a1b2c3d",
            "2",
            json!({ "ioThroughput": { "w": { "0a1b2c3d": [2_097_152.0, 2_097_152.0] } } }),
        ),
        (
            "io_throughput_total_0a1b2c3d",
            "2",
            json!({ "ioThroughput": { "total": { "0a1b2c3d": [2_097_152.0, 2_097_152.0] } } }),
        ),
        ("read_latency_0a1b2c3d", "1500", json!({ "latency": { "r": { "0a1b2c3d": [1.5, 1.5] } } })),
        ("write_latency_0a1b2c3d", "1500", json!({ "latency": { "w": { "0a1b2c3d": [1.5, 1.5] } } })),
        ("latency_0a1b2c3d", "1500", json!({ "latency": { "total": { "0a1b2c3d": [1.5, 1.5] } } })),
        ("iowait_0a1b2c3d", "0.5", json!({ "iowait": { "0a1b2c3d": [0.5, 0.5] } })),
        ("cpu_avg", "0.5", json!({})),
        ("cpu0-C1", "0.5", json!({})),
        ("cpu", "0.5", json!({})),
        ("pif_bond0_rx", "9", json!({})),
        ("pif_eth0_rx_errors", "9", json!({})),
        ("xapi_open_fds", "9", json!({})),
    ] {
        assert_eq!(stats(&[(source, value, value)], Of::Host), wanted, "{source}");
    }
}

#[test]
fn curves_of_vms() {
    for (source, value, wanted) in [
        ("cpu_usage", "0.5", json!({ "cpuUsage": [50.0, 50.0] })),
        ("memory", "2147483648", json!({ "memory": [2_147_483_648.0, 2_147_483_648.0] })),
        ("memory_target", "3", json!({ "memoryTarget": [3.0, 3.0] })),
        ("memory_internal_free", "3", json!({ "memoryFree": [3072.0, 3072.0] })),
        ("runstate_fullrun", "0.5", json!({ "runstateFullrun": [50.0, 50.0] })),
        ("runstate_full_contention", "0.5", json!({ "runstateFullContention": [50.0, 50.0] })),
        ("runstate_partial_run", "0.5", json!({ "runstatePartialRun": [50.0, 50.0] })),
        ("runstate_partial_contention", "0.5", json!({ "runstatePartialContention": [50.0, 50.0] })),
        ("runstate_concurrency_hazard", "0.5", json!({ "runstateConcurrencyHazard": [50.0, 50.0] })),
        ("runstate_blocked", "0.5", json!({ "runstateBlocked": [50.0, 50.0] })),
        ("vif_0_rx", "9", json!({ "vifs": { "rx": { "0": [9.0, 9.0] } } })),
        ("vif_12_tx", "9", json!({ "vifs": { "tx": { "12": [9.0, 9.0] } } })),
        ("vif_0_rx_errors", "9", json!({ "vifErrors": { "rx": { "0": [9.0, 9.0] } } })),
        ("vif_0_tx_errors", "9", json!({ "vifErrors": { "tx": { "0": [9.0, 9.0] } } })),
        ("vbd_xvda_read", "9", json!({ "xvds": { "r": { "a": [9.0, 9.0] } } })),
        ("vbd_xvdaa_write", "9", json!({ "xvds": { "w": { "aa": [9.0, 9.0] } } })),
        ("vbd_xvda_iops_read", "9", json!({ "iops": { "r": { "a": [9.0, 9.0] } } })),
        ("vbd_xvda_iops_write", "9", json!({ "iops": { "w": { "a": [9.0, 9.0] } } })),
        ("vbd_xvda_iops_total", "9", json!({ "iops": { "total": { "a": [9.0, 9.0] } } })),
        ("vbd_xvda_io_throughput_read", "1", json!({ "ioThroughput": { "r": { "a": [1_048_576.0, 1_048_576.0] } } })),
        ("vbd_xvda_io_throughput_write", "1", json!({ "ioThroughput": { "w": { "a": [1_048_576.0, 1_048_576.0] } } })),
        (
            "vbd_xvda_io_throughput_total",
            "1",
            json!({ "ioThroughput": { "total": { "a": [1_048_576.0, 1_048_576.0] } } }),
        ),
        ("vbd_xvda_read_latency", "1500", json!({ "vbdLatency": { "r": { "a": [1.5, 1.5] } } })),
        ("vbd_xvda_write_latency", "1500", json!({ "vbdLatency": { "w": { "a": [1.5, 1.5] } } })),
        ("vbd_xvda_latency", "1500", json!({ "vbdLatency": { "total": { "a": [1.5, 1.5] } } })),
        ("vbd_xvda_iowait", "0.5", json!({ "vbdIowait": { "a": [0.5, 0.5] } })),
        ("vbd_xvda_inflight", "2", json!({ "vbdInflight": { "a": [2.0, 2.0] } })),
        ("vbd_xvda_avgqu_sz", "2", json!({ "vbdAvgquSz": { "a": [2.0, 2.0] } })),
        ("vbd_hda_read", "9", json!({})),
        ("runnable_any", "9", json!({})),
        ("loadavg", "9", json!({})),
    ] {
        assert_eq!(stats(&[(source, value, value)], Of::Vm), wanted, "{source}");
    }
}

#[test]
fn what_a_release_does_not_measure_is_made_of_the_rest() {
    let sources = [
        ("cpu0", "0.5", "NaN"),
        ("cpu1", "1", "NaN"),
        ("vbd_xvda_iops_read", "1", "NaN"),
        ("vbd_xvda_iops_write", "2", "4"),
    ];
    let found = stats(&sources, Of::Vm);
    assert_eq!(found["cpuUsage"], json!([75.0, null]));
    assert_eq!(found["iops"]["total"], json!({ "a": [3.0, 4.0] }));
    let mut with_own = sources.to_vec();
    with_own.extend([("cpu_usage", "0.1", "0.1"), ("vbd_xvda_iops_total", "8", "8")]);
    let found = stats(&with_own, Of::Vm);
    assert_eq!(found["cpuUsage"], json!([10.0, 10.0]));
    assert_eq!(found["iops"]["total"], json!({ "a": [8.0, 8.0] }));
    // A host has no such curve, whatever its processors do.
    assert_eq!(stats(&[("cpu0", "0.5", "0.5")], Of::Host), json!({ "cpus": { "0": [50.0, 50.0] } }));
}

#[test]
fn what_is_not_a_number_is_null() {
    assert_eq!(stats(&[("memory", "Infinity", "-Infinity")], Of::Vm), json!({ "memory": [null, null] }));
    let nothing = answer("{meta:{start:5,step:5,end:10,legend:[]},data:[]}", Granularity::Seconds, 0).unwrap();
    let missing = Stats::of_vm(Arc::new(nothing), "u");
    assert_eq!(serde_json::to_value(missing).unwrap()["stats"], json!({}));
}

#[test]
fn storage_is_the_sum_or_the_mean_of_its_hosts_at_the_same_times() {
    let host = |name: &str, end: i64, factor: i64| {
        let sources = ["iops_read", "io_throughput_write", "read_latency", "iowait"];
        let legend: Vec<_> = sources.iter().map(|source| format!("'AVERAGE:host:{name}:{source}_0a1b2c3d'")).collect();
        let row = |t: i64| format!("{{t:{t},values:[{}]}}", vec![(t * factor).to_string(); 4].join(","));
        let rows: Vec<_> = (0..3).map(|back| row(end - back * 5)).collect();
        let body =
            format!("{{meta:{{start:0,step:5,end:{end},legend:[{}]}},data:[{}]}}", legend.join(","), rows.join(","));
        let answer = answer(&body, Granularity::Seconds, u64::try_from(end * 1_000).unwrap()).unwrap();
        (Text::from(format!("name of {name}")), name.to_owned(), Arc::new(answer))
    };
    // One host was asked a step later than the other: the times 5..15 and 10..20, of which 5..15 is told.
    let stats = SrStats::new(vec![host("a", 15, 1), host("b", 20, 10)], "0a1b2c3d-0000").unwrap();
    let mut found = serde_json::to_value(stats).unwrap();
    cut(&mut found["stats"], 3);
    assert_eq!(
        found,
        json!({
            "endTimestamp": 15, "interval": 5, "localTimestamp": 15,
            "stats": {
                "iops": { "r": [5.0, 110.0, 165.0], "w": [] },
                "ioThroughput": { "r": [], "w": [5.0 * 1_048_576.0, 110.0 * 1_048_576.0, 165.0 * 1_048_576.0] },
                "latency": { "r": [0.005, 0.055, 0.0825], "w": [] },
                "iowait": { "name of a": [5.0, 10.0, 15.0], "name of b": [100.0, 150.0, 200.0] },
            },
        })
    );
    assert!(SrStats::new(Vec::new(), "0a1b2c3d-0000").is_none());
}
