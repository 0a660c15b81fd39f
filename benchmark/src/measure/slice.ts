// Measuring a slice of calls with tinybench. It is given calls that are ready to be made, and gives back times; what
// the calls are, and whether they did what they should, is not its business.

import { Bench } from "tinybench";
import type { Allocated } from "../protocol.js";
import { countAllocation } from "./allocation.js";
import { type Made, makeCalls, type Slice } from "./calls.js";
import { type CpuSpent, countCpu } from "./cpu.js";
import type { CallLimit } from "./limit.js";
import { MOST_NO_ANSWERS, NoAnswer } from "./limit.js";

/** The time tinybench is given for a call that has none, since it failed; such samples are taken out again. */
const NO_SAMPLE = Number.MAX_VALUE;

export interface Measured extends CpuSpent, Made {
  wallMs: number;
  /** Of the calls that succeeded, ascending; empty unless they were asked for. */
  samplesMs: number[];
  allocation: Allocated | null;
}

export interface MeasureOptions {
  slice: Slice;
  /** How many calls of the slice come first and are not timed; those that fail are counted all the same. */
  leadIn: number;
  limit: CallLimit;
  /** Called when the first timed call is about to be made. */
  onStart: () => void;
  /** Runs inside the timed call, before the library is called. */
  spin: () => void;
}

export interface TimeOptions extends MeasureOptions {
  /** Calls in flight; one means one after the other. */
  concurrency: number;
  /** Whether each call's time is kept. */
  samples: boolean;
}

/** Times calls. */
export async function timeCalls(options: TimeOptions): Promise<Measured> {
  const { slice, leadIn, limit, onStart, concurrency, samples, spin } = options;
  const made: Made = { calls: 0, errors: 0, firstError: null, last: null };
  let next = 0;
  let noAnswers = 0;
  let wallMs = 0;
  let wallAtStart = 0;
  let spent: (() => CpuSpent) | undefined;
  let cpu: CpuSpent = { cpuMs: 0, threadMs: null };

  const bench = new Bench({
    warmup: leadIn > 0,
    warmupIterations: leadIn,
    warmupTime: 0,
    iterations: slice.count - leadIn,
    time: 0,
    retainSamples: samples,
    concurrency: concurrency === 1 ? null : "task",
    threshold: concurrency,
    // tinybench calls these right before the first call and right after the last one: its statistics come later.
    setup: (_task, mode) => {
      if (mode === "warmup") {
        return;
      }
      made.calls = 0;
      onStart();
      spent = countCpu();
      wallAtStart = performance.now();
    },
    teardown: () => {
      wallMs = performance.now() - wallAtStart;
      cpu = spent?.() ?? cpu;
    },
  });

  // tinybench drops all samples of a task when one call throws, so a failed call is caught here and marked by an
  // overridden duration instead.
  bench.add("calls", async () => {
    const index = next++;
    if (noAnswers >= MOST_NO_ANSWERS) {
      return { overriddenDuration: NO_SAMPLE };
    }
    made.calls += 1;
    try {
      const result = await limit.run(() => {
        spin();
        return slice.make(index);
      });
      made.last = { index, result };
      return;
    } catch (error) {
      made.errors += 1;
      made.firstError ??= error;
      if (error instanceof NoAnswer) {
        noAnswers += 1;
      }
      return { overriddenDuration: NO_SAMPLE };
    }
  });
  await bench.run();

  const result = bench.tasks[0]?.result;
  if (result?.state !== "completed") {
    throw new Error(`tinybench ended in state ${result?.state}`, {
      cause: "error" in (result ?? {}) ? (result as { error: Error }).error : undefined,
    });
  }
  const samplesMs = (result.latency.samples ?? []).filter((sample) => sample !== NO_SAMPLE);
  return { ...made, wallMs, ...cpu, samplesMs, allocation: null };
}

/** Counts what calls allocate, one after the other. No tinybench here: what it allocates itself would be counted. */
export async function countCalls({ slice, leadIn, limit, onStart, spin }: MeasureOptions): Promise<Measured> {
  const before = await makeCalls(slice, 0, leadIn, limit, spin);
  onStart();
  const at = performance.now();
  const spent = countCpu();
  const allocated = countAllocation();
  const made = await makeCalls(slice, leadIn, slice.count - leadIn, limit, spin);
  const allocation = allocated?.() ?? null;
  const cpu = spent();
  const wallMs = performance.now() - at;
  return {
    ...made,
    errors: before.errors + made.errors,
    firstError: before.firstError ?? made.firstError,
    ...cpu,
    wallMs,
    samplesMs: [],
    allocation,
  };
}
