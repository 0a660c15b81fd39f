// The suite: one library in one process. It does what its parent says, command by command: verifies, records, warms up
// and measures; it decides nothing itself. See protocol.ts for the commands and events.

import type { OrderTable } from "./adapters/adapter.js";
import { STREAM } from "./dataset.js";
import { handicap } from "./measure/handicap.js";
import type { CallLimit } from "./measure/limit.js";
import { countCalls, type Measured, type Slice, timeCalls } from "./measure/slice.js";
import { warmUp } from "./measure/warm-up.js";
import { type Context, type PreparedCalls, prepare, preparePool } from "./operations.js";
import type { GroundName, MeasuredPhase, OpenSuite, OperationName, PhaseEnd, SuiteEvent } from "./protocol.js";
import { type OpenedLibrary, openLibrary, readOpen } from "./suite/library.js";
import { type BareTable, openTable } from "./table/bare-table.js";
import { recordPool } from "./verify/recording.js";
import { rehearses } from "./verify/scans.js";
import { type Verdict, verify } from "./verify/verification.js";
import {
  type Command,
  flag,
  oneOf,
  operationName,
  operationNames,
  unknownCommand,
  wholeNumber,
} from "./worker/command.js";
import { describeError, type Emit, roundMs } from "./worker/events.js";
import { inOperation, serve, type Worker } from "./worker/serve.js";

const GROUNDS: readonly GroundName[] = ["recorded", "database"];
const MEASURED_PHASES: readonly MeasuredPhase[] = ["client", "latency", "throughput", "allocation"];

/** Which ground a phase is measured on. */
const GROUND_OF: Record<MeasuredPhase, GroundName> = {
  client: "recorded",
  allocation: "recorded",
  latency: "database",
  throughput: "database",
};

class Suite implements Worker {
  private open: OpenSuiteState | null = null;

  constructor(private readonly emit: Emit<SuiteEvent>) {}

  async handle(command: Command): Promise<void> {
    if (command.do === "open") {
      if (this.open !== null) {
        throw new Error("open was said already");
      }
      const settings = readOpen(command);
      const library = await openLibrary(settings);
      this.open = new OpenSuiteState(settings, library, this.emit);
      this.emit(library.ready);
      return;
    }
    const act = ACTS.get(command.do);
    if (act === undefined) {
      unknownCommand(command);
    }
    if (this.open === null) {
      throw new Error("nothing is open: the first command must be open");
    }
    return act(this.open, command);
  }

  async abandon(): Promise<void> {
    this.open?.library.close();
  }
}

/** What is there once the library is open: two grounds to call it on, and how far it was warmed up on each. */
class OpenSuiteState {
  readonly context: Context;
  private readonly pools = new Map<OperationName, PreparedCalls>();
  /** Calls of the warm-up so far, so that no key is written twice and the pool is gone through evenly. */
  private readonly warmed = new Map<string, number>();
  private readonly spins = new Map<OperationName, () => void>();

  constructor(
    readonly settings: OpenSuite,
    readonly library: OpenedLibrary,
    readonly emit: Emit<SuiteEvent>,
  ) {
    const { items, seed, round, lane } = settings;
    this.context = { items, seed, round, lane };
  }

  get limit(): CallLimit {
    return this.library.limit;
  }

  /** Opens a table by the bare SDK, at the database itself. */
  openBare = (name: string): Promise<BareTable> => openTable(this.settings, name);

  spinOf(operation: OperationName): () => void {
    return remembered(this.spins, operation, () => handicap(this.settings.handicap[operation] ?? 0));
  }

  poolOf(operation: OperationName): PreparedCalls {
    return remembered(this.pools, operation, () =>
      preparePool(operation, this.library.recorded, this.context, this.settings.pool),
    );
  }

  /** The number of the first of so many further warm-up calls. */
  nextWarmUp(operation: OperationName, ground: GroundName, calls: number): number {
    const key = `${ground} ${operation}`;
    const from = this.warmed.get(key) ?? 0;
    this.warmed.set(key, from + calls);
    return from;
  }

  /** The table and data that Scan is warmed up on; another operation's are its own. */
  warmUpTable(operation: OperationName): { table: OrderTable; context: Context } {
    const { rehearsal, database } = this.library;
    return operation === "Scan" && rehearsal !== null && rehearses(this.context.items, rehearsal)
      ? { table: rehearsal.table, context: { ...this.context, items: rehearsal.items } }
      : { table: database, context: this.context };
  }
}

const ACTS = new Map<string, (open: OpenSuiteState, command: Command) => Promise<void>>([
  ["verify", verifyOperations],
  ["record", forOperation(recordOperation)],
  ["warm-up", forOperation(warmUpOperation)],
  ["measure", forOperation(measureOperation)],
]);

function forOperation(act: (open: OpenSuiteState, operation: OperationName, command: Command) => Promise<void>) {
  return async (open: OpenSuiteState, command: Command): Promise<void> => {
    const operation = operationName(command.operation);
    return inOperation(operation, () => act(open, operation, command));
  };
}

