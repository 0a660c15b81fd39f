// What is said between a worker (suite.ts, keeper.ts) and its parent: one JSON object a line, commands on standard
// input, events on standard output. Generated from the types in xtask/workers/src/protocol.rs, which are the other side;
// `UPDATE_GOLDEN=1 cargo test -p workers protocol && npm run --prefix benchmark format` writes it anew.

/** All operations, in the order in which they are measured and shown. */
export const OPERATIONS = ["PutItem", "GetItem", "UpdateItem", "DeleteItem", "Query", "Scan"] as const;

/** The six operations. The order of the variants is the order in which they are measured and shown. */
export type Operation = "PutItem" | "GetItem" | "UpdateItem" | "DeleteItem" | "Query" | "Scan";

/** Which of a library's calls is measured where it offers several for an operation. */
export type CallKind = "documented" | "same-request";

/** What a Query asks. */
export type QueryBy = "table" | "index";

/** What is called for an operation. */
export type DescribedCall = {
  /** The call, as it would stand in an application. */
  code: string;
  /** The page of the library's documentation that shows it. */
  link: string;
  /** What its request asks for otherwise than the bare SDK's; null where they ask for the same. */
  unequal: string | null;
};

/** What an adapter's author wants readers of its figures to know. */
export type Caveat = {
  text: string;
  /** Where more is said about it. */
  link: string | null;
};

/** Where calls go. */
export type Ground = "recorded" | "database";

/** What calls are made for. */
export type Phase = "warm-up" | "client" | "allocation" | "latency" | "throughput";

/** What a suite process is asked to do: it measures one library. */
export type SuiteCommand =
  | ({ do: "open" } & OpenSuite)
  | { do: "verify"; operations: Array<Operation>; full: boolean }
  | { do: "record"; operation: Operation }
  | { do: "warm-up"; operation: Operation; calls: number; ground: Ground }
  | ({ do: "measure" } & Measure)
  | { do: "values" }
  | { do: "end" };

/** Opens a library: its process imports it and connects it to both grounds. */
export type OpenSuite = {
  target: string;
  adapter: string;
  calls: CallKind;
  data: Data;
  /** The database. */
  endpoint: string;
  /** The recorded answers. */
  recordedEndpoint: string;
  /** What its table's name begins with; the form of its items follows. */
  table: string;
  /** A table of two pages, on which Scan is verified. */
  rehearsalTable: string | null;
  /** Of a large table: another with its first items, which is scanned instead on the recorded ground. */
  scanPart: Filled | null;
  items: number;
  seed: number;
  round: number;
  /** Which customers outside the data set are this process's own to write. */
  lane: number;
  /** Inputs of each operation on the recorded ground; Scan has one. */
  pool: number;
  /** Milliseconds after which a call is given up. */
  callTimeoutMs: number;
  /** A known extra cost of each call: so many steps of arithmetic. */
  handicap: Partial<Record<Operation, number>>;
  /** A known extra cost of the same kind as the calls: so many out of 1,000 recorded calls are made twice. */
  twice: Partial<Record<Operation, number>>;
};

/** A table and the number of its items. */
export type Filled = {
  /** What its name begins with; the form of its items follows. */
  table: string;
  items: number;
};

/** What the items are, how many of them a query returns, and what it asks. */
export type Data = {
  /** The name of a built-in shape, or of the user's own item. */
  shape: string;
  /** The user's own item; null for a built-in shape. */
  example: Example | null;
  queryItems: number;
  queryBy: QueryBy;
};

/** An item of the user's own, of which a data set is made. */
export type Example = {
  /** In DynamoDB's own JSON, in which every value names its type. */
  item: Record<string, Record<string, unknown>>;
  /** The names of its keys, both strings. */
  partition: string;
  sort: string;
  /** The attribute that UpdateItem sets; null where the item has none that can be set. */
  updated: string | null;
};

/** A slice of calls of one operation in one phase. */
export type Measure = {
  operation: Operation;
  phase: Phase;
  /** Calls that are timed. */
  calls: number;
  /** Calls that are made before them and not timed. */
  leadIn: number;
  /** The number of the first call: keys are a function of it. */
  from: number;
  /** Whether the last call's result is checked in full once the clock has stopped. */
  check: boolean;
  /** Calls in flight; only in the throughput phase. */
  concurrency?: number;
};

