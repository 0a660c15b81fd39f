// Measuring a slice of calls with tinybench. It is given calls that are ready to be made, and gives back times; what
// the calls are, and whether they did what they should, is not its business.

import { Bench } from "tinybench";
import type { MiddlewareHost } from "./adapter.js";
import { type CpuSpent, countCpu } from "./cpu.js";
import type { CallLimit } from "./limit.js";
import { NoAnswer } from "./limit.js";
import { meter, type Traffic } from "./wire.js";

/** After so many calls without an answer the rest of a slice is not made: each would wait as long. */
const MOST_NO_ANSWERS = 3;

/** The time tinybench is told for a call that has none, since it failed; such samples are taken out again. */
const NO_SAMPLE = Number.MAX_VALUE;

export interface Slice {
  count: number;
  make(this: void, i: number): Promise<unknown>;
}

export interface Measured extends CpuSpent {
  /** Timed calls that were made, the failed ones too. */
  calls: number;
  wallMs: number;
  /** Of the calls that succeeded, ascending; empty where several were in flight. */
  samplesMs: number[];
  errors: number;
  firstError: unknown;
  /** The last call that succeeded. */
  last: { index: number; result: unknown } | null;
  traffic: Traffic | null;
}

export interface MeasureOptions {
  slice: Slice;
  /** How many calls of the slice come first and are not timed; that they failed is told all the same. */
  leadIn: number;
  limit: CallLimit;
  /** Told when the first timed call is about to be made. */
  onStart: () => void;
  /** Calls in flight; one means one after the other. */
  concurrency: number;
  /** Runs inside the timed call, before the library is called. */
  spin: () => void;
  /** Counts what goes over this client's wire meanwhile. */
  metered: MiddlewareHost | null;
}

/** Steps between two looks at the clock, about 0.3 us: each look leaves garbage. */
const SPIN_STEPS = 200;

/**
 * A busy loop of so many microseconds of CPU: a known extra cost. It looks at the clock seldom, lest its garbage cost
 * more than is known (looking all the time, 63 us of it tripled a GetItem's collections).
 */
export function spinner(micros: number): () => void {
  if (micros <= 0) {
    return () => {};
  }
  let state = 1;
  return () => {
    const until = performance.now() + micros / 1000;
    while (performance.now() < until) {
      for (let step = 0; step < SPIN_STEPS; step += 1) {
        state = Math.imul(state, 69069) + 1;
      }
    }
  };
}

export async function measure({
  slice,
  leadIn,
  limit,
  onStart,
  concurrency,
  spin,
  metered,
}: MeasureOptions): Promise<Measured> {
  const { count, make } = slice;
  let next = 0;
  let calls = 0;
  let errors = 0;
  let noAnswers = 0;
  let firstError: unknown = null;
  let last: Measured["last"] = null;
  let wallMs = 0;
  let wallAtStart = 0;
  let spent: (() => CpuSpent) | undefined;
  let running: { stop(): Traffic } | null = null;
  let traffic: Traffic | null = null;
  let cpu: CpuSpent = { cpuMs: 0, threadMs: null };

  const bench = new Bench({
    warmup: leadIn > 0,
    warmupIterations: leadIn,
    warmupTime: 0,
    iterations: count - leadIn,
    time: 0,
    retainSamples: concurrency === 1,
    concurrency: concurrency === 1 ? null : "task",
    threshold: concurrency,
    // tinybench calls these right before the first call and right after the last one: its statistics come later.
    setup: (_task, mode) => {
      if (mode === "warmup") {
        return;
      }
      calls = 0;
      running = metered === null ? null : meter(metered);
      onStart();
      spent = countCpu();
      wallAtStart = performance.now();
    },
    teardown: () => {
      wallMs = performance.now() - wallAtStart;
      cpu = spent?.() ?? cpu;
      traffic = running?.stop() ?? null;
    },
  });

  // tinybench drops all samples of a task when one call throws, so a failed call is caught here and marked by an
  // overridden duration instead.
  bench.add("calls", async () => {
    const index = next++;
    if (noAnswers >= MOST_NO_ANSWERS) {
      return { overriddenDuration: NO_SAMPLE };
    }
    calls += 1;
    try {
      const result = await limit.run(() => {
        spin();
        return make(index);
      });
      last = { index, result };
      return;
    } catch (error) {
      errors += 1;
      firstError ??= error;
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
  return { calls, wallMs, ...cpu, samplesMs, errors, firstError, last, traffic };
}
