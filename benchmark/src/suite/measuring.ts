// The commands `warm-up` and `measure`.

import { STREAM } from "../dataset.js";
import type { Difference } from "../difference.js";
import type { Slice } from "../measure/calls.js";
import { countCalls, type Measured, timeCalls } from "../measure/slice.js";
import { warmUp } from "../measure/warm-up.js";
import { type PreparedCalls, prepare } from "../operations.js";
import type { End, Event, Ground, Measure, Operation, Phase } from "../protocol.js";
import { type Command, flag, oneOf, wholeNumber } from "../worker/command.js";
import { describeError, roundMs } from "../worker/events.js";
import type { OpenedSuite } from "./opened.js";

type MeasuredPhase = Exclude<Phase, "warm-up">;
/** How a slice is to be measured. */
type Wanted = Required<Omit<Measure, "operation">> & { phase: MeasuredPhase };

const GROUNDS: readonly Ground[] = ["recorded", "database"];
const MEASURED_PHASES: readonly MeasuredPhase[] = ["client", "latency", "throughput", "allocation"];

/** Which ground a phase is measured on. */
const GROUND_OF: Record<MeasuredPhase, Ground> = {
  client: "recorded",
  allocation: "recorded",
  latency: "database",
  throughput: "database",
};

export async function warmUpOperation(open: OpenedSuite, operation: Operation, command: Command): Promise<void> {
  const { emit, limit } = open;
  const calls = wholeNumber(command, "calls", 1);
  const ground = oneOf(command, "ground", GROUNDS);
  const from = open.nextWarmUp(operation, ground, calls);
  const slice =
    ground === "recorded"
      ? poolSlice(open, operation, from, calls)
      : prepare(operation, {
          table: open.library.database,
          context: open.context,
          stream: STREAM.warmUp,
          from,
          count: calls,
        });
  const warmed = await warmUp(slice, limit, open.spinOf(operation));
  emit(endOf(operation, "warm-up", { ...warmed, samplesMs: [], allocation: null }));
}

export async function measureOperation(open: OpenedSuite, operation: Operation, command: Command): Promise<void> {
  const { emit } = open;
  const wanted = readMeasure(command);
  const { phase, leadIn, concurrency } = wanted;
  // Against the record nobody watches the process: an event would only wake the parent while calls are timed.
  const watched = GROUND_OF[phase] === "database";
  const tell = (event: "start" | "stopped"): Event[] => (watched ? [{ event, operation, phase }] : []);
  const { slice, wrong } = callsOf(open, operation, wanted);
  const options = {
    slice,
    leadIn,
    limit: open.limit,
    onStart: () => emit(...tell("start")),
    spin: open.spinOf(operation),
  };
  const measured =
    phase === "allocation"
      ? await countCalls(options)
      : await timeCalls({ ...options, concurrency, samples: phase === "latency" });
  const end = endOf(operation, phase, measured);
  const { last } = measured;
  if (last === null || !wanted.check) {
    emit(...tell("stopped"), end);
    return;
  }
  emit(...tell("stopped"));
  const found = await wrong(last.index, last.result);
  emit(found === null ? end : { event: "wrong-work", operation, ...found });
}

function readMeasure(command: Command): Wanted {
  const phase = oneOf(command, "phase", MEASURED_PHASES);
  return {
    phase,
    calls: wholeNumber(command, "calls", 1),
    leadIn: command.leadIn === undefined ? 0 : wholeNumber(command, "leadIn"),
    from: wholeNumber(command, "from"),
    check: flag(command, "check", true),
    concurrency: phase === "throughput" ? wholeNumber(command, "concurrency", 1) : 1,
  };
}

interface Calls {
  slice: Slice;
  /** What is wrong with the result of a call of the slice, or with its effect. */
  wrong(this: void, index: number, result: unknown): Promise<Difference | null>;
}

function callsOf(open: OpenedSuite, operation: Operation, { phase, from, leadIn, calls }: Wanted): Calls {
  const count = leadIn + calls;
  if (GROUND_OF[phase] === "recorded") {
    const pool = open.poolOf(operation);
    return {
      slice: poolSlice(open, operation, from, count),
      // The record answers writes without doing them: their effect was looked at when it was made.
      wrong: async (index, result) => pool.wrongResult((from + index) % pool.count, result),
    };
  }
  const { library, context } = open;
  const slice = prepare(operation, { table: library.database, context, stream: STREAM.measured, from, count });
  return {
    slice,
    wrong: async (index, result) => slice.wrongResult(index, result) ?? (await wrongEffect(open, slice, index)),
  };
}

/** Calls that go through a pool again and again, beginning at call `from`. */
function poolSlice(open: OpenedSuite, operation: Operation, from: number, count: number): Slice {
  const { count: pool, make } = open.poolOf(operation);
  const once = (i: number) => make((from + i) % pool);
  return {
    count,
    make: (i) => (open.isRepeated(operation, from + i) ? once(i).then(() => once(i)) : once(i)),
  };
}

async function wrongEffect(open: OpenedSuite, calls: PreparedCalls, index: number): Promise<Difference | null> {
  if (calls.effect === null) {
    return null;
  }
  const bare = await open.openBare(open.library.table);
  try {
    return await calls.effect.wrong(index, bare);
  } finally {
    bare.close();
  }
}

function endOf(operation: Operation, phase: Phase, measured: Measured): { event: "end" } & End {
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