/** What the table keeper is asked to do: it creates, seeds, restores and checks the table with the bare SDK. */
export type KeeperCommand =
  | {
      do: "open";
      endpoint: string;
      calls: CallKind;
      data: Data;
      /** Who is to find a table: there is one for each form in which these libraries write their items. */
      lanes: Array<Lane>;
      /** What the tables' names begin with. */
      table: string;
      rehearsalTable: string | null;
      /** Another with the first items of the data set. */
      scanPart: Filled | null;
      items: number;
      seed: number;
    }
  | {
      do: "create";
      /** Those of a kept database that are there already are left as they are. */
      kept: boolean;
    }
  | { do: "warm"; calls: number }
  | {
      do: "prepare";
      lane: number;
      from: number;
      count: number;
      /** Those of the pool of the recorded ground. */
      pool: boolean;
    }
  | { do: "restore"; lanes: Array<number>; operation: Operation; round: number; from: number; count: number }
  | {
      do: "check";
      /** So many items of a table are enough: at least these are compared, those of every so-manieth partition. */
      enough: number;
    }
  | { do: "drop" }
  | { do: "end" };

/** A process to be: which customers outside the data set it may write, and whose items it finds. */
export type Lane = { lane: number; adapter: string };

/** Which of some adapters can have items like these. */
export type Expresses = { data: Data; adapters: Array<string> };

/** What one adapter says to that. */
export type Expressed = {
  adapter: string;
  /** Why its library can't, to follow its name; null where it can. */
  cannot: string | null;
};

/** What a worker says. */
export type Event =
  | ({ event: "ready" } & Ready)
  | { event: "verified"; operation: Operation; firstCallMs: number | null }
  | { event: "wrong-work"; operation: Operation; expected: string; actual: string }
  | { event: "verified-all" }
  | {
      event: "recorded";
      operation: Operation;
      calls: number;
      /** What Scan returned; null for the other operations. */
      items: number | null;
    }
  | { event: "start"; operation: Operation; phase: Phase }
  | { event: "stopped"; operation: Operation; phase: Phase }
  | ({ event: "end" } & End)
  | ({ event: "value" } & ValueOutcome)
  | {
      event: "values-tried";
      /** Why none was. */
      untried: string | null;
    }
  | { event: "failed"; stage: string; operation: Operation | null; message: string }
  | { event: "bye" }
  | { event: "progress"; done: number; total: number }
  | {
      event: "created";
      /** Tables that were not there. */
      made: number;
    }
  | { event: "warm" }
  | { event: "prepared" }
  | { event: "restored" }
  | { event: "checked" }
  | { event: "differs"; expected: string; actual: string }
  | { event: "dropped" };

/** A kind of value, in the order in which they are shown. */
export type ValueKind =
  | "string-set"
  | "number-set"
  | "buffer"
  | "uint8-array"
  | "large-number"
  | "large-bigint"
  | "long-number"
  | "empty-string"
  | "empty-list"
  | "empty-map"
  | "empty-set"
  | "undefined-attribute"
  | "undefined-in-map"
  | "null"
  | "nan"
  | "date";

/** What a library did with a value. */
export type ValueFate = "same" | "changed" | "left-out" | "refused" | "unreadable" | "no-type";

/** What became of one value that was written and read through a library. */
export type ValueOutcome = {
  kind: ValueKind;
  outcome: ValueFate;
  /** What came back instead, or the first line of the error, shortened; null where neither is. */
  detail: string | null;
  /** The value's type in the database, by `DynamoDB`'s name of it (S, N, SS …); null where none is stored. */
  storedType: string | null;
  /** What is stored, as JSON or, of a binary, in base64, shortened. */
  stored: string | null;
  /** Whether the library's schema has no type for the value, so that its nearest one was declared. */
  untyped: boolean;
};

/** The process is up and has opened what it was to open. */
export type Ready = {
  pid: number;
  /** How long the import of the library took; null for the keeper. */
  importMs: number | null;
  /** Resident memory after the import, MiB; null for the keeper. */
  memoryMb: number | null;
  /** The packages of the AWS SDK that the library loaded, as `@smithy/core@3.41.0`; none for the keeper. */
  sdkPackages: Array<string>;
  /** What the library's adapter says of itself; null for the keeper. */
  adapter: AdapterNotes | null;
};

/** What an adapter says of itself. */
export type AdapterNotes = {
  calls: Record<Operation, DescribedCall>;
  caveats: Array<Caveat>;
  /** The mean size of an item in the form in which the library writes it, as DynamoDB counts, bytes. */
  itemBytes: number;
};

/** The end of a phase. Only the latency phase has samples. */
export type End = {
  operation: Operation;
  phase: Phase;
  /** Calls that were made, the failed ones too. */
  calls: number;
  wallMs: number;
  cpuMs: number;
  /** Of it, that of the thread that runs JavaScript; null where the system does not report it. */
  threadMs: number | null;
  /** The time of each call that succeeded, ascending. */
  samplesMs: Array<number>;
  errors: number;
  errorMessage: string | null;
  /** Of the allocation phase; null elsewhere, and where the runtime can't count it. */
  allocation: Allocated | null;
};

/** What some calls allocated on the JavaScript heap. */
export type Allocated = {
  /** Bytes, those of memory outside the heap (buffers) excepted. */
  bytes: number;
  /** Garbage collections meanwhile. */
  collections: number;
};
