// What is said between a worker (suite.ts, keeper.ts) and its parent: one JSON object a line, commands on standard
// input, events on standard output. xtask/src/protocol.rs is the other side. Types only; nothing is done here.

/** The six operations, in the order of the report. */
export const OPERATIONS = ["PutItem", "GetItem", "UpdateItem", "DeleteItem", "Query", "Scan"] as const;
export type OperationName = (typeof OPERATIONS)[number];

/** What is timed. `client` and `allocation` run against recorded answers, the other two against the database. */
export type MeasuredPhase = "client" | "latency" | "throughput" | "allocation";
export type Phase = "warm-up" | MeasuredPhase;

/** Where calls go: to the parent, which answers from its record, or to the database. */
export type GroundName = "recorded" | "database";

// Commands to the suite.

export interface OpenSuite {
  do: "open";
  target: string;
  adapter: string;
  /** The database. */
  endpoint: string;
  /** The parent's own server: it passes requests on and records the answers, and later answers from the record. */
  recordedEndpoint: string;
  table: string;
  /** Another table, on which Scan is verified in full, and cold or warmed up where the table itself is larger. */
  rehearsalTable: string | null;
  items: number;
  rehearsalItems: number;
  seed: number;
  round: number;
  /** Which customers outside the data set are this process's own to write; see lanes in dataset.ts. */
  lane: number;
  /** Inputs of each operation on the recorded ground; Scan has one. */
  pool: number;
  /** Milliseconds after which a call is given up. */
  callTimeoutMs: number;
  /** A known amount of extra work per call, steps of the loop in measure/handicap.ts. */
  handicap: Partial<Record<OperationName, number>>;
}

export interface Verify {
  do: "verify";
  operations: OperationName[];
  /** Everything that can be checked; otherwise the first, cold call of each operation and what it did. */
  full: boolean;
}

export interface RecordPool {
  do: "record";
  operation: OperationName;
}

export interface WarmUp {
  do: "warm-up";
  operation: OperationName;
  /** Calls of this window; all of them are made. */
  calls: number;
  ground: GroundName;
}

export interface Measure {
  do: "measure";
  operation: OperationName;
  phase: MeasuredPhase;
  /** Calls that are measured. */
  calls: number;
  /** Calls that are made before them and not measured. */
  leadIn: number;
  /** The number of the first call: keys are a function of it. */
  from: number;
  /** Whether the last call's result is checked in full once the clock has stopped; it is unless this is false. */
  check?: boolean;
  /** Calls in flight; only in the throughput phase. */
  concurrency?: number;
}

export interface End {
  do: "end";
}

export type SuiteCommand = OpenSuite | Verify | RecordPool | WarmUp | Measure | End;

// Commands to the keeper.

export interface OpenKeeper {
  do: "open";
  endpoint: string;
  table: string;
  rehearsalTable: string | null;
  items: number;
  rehearsalItems: number;
  seed: number;
}

export interface Prepare {
  do: "prepare";
  lane: number;
  from: number;
  count: number;
  /** The items of the recorded ground's pool instead of those of the database. */
  pool?: boolean;
}

export interface Restore {
  do: "restore";
  lanes: number[];
  operation: OperationName;
  round: number;
  from: number;
  count: number;
}

export type KeeperCommand =
  | OpenKeeper
  | { do: "create" }
  | { do: "warm"; calls: number }
  | Prepare
  | Restore
  | { do: "check" }
  | { do: "drop" }
  | End;

// Events of both.

export interface Ready {
  event: "ready";
  pid: number;
  node: string;
  libraryVersion: string | null;
  sdkVersion: string | null;
  /** The SDK that the library brings itself, where it isn't the one above. */
  ownSdkVersion: string | null;
  importMs: number;
  /** Resident memory after the import, MiB. */
  memoryMb: number;
}

/** What a number of calls took from the JavaScript heap. */
export interface Allocation {
  /** Bytes allocated, those of memory outside the heap (buffers) excepted. */
  bytes: number;
  /** Garbage collections meanwhile. */
  collections: number;
}

/** The end of a phase, of a window of a warm-up too. */
export interface PhaseEnd {
  event: "end";
  operation: OperationName;
  phase: Phase;
  /** Calls that were made, the failed ones too. */
  calls: number;
  wallMs: number;
  cpuMs: number;
  /** CPU of the thread that runs JavaScript; null where the system doesn't report it. */
  threadMs: number | null;
  /** The time of each call that succeeded, ascending; only in the latency phase. */
  samplesMs: number[];
  errors: number;
  errorMessage: string | null;
  /** Only in the allocation phase, and null there too where the runtime can't count it. */
  allocation: Allocation | null;
}

export type SuiteEvent =
  | Ready
  | { event: "verified"; operation: OperationName; firstCallMs: number | null }
  | { event: "wrong-work"; operation: OperationName; expected: string; actual: string }
  | { event: "verified-all" }
  /** Every input of an operation's pool was called and checked. `items` is what Scan returned. */
  | { event: "recorded"; operation: OperationName; calls: number; items: number | null }
  | { event: "start"; operation: OperationName; phase: Phase }
  /** The clock of a phase has stopped; its `end` follows once the last result is checked. */
  | { event: "stopped"; operation: OperationName; phase: Phase }
  | PhaseEnd
  | Failed
  | Bye;

export type KeeperEvent =
  | { event: "ready"; pid: number; node: string; sdkVersion: string | null }
  | { event: "progress"; done: number; total: number }
  | { event: "created"; items: number; seconds: number }
  | { event: "warm"; calls: number; msPerCall: number }
  | { event: "prepared"; count: number }
  | { event: "restored" }
  | { event: "checked"; items: number }
  | { event: "differs"; expected: string; actual: string }
  | { event: "dropped" }
  | Failed
  | Bye;

/** Anything that went wrong outside a counted call; the process ends with exit code 1. */
export interface Failed {
  event: "failed";
  stage: string;
  operation: OperationName | null;
  message: string;
}

export interface Bye {
  event: "bye";
}

export type AnyEvent = SuiteEvent | KeeperEvent;