async function verifyOperations(open: OpenSuiteState, command: Command): Promise<void> {
  const { emit, library, settings, context, limit, openBare } = open;
  await verify(
    {
      operations: operationNames(command, "operations"),
      full: flag(command, "full", true),
      table: library.database,
      rehearsal: library.rehearsal,
      tableName: settings.table,
      context,
      limit,
      openBare,
    },
    (verdict) => emit(eventOf(verdict)),
  );
  emit({ event: "verified-all" });
}

function eventOf(verdict: Verdict): SuiteEvent {
  const { operation, wrong } = verdict;
  if (wrong !== null) {
    return { event: "wrong-work", operation, ...wrong };
  }
  const { firstCallMs } = verdict;
  return { event: "verified", operation, firstCallMs: firstCallMs === null ? null : roundMs(firstCallMs) };
}

async function recordOperation(open: OpenSuiteState, operation: OperationName): Promise<void> {
  const { emit, library, settings, limit } = open;
  const pool = open.poolOf(operation);
  const { calls, items, wrong } = await recordPool(operation, pool, library.recorded, limit, () =>
    open.openBare(settings.table),
  );
  emit(wrong === null ? { event: "recorded", operation, calls, items } : { event: "wrong-work", operation, ...wrong });
}

async function warmUpOperation(open: OpenSuiteState, operation: OperationName, command: Command): Promise<void> {
  const { emit, limit } = open;
  const calls = wholeNumber(command, "calls", 1);
  const ground = oneOf(command, "ground", GROUNDS);
  const from = open.nextWarmUp(operation, ground, calls);
  const slice =
    ground === "recorded"
      ? poolSlice(open.poolOf(operation), from, calls)
      : prepare(operation, { ...open.warmUpTable(operation), stream: STREAM.warmUp, from, count: calls });
  emit({ event: "start", operation, phase: "warm-up" });
  const warmed = await warmUp(slice, limit, open.spinOf(operation));
  emit(endOf(operation, "warm-up", { ...warmed, samplesMs: [], allocation: null }));
}

async function measureOperation(open: OpenSuiteState, operation: OperationName, command: Command): Promise<void> {
  const { emit, library, context, limit } = open;
  const phase = oneOf(command, "phase", MEASURED_PHASES);
  const concurrency = phase === "throughput" ? wholeNumber(command, "concurrency", 1) : 1;
  const calls = wholeNumber(command, "calls", 1);
  const leadIn = command.leadIn === undefined ? 0 : wholeNumber(command, "leadIn");
  const from = wholeNumber(command, "from");
  const check = flag(command, "check", true);
  const recorded = GROUND_OF[phase] === "recorded";
  const count = leadIn + calls;
  const prepared = recorded
    ? open.poolOf(operation)
    : prepare(operation, { table: library.database, context, stream: STREAM.measured, from, count });
  const options = {
    slice: recorded ? poolSlice(prepared, from, count) : prepared,
    leadIn,
    limit,
    onStart: () => emit({ event: "start", operation, phase }),
    spin: open.spinOf(operation),
  };
  const measured =
    phase === "allocation"
      ? await countCalls(options)
      : await timeCalls({ ...options, concurrency, samples: phase === "latency" });
  emit({ event: "stopped", operation, phase });

  const { last } = measured;
  if (last !== null && check) {
    const index = recorded ? (from + last.index) % prepared.count : last.index;
    const wrong =
      prepared.wrongResult(index, last.result) ??
      // The record answers writes without doing them: their effect was looked at when it was made.
      (recorded || prepared.effect === null ? null : await wrongEffect(open, prepared, index));
    if (wrong !== null) {
      emit({ event: "wrong-work", operation, ...wrong });
      return;
    }
  }
  emit(endOf(operation, phase, measured));
}

/** Calls that go through a pool again and again, beginning at call `from`. */
function poolSlice({ count: pool, make }: PreparedCalls, from: number, count: number): Slice {
  return { count, make: (i) => make((from + i) % pool) };
}

async function wrongEffect(open: OpenSuiteState, { effect }: PreparedCalls, index: number) {
  const bare = await open.openBare(open.settings.table);
  try {
    return (await effect?.wrong(index, bare)) ?? null;
  } finally {
    bare.close();
  }
}

function endOf(operation: OperationName, phase: PhaseEnd["phase"], measured: Measured): PhaseEnd {
  const { calls, wallMs, cpuMs, threadMs, samplesMs, errors, firstError, allocation } = measured;
  return {
    event: "end",
    operation,
    phase,
    calls,
    wallMs: roundMs(wallMs),
    cpuMs: roundMs(cpuMs),
    threadMs: threadMs === null ? null : roundMs(threadMs),
    samplesMs: samplesMs.map(roundMs),
    errors,
    errorMessage: errors === 0 ? null : describeError(firstError),
    allocation,
  };
}

function remembered<K, V>(values: Map<K, V>, key: K, make: () => V): V {
  const found = values.get(key);
  if (found !== undefined) {
    return found;
  }
  const made = make();
  values.set(key, made);
  return made;
}

serve((emit) => new Suite(emit));
