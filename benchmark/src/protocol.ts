// What is said between a worker (suite.ts, keeper.ts) and its parent: one JSON object a line, commands on standard
// input, events on standard output. xtask/src/protocol.rs is the other side. Types only; nothing is done here.

/** The six operations, in the order of the report. */
export const OPERATIONS = ["PutItem", "GetItem", "UpdateItem", "DeleteItem", "Query", "Scan"] as const;
export type OperationName = (typeof OPERATIONS)[number];

export type Phase = "warm-up" | "latency" | "throughput";

/** What a call asked of the server, per call; null where it was not measured. */
export interface Work {
  requests: number;
  itemsReturned: number | null;
  itemsScanned: number | null;
  capacityUnits: number | null;
  requestBytes: number;
  responseBytes: number | null;
}

// Commands to the suite.

export interface OpenSuite {
  do: "open";
  target: string;
  adapter: string;
  endpoint: string;
  table: string;
  /** A smaller table for verifying and warming up Scan, where a scan of the table itself takes long. */
  rehearsalTable: string | null;
  items: number;
  rehearsalItems: number;
  seed: number;
  round: number;
  /** Which customers outside the data set are this process's own to write; see lanes in dataset.ts. */
  lane: number;
  callTimeoutMs: number;
  /** A known extra cost per call, microseconds of CPU. */
  handicapUs: Partial<Record<OperationName, number>>;
}

export interface Verify {
  do: "verify";
  operations: OperationName[];
}

export interface WarmUp {
  do: "warm-up";
  operation: OperationName;
  /** The most calls of this window. */
  calls: number;
  /** No further call begins after this long. */
  maxMs: number;
}

export interface Measure {
  do: "measure";
  operation: OperationName;
  phase: "latency" | "throughput";
  /** Calls that are timed. */
  calls: number;
  /** Calls that are made before them and not timed; none where this is absent. */
  leadIn?: number;
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

export type SuiteCommand = OpenSuite | Verify | WarmUp | Measure | End;

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
  | { do: "prepare"; lane: number; from: number; count: number }
  | Restore
  | { do: "check" }
  | { do: "drop" }
  | End;

// Events of both.

export type SuiteEvent =
  | {
      event: "ready";
      pid: number;
      node: string;
      libraryVersion: string | null;
      sdkVersion: string | null;
      /** The SDK that the library brings itself, where it isn't the one above. */
      ownSdkVersion: string | null;
      importMs: number;
      memoryMb: number;
    }
  | { event: "verified"; operation: OperationName; firstCallMs: number | null; work: Work | null }
  | { event: "wrong-work"; operation: OperationName; expected: string; actual: string }
  | { event: "verified-all" }
  | { event: "start"; operation: OperationName; phase: Phase }
  /** The clock of a phase has stopped; its `end` follows once the last result is checked. */
  | { event: "stopped"; operation: OperationName; phase: Phase }
  | {
      event: "end";
      operation: OperationName;
      phase: Phase;
      calls: number;
      wallMs: number;
      cpuMs: number;
      /** CPU of the thread that runs JavaScript; null where the system doesn't tell, and in a warm-up. */
      threadMs: number | null;
      samplesMs: number[];
      errors: number;
      errorMessage: string | null;
      work: Work | null;
    }
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
  maxRssMb: number;
  cpuMs: number;
}

export type AnyEvent = SuiteEvent | KeeperEvent;
