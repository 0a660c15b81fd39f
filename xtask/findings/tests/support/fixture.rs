//! Made-up results with known ratios, for tests: shaped like a real run, so that what reads a results file can be
//! tested without making one. Nothing in it is a measurement.

use std::collections::BTreeMap;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use crate::results::{
    AllocationSlice, Backend, Band, Bundle, CallKind, Caveat, ClientPhase, ClientSlice, ColdStart, Database,
    DescribedCall, Design, Disturbance, DisturbanceKind, Environment, Failure, FirstCall, Measurement, Operation,
    PerProcess, Reading, RecordedAnswers, RecordingNote, Results, Round, Run, RunStatus, SCHEMA_VERSION, Scale,
    ScheduledRound, Settings, Slice, Source, Target, TargetStatus, TargetValues, ThroughputPhase, TimeUse, Timeline,
    Usage, ValueFate, ValueKind, ValueOutcome, WarmUp, Work,
};

pub const OPERATIONS: [Operation; 6] = Operation::ALL;

/// What to make up.
#[derive(Debug, Clone)]
pub struct Shape {
    pub seed: u64,
    pub rounds: u32,
    pub slices: usize,
    /// Timed calls of a slice; Scan gets a tenth of them.
    pub samples: usize,
    pub scales: Vec<(&'static str, u32)>,
    pub operations: Vec<Operation>,
    /// Id, name, version, and CPU per call as a multiple of the baseline's.
    pub targets: Vec<(&'static str, &'static str, &'static str, f64)>,
    /// Standard deviation (relative) of a process's own speed, round by round.
    pub between_processes: f64,
    /// Of the machine's speed from round to round, and half as much from slice to slice: alike for all targets.
    pub drift: f64,
    /// Of single calls.
    pub within: f64,
    /// Whether the client's cost is measured against recorded answers, with what it allocates: [`record`]. Without it
    /// the results are those of an earlier version.
    pub recorded: bool,
}

impl Default for Shape {
    /// Four targets, two scales, six operations, five rounds.
    fn default() -> Shape {
        Shape {
            seed: 1,
            rounds: 5,
            slices: 10,
            samples: 50,
            scales: vec![("small", 1000), ("large", 100_000)],
            operations: OPERATIONS.to_vec(),
            targets: vec![
                ("aws-sdk", "AWS SDK", "3.1164.0", 1.0),
                ("mizzle", "Mizzle", "1.2.0", 1.1),
                ("dynamoose", "Dynamoose", "4.2.0", 2.5),
                ("electrodb", "ElectroDB", "3.9.3", 1.01),
            ],
            between_processes: 0.01,
            drift: 0.01,
            within: 0.15,
            recorded: false,
        }
    }
}

impl Shape {
    /// One scale, two rounds and few samples: small enough to be tried at every length.
    pub fn tiny() -> Shape {
        Shape {
            rounds: 2,
            slices: 2,
            samples: 10,
            scales: vec![("small", 1000)],
            operations: vec![Operation::GetItem],
            targets: vec![("aws-sdk", "AWS SDK", "3.1164.0", 1.0), ("mizzle", "Mizzle", "1.2.0", 1.1)],
            ..Shape::default()
        }
    }

    /// The small scale alone.
    pub fn small() -> Shape {
        Shape { scales: vec![("small", 1000)], ..Shape::default() }
    }
}

/// The baseline's CPU per call and the database's share of a call, milliseconds.
fn cost(operation: Operation, items: u32) -> (f64, f64) {
    let thousands = f64::from(items) / 1000.0;
    match operation {
        Operation::PutItem => (0.74, 0.42),
        Operation::GetItem => (0.70, 0.31),
        Operation::UpdateItem => (0.78, 0.47),
        Operation::DeleteItem => (0.69, 0.38),
        Operation::Query => (1.35, 0.55),
        Operation::Scan => (25.0 * thousands, 10.0 * thousands.powf(1.75)),
    }
}

fn normal(rng: &mut Pcg64Mcg) -> f64 {
    let u: f64 = rng.random::<f64>().max(1e-300);
    let v: f64 = rng.random();
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

fn factor(rng: &mut Pcg64Mcg, sd: f64) -> f64 {
    (sd * normal(rng)).exp()
}

fn work(operation: Operation, adapter: &str, items: u32) -> Work {
    let (requests, returned, scanned, units, sent, received) = match operation {
        Operation::PutItem => (1.0, 0.0, 0.0, 1.0, 612.0, 27.0),
        Operation::GetItem => (1.0, 1.0, 1.0, 0.5, 141.0, 571.0),
        Operation::UpdateItem => (1.0, 0.0, 0.0, 1.0, 330.0, 27.0),
        Operation::DeleteItem => (1.0, 0.0, 0.0, 1.0, 142.0, 27.0),
        Operation::Query if adapter == "mizzle" => (1.0, 20.0, 100.0, 6.0, 402.0, 10_950.0),
        Operation::Query => (1.0, 20.0, 20.0, 1.5, 318.0, 10_950.0),
        Operation::Scan => {
            let n = f64::from(items);
            ((n * 450.0 / 1_048_576.0).ceil(), n, n, n * 450.0 / 8192.0, 92.0, n * 545.0)
        }
    };
    Work {
        requests,
        items_returned: returned,
        items_scanned: scanned,
        capacity_units: Some(units),
        request_bytes: sent,
        response_bytes: received,
    }
}

/// Raw results of `shape`: `summarize` fills in the derived figures.
pub fn raw(shape: &Shape) -> Results {
    let mut results = against_the_database(shape);
    if shape.recorded {
        record(&mut results, shape);
    }
    results
}

/// Adds what is measured against recorded answers: a call costs nine tenths of its CPU there, and allocates in
/// proportion to it. A scan of a large table is measured against a part of it, and not against the database.
fn record(results: &mut Results, shape: &Shape) {
    // Of its own, so that the rest is the same with and without it.
    let mut rng = Pcg64Mcg::seed_from_u64(shape.seed ^ 0x0c11_e47d);
    let calls = (shape.samples as u64 * 4).max(20);
    let mut answers = 0;
    for one in &mut results.measurements {
        let part = one.operation.grows_with_the_table() && one.items > PART_OF_A_TABLE;
        let varies = one.target.starts_with("dynamoose") && one.operation == Operation::Query;
        one.recording = (part || varies)
            .then(|| RecordingNote { varies, items_scanned: part.then_some(u64::from(PART_OF_A_TABLE)) });
        let times = shape.targets.iter().find(|(id, ..)| *id == one.target).map_or(1.0, |of| of.3);
        let part_of_it = if part { f64::from(PART_OF_A_TABLE) / f64::from(one.items) } else { 1.0 };
        let bytes = 95_000.0 * times * cost(one.operation, one.items).0 / 0.7 * part_of_it;
        for round in &mut one.per_round {
            let spent: f64 = round.slices.iter().map(|slice| slice.cpu_ms).sum();
            let made: usize = round.slices.iter().map(|slice| slice.samples_ms.len()).sum();
            let cpu_ms = spent / made as f64 * 0.9 * part_of_it;
            let calls = if one.operation.grows_with_the_table() { calls.div_ceil(10) } else { calls };
            let mut client = ClientPhase::default();
            for at in 0..shape.slices.max(2) {
                let thread_ms = cpu_ms * calls as f64 * factor(&mut rng, shape.within / (calls as f64).sqrt() / 3.0);
                client.slices.push(ClientSlice {
                    at_ms: round.slices.first().map_or(0.0, |slice| slice.at_ms) + at as f64,
                    calls,
                    wall_ms: thread_ms * 1.15,
                    cpu_ms: thread_ms * 1.06,
                    thread_ms: Some(thread_ms),
                });
                let bytes = bytes * calls as f64 * factor(&mut rng, 0.001);
                let collections = (bytes / 8e6).round() as u64;
                client.allocations.push(AllocationSlice { calls, bytes, collections });
                answers += 2 * calls;
            }
            for slice in &mut round.slices {
                slice.thread_ms = Some(slice.cpu_ms * 0.94);
            }
            round.client = Some(client);
            if part {
                round.slices.clear();
                (round.throughput, round.usage, round.database) = (None, None, None);
            }
        }
    }
    results.recorded_answers = Some(RecordedAnswers { answers, cpu_micros_per_answer: 21.4 });
    results.time_use = shape.scales.iter().map(|&(scale, items)| time_use(scale, items)).collect();
    results.values = shape.targets.iter().map(|&(id, ..)| values(id)).collect();
    for target in results.targets.iter_mut().filter(|target| target.id == "mizzle") {
        "../mizzle".clone_into(&mut target.spec);
        target.source = Some(Source {
            version: "1.2.0+source.0123456".to_owned(),
            commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
            dirty: Some(true),
            bundled_by: Some("esbuild 0.28.2".to_owned()),
            sdk_asked_for: Some("^3.1000.0".to_owned()),
        });
    }
}

/// What comes back of some values: every kind of outcome is there.
fn values(id: &str) -> TargetValues {
    let is_dynamoose = id.starts_with("dynamoose");
    let outcome = |kind, outcome, detail: Option<&str>, stored: Option<(&str, &str)>| ValueOutcome {
        kind,
        outcome,
        detail: detail.map(str::to_owned),
        stored_type: stored.map(|(of, _)| of.to_owned()),
        stored: stored.map(|(_, stored)| stored.to_owned()),
        untyped: id.starts_with("electrodb") && matches!(kind, ValueKind::Null | ValueKind::Date),
    };
    let removes = Some("Pass options.removeUndefinedValues=true to remove undefined values from map/array/set.");
    let (date, time) = (Some("Unsupported type passed: [object Date]"), Some(("N", r#""1741964966535""#)));
    let binary = if is_dynamoose { (ValueFate::Same, None) } else { (ValueFate::Changed, Some("Uint8Array")) };
    let outcomes = vec![
        outcome(ValueKind::StringSet, ValueFate::Same, None, Some(("SS", r#"["a","b"]"#))),
        outcome(ValueKind::Buffer, binary.0, binary.1, Some(("B", "AH//"))),
        outcome(
            ValueKind::LongNumber,
            ValueFate::Changed,
            Some("3.141592653589793"),
            Some(("N", r#""3.141592653589793238""#)),
        ),
        if id == "mizzle" {
            outcome(ValueKind::EmptyList, ValueFate::Unreadable, Some("no item came back"), Some(("L", "[]")))
        } else {
            outcome(ValueKind::EmptyList, ValueFate::Same, None, Some(("L", "[]")))
        },
        if is_dynamoose || id.starts_with("electrodb") {
            outcome(ValueKind::UndefinedAttribute, ValueFate::LeftOut, None, None)
        } else {
            outcome(ValueKind::UndefinedAttribute, ValueFate::Refused, removes, None)
        },
        outcome(ValueKind::Null, ValueFate::Same, None, Some(("NULL", "true"))),
        if id == "aws-sdk" {
            outcome(ValueKind::Nan, ValueFate::Refused, removes, None)
        } else {
            outcome(ValueKind::Nan, ValueFate::NoType, Some("NaN is no number"), None)
        },
        if is_dynamoose {
            outcome(ValueKind::Date, ValueFate::Same, None, time)
        } else {
            outcome(ValueKind::Date, ValueFate::Refused, date, None)
        },
    ];
    TargetValues { target: id.to_owned(), untried: None, outcomes }
}

/// Items of the part of a larger table that a scan is recorded on.
const PART_OF_A_TABLE: u32 = 10_000;

fn time_use(scale: &str, items: u32) -> TimeUse {
    TimeUse {
        scale: scale.to_owned(),
        wall_s: 150.0,
        client_s: 48.0,
        latency_s: 30.0,
        throughput_s: 12.0,
        start_s: 14.0,
        record_s: 6.0,
        table_s: if items > PART_OF_A_TABLE { 18.0 } else { 8.0 },
        warm_up_s: 20.0,
    }
}

fn against_the_database(shape: &Shape) -> Results {
    let mut rng = Pcg64Mcg::seed_from_u64(shape.seed);
    let mut clock_ms = 12_000.0;
    let mut measurements: Vec<Measurement> = Vec::new();
    let mut schedule = Vec::new();
    let mut timeline = Timeline::default();
    let mut cold_starts = Vec::new();
    for &(scale, items) in &shape.scales {
        let first = measurements.len();
        let planned = Scale { name: scale.to_owned(), items };
        for &operation in &shape.operations {
            for &(id, ..) in &shape.targets {
                measurements.push(Measurement::planned(&planned, operation, id));
            }
        }
        for round in 0..shape.rounds {
            let machine = factor(&mut rng, shape.drift);
            let shift = round as usize % shape.targets.len();
            let mut order: Vec<usize> = (0..shape.targets.len()).collect();
            order.rotate_left(shift);
            schedule.push(ScheduledRound {
                scale: scale.to_owned(),
                round,
                order: order.iter().map(|&t| shape.targets[t].0.to_owned()).collect(),
            });
            let process: Vec<f64> = shape.targets.iter().map(|_| factor(&mut rng, shape.between_processes)).collect();
            for (o, &operation) in shape.operations.iter().enumerate() {
                let few = operation == Operation::Scan && items > 10_000;
                let slices = if few { 1 } else { shape.slices };
                let drift: Vec<f64> = (0..slices).map(|_| machine * factor(&mut rng, shape.drift / 2.0)).collect();
                for (place, &t) in order.iter().enumerate() {
                    let (id, _, _, ratio) = shape.targets[t];
                    let own = process[t] * factor(&mut rng, shape.between_processes / 2.0);
                    let (cpu, server) = cost(operation, items);
                    let cpu = cpu * ratio * own;
                    let calls = match operation {
                        Operation::Scan if few => 2,
                        Operation::Scan => shape.samples.div_ceil(10),
                        _ => shape.samples,
                    };
                    let started = clock_ms;
                    let made: Vec<Slice> = drift
                        .iter()
                        .map(|drift| slice(&mut rng, &mut clock_ms, calls, cpu * drift, server * drift, shape.within))
                        .collect();
                    // Two versions of one library take the same memory.
                    let library = |id: &str| id.split('@').next().map(str::to_owned);
                    let like = shape.targets.iter().position(|other| library(other.0) == library(id)).unwrap_or(t);
                    let memory = 92.0 + 11.0 * like as f64 + o as f64 * 2.0 + normal(&mut rng);
                    let wall: f64 = made.iter().map(|slice| slice.wall_ms).sum();
                    let used: f64 = made.iter().map(|slice| slice.cpu_ms).sum();
                    let band = Band {
                        from_ms: started,
                        to_ms: clock_ms,
                        scale: scale.to_owned(),
                        round,
                        target: id.to_owned(),
                        operation,
                    };
                    observe(&mut timeline, band, used / wall * 100.0, memory);
                    let phase_calls = calls as u64 * 8;
                    let throughput = (!few).then(|| {
                        let per_call = (cpu * 0.82).max(f64::midpoint(cpu, server)) * machine * factor(&mut rng, 0.01);
                        let phase = ThroughputPhase {
                            at_ms: clock_ms,
                            concurrency: 16,
                            calls: phase_calls,
                            wall_ms: per_call * phase_calls as f64,
                            cpu_ms: cpu * 0.8 * machine * phase_calls as f64,
                            database_cpu_ms: Some(server * machine * phase_calls as f64),
                        };
                        clock_ms += phase.wall_ms + 20.0;
                        phase
                    });
                    let measurement = &mut measurements[first + o * shape.targets.len() + t];
                    measurement.work = Some(work(operation, id, items));
                    measurement.per_round.push(Round {
                        round,
                        place: place as u32,
                        client: None,
                        warm_up: WarmUp {
                            helper_shares: Vec::new(),
                            calls: if few { 1 } else { 3200 },
                            wall_ms: 3900.0,
                            settled: true,
                            windows_us: [2.4, 1.7, 1.3, 1.1, 1.02, 1.0, 1.0]
                                .iter()
                                .map(|times| (times * cpu * 1000.0 * factor(&mut rng, 0.005)).round())
                                .collect(),
                        },
                        slices: made,
                        throughput,
                        more_throughput: Vec::new(),
                        usage: Some(Usage {
                            cpu_ms: (used / 10.0).round() * 10.0,
                            wall_ms: wall,
                            cpu_percent_peak: (wall > 200.0).then_some(used / wall * 108.0),
                            memory_mb_avg: memory,
                            memory_mb_peak: memory * 1.06,
                        }),
                        database: Some(Usage {
                            cpu_ms: server * 0.9 * calls as f64 * slices as f64,
                            wall_ms: wall,
                            cpu_percent_peak: (wall > 200.0).then_some(48.0),
                            memory_mb_avg: 310.0,
                            memory_mb_peak: 340.0 + f64::from(items) / 400.0,
                        }),
                        errors: 0,
                    });
                }
            }
        }
        for (t, &(id, ..)) in shape.targets.iter().enumerate() {
            cold_starts.push(cold_start(&mut rng, shape, scale, items, id, t));
        }
    }
    Results {
        schema_version: SCHEMA_VERSION,
        recorded_answers: None,
        time_use: Vec::new(),
        growth: Vec::new(),
        values: Vec::new(),
        run: Run {
            id: "20260131-120000-5eed".to_owned(),
            started_at: "2026-01-31T12:00:00Z".to_owned(),
            finished_at: Some("2026-01-31T12:02:41Z".to_owned()),
            duration_s: clock_ms / 1000.0,
            status: RunStatus::Complete,
            reason: None,
            stopped_because: Some("the intervals are narrow enough (2%)".to_owned()),
            command: "cargo xtask bench --scale small --scale large".to_owned(),
            git_commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
            git_dirty: Some(false),
            seed: 42,
            fingerprint: "c0ffee".to_owned(),
        },
        environment: Environment {
            os: "Linux (made up)".to_owned(),
            kernel: "6.8.0".to_owned(),
            cpu_model: "Example CPU @ 2.50GHz".to_owned(),
            cores: 2,
            memory_mb: 7938.0,
            node: "20.20.2".to_owned(),
            npm: "10.8.2".to_owned(),
            rustc: "1.95.0".to_owned(),
            xtask: "0.1.0".to_owned(),
        },
        database: Database {
            backend: Backend::Java,
            version: Some("1.25.1".to_owned()),
            image: None,
            endpoint: "http://127.0.0.1:8123".to_owned(),
            kept: false,
            reused: Vec::new(),
        },
        settings: Settings {
            rounds: shape.rounds,
            time_ms: 500.0,
            concurrency: 16,
            more_concurrencies: Vec::new(),
            shape: Some("order".to_owned()),
            query_items: Some(20),
            query_by: None,
            item: None,
            calls: Some(CallKind::Documented),
            scales: shape.scales.iter().map(|&(name, items)| Scale { name: name.to_owned(), items }).collect(),
            operations: shape.operations.clone(),
            design: Design::Paired,
            at_once: 2,
            equivalence_margin: 0.03,
            precision: Some(0.02),
            resamples: 2000,
        },
        targets: shape.targets.iter().enumerate().map(|(t, of)| target(t, of)).collect(),
        measurements,
        database_usage: Vec::new(),
        cold_starts,
        disturbances: vec![Disturbance {
            kind: DisturbanceKind::OtherLoad,
            at_ms: Some(41_250.0),
            detail: "other processes used 23% of a core for 1.5 s during round 2".to_owned(),
            serious: false,
        }],
        schedule,
        timeline,
        harness_cpu_percent: Some(0.9),
    }
}

/// [`raw`] with what goes wrong in it: a target that could not be installed, one that did wrong work, one that failed
/// in an operation, calls that threw, and an operation that did not settle.
pub fn raw_with_troubles(shape: &Shape) -> Results {
    let mut results = raw(shape);
    results.run.status = RunStatus::Failed;
    results.run.reason = Some("dynamoose did wrong work; electrodb failed in Scan".to_owned());
    for target in &mut results.targets {
        if target.id == "mizzle" {
            target.status = TargetStatus::Unavailable;
            target.version = None;
            target.reason = Some("npm error 404  '@aurios/mizzle@*' is not in this registry.".to_owned());
        } else if target.id == "dynamoose" {
            target.status = TargetStatus::WrongWork;
            target.reason = Some("Scan: expected 1000 items, got 997 | <b>not bold</b>".to_owned());
        }
    }
    results.cold_starts.retain(|cold| cold.target != "mizzle");
    for measurement in &mut results.measurements {
        let (stage, cause) = match (measurement.target.as_str(), measurement.operation) {
            ("mizzle", _) => ("install", "npm error 404"),
            ("dynamoose", _) => ("verify", "Scan: expected 1000 items, got 997 | <b>not bold</b>"),
            ("electrodb", Operation::Scan) => ("measure", "heap out of memory"),
            ("electrodb", Operation::GetItem) => {
                measurement.per_round[0].errors = 3;
                continue;
            }
            ("electrodb", Operation::PutItem) => {
                measurement.per_round[0].warm_up.settled = false;
                continue;
            }
            _ => continue,
        };
        measurement.failure = Some(Failure { stage: stage.to_owned(), cause: cause.to_owned() });
        measurement.per_round.clear();
        measurement.work = None;
    }
    results
}

fn calls(adapter: &str) -> BTreeMap<Operation, DescribedCall> {
    let call = |operation: Operation| DescribedCall {
        code: format!("{adapter}.{}(input | null)", operation.name()),
        link: format!("https://example.org/{adapter}/{operation}"),
        unequal: (adapter == "dynamoose" && operation == Operation::PutItem)
            .then(|| "adds a condition that the item is not there".to_owned()),
    };
    Operation::ALL.into_iter().map(|operation| (operation, call(operation))).collect()
}

fn caveats(adapter: &str) -> Vec<Caveat> {
    let caveat = Caveat {
        text: "slow reads of many attributes are known to its authors".to_owned(),
        link: Some("https://example.org/issues/1".to_owned()),
    };
    if adapter == "dynamoose" { vec![caveat] } else { Vec::new() }
}

/// One of them can't be bundled.
fn bundle(t: usize) -> Bundle {
    let works = t % 4 != 2;
    Bundle {
        bundled_by: "esbuild 0.28.2".to_owned(),
        minified_kib: works.then_some(339.25 + 14.5 * t as f64),
        gzip_kib: works.then_some(105.5 + 4.25 * t as f64),
        reason: (!works).then(|| "esbuild can't bundle it: index.js:3: Could not resolve \"nowhere\"".to_owned()),
    }
}

fn target(t: usize, &(id, name, version, _): &(&'static str, &'static str, &'static str, f64)) -> Target {
    let adapter = id.split('@').next().unwrap_or(id);
    Target {
        id: id.to_owned(),
        name: name.to_owned(),
        adapter: adapter.to_owned(),
        version: Some(version.to_owned()),
        spec: version.to_owned(),
        runtime: None,
        baseline: t == 0,
        base_of: None,
        status: TargetStatus::Ok,
        reason: None,
        unsuited: false,
        sdk_version: Some("3.1164.0".to_owned()),
        own_sdk_version: (adapter == "dynamoose").then(|| "3.1100.0".to_owned()),
        sdk_packages: Vec::new(),
        source: None,
        adapter_file: None,
        installed_mb: Some([18.2, 18.9, 27.4, 19.6][t % 4]),
        bundle: Some(bundle(t)),
        calls: calls(adapter),
        caveats: caveats(adapter),
        item_bytes: Some(if adapter == "electrodb" { 497.4 } else { 437.8 }),
        handicap_steps: BTreeMap::new(),
    }
}

fn slice(rng: &mut Pcg64Mcg, clock_ms: &mut f64, calls: usize, cpu_ms: f64, server_ms: f64, within: f64) -> Slice {
    let mut samples_ms: Vec<f64> = (0..calls)
        .map(|_| {
            // A heavy right tail: one call in a hundred meets the garbage collector or a neighbour.
            let tail = if rng.random::<f64>() < 0.01 { 1.0 + 3.0 * rng.random::<f64>() } else { 1.0 };
            let ms = (cpu_ms + server_ms) * factor(rng, within) * tail;
            (ms * 1e4).round() / 1e4
        })
        .collect();
    samples_ms.sort_by(f64::total_cmp);
    let wall_ms = samples_ms.iter().sum::<f64>() * 1.02;
    let noise = factor(rng, within / (calls as f64).sqrt() / 3.0);
    let made = Slice { at_ms: *clock_ms, wall_ms, cpu_ms: cpu_ms * calls as f64 * noise, thread_ms: None, samples_ms };
    *clock_ms += wall_ms + 2.0;
    made
}

fn observe(timeline: &mut Timeline, band: Band, cpu_percent: f64, memory_mb: f64) {
    let mut at_ms = band.from_ms;
    while at_ms < band.to_ms {
        let both = [(band.target.as_str(), cpu_percent, memory_mb), ("database", 40.0, 310.0)];
        timeline.readings.extend(both.map(|(process, cpu_percent, memory_mb)| Reading {
            at_ms,
            process: process.to_owned(),
            cpu_percent,
            memory_mb,
        }));
        at_ms += ((band.to_ms - band.from_ms) / 20.0).max(250.0);
    }
    timeline.bands.push(band);
}

fn cold_start(rng: &mut Pcg64Mcg, shape: &Shape, scale: &str, items: u32, id: &str, t: usize) -> ColdStart {
    let mut estimate = |mean: f64| {
        let values: Vec<f64> = (0..shape.rounds).map(|_| mean * factor(rng, 0.03)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        PerProcess { mean, ci95: (values.len() > 1).then_some([mean * 0.97, mean * 1.03]), values }
    };
    let import_ms = estimate(180.0 + 45.0 * t as f64);
    let bundled = |ms: f64| ms * 0.35;
    let bundled_import_ms = bundle(t).minified_kib.map(|_| PerProcess {
        mean: bundled(import_ms.mean),
        ci95: import_ms.ci95.map(|interval| interval.map(bundled)),
        values: import_ms.values.iter().copied().map(bundled).collect(),
    });
    ColdStart {
        scale: scale.to_owned(),
        target: id.to_owned(),
        import_ms,
        bundled_import_ms,
        memory_mb: estimate(74.0 + 8.0 * t as f64),
        first_call_ms: shape
            .operations
            .iter()
            .map(|&operation| FirstCall {
                operation,
                ms: estimate(11.0 + t as f64 + 12.0 * cost(operation, items.min(1000)).0),
            })
            .collect(),
    }
}

/// How often a simulation is repeated: few times in the suite, as often as `STATS_TRIALS` says by hand.
pub fn trials(in_the_suite: usize) -> usize {
    std::env::var("STATS_TRIALS").ok().and_then(|trials| trials.parse().ok()).unwrap_or(in_the_suite)
}
