// Warming up: calls in windows until the CPU time of a call stops falling. The rule is one pure function.

import type { OrderTable } from "./adapter.js";
import { STREAM } from "./dataset.js";
import type { CallLimit } from "./limit.js";
import type { Context } from "./operations.js";
import { prepare } from "./operations.js";
import type { OperationName } from "./protocol.js";

/** So many windows are compared with as many before them. */
const COMPARED = 3;
/** A fall by less than this share counts as none: a window of 150 ms varies by about so much by itself. */
const TOLERANCE = 0.02;
/** The most calls of one window: their inputs are in memory. */
const LARGEST_WINDOW = 5000;

/**
 * Whether CPU per call has stopped falling: the mean of the last three windows is not lower, by 2%, than that of the
 * three before, and none of the three is lower, by 2%, than every window before them. The second half matters on a
 * noisy machine, where a mean may rise by chance while the fall still goes on.
 */
export function hasSettled(windowsUs: readonly number[]): boolean {
  if (windowsUs.length < 2 * COMPARED) {
    return false;
  }
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const last = windowsUs.slice(-COMPARED);
  const before = windowsUs.slice(-2 * COMPARED, -COMPARED);
  return (
    sum(last) >= sum(before) * (1 - TOLERANCE) &&
    Math.min(...last) >= Math.min(...windowsUs.slice(0, -COMPARED)) * (1 - TOLERANCE)
  );
}

export interface Limits {
  minCalls: number;
  maxCalls: number;
  maxMs: number;
  inFlight: number;
  windowMs: number;
}

export interface WarmedUp {
  calls: number;
  wallMs: number;
  cpuMs: number;
  settled: boolean;
  windowsUs: number[];
  msPerCall: number;
  errors: number;
  errorMessage: unknown;
}

export interface WarmUpOptions {
  operation: OperationName;
  table: OrderTable;
  context: Context;
  limit: CallLimit;
  limits: Limits;
  /** The number of the first call: no key that is written is written twice in one process. */
  from: number;
  spin: () => void;
}

export async function warmUp(options: WarmUpOptions): Promise<WarmedUp> {
  const { operation, table, context, limit, limits, from, spin } = options;
  const started = performance.now();
  const cpuAtStart = process.cpuUsage();
  const elapsed = () => performance.now() - started;
  const windowsUs: number[] = [];
  let calls = 0;
  let errors = 0;
  let errorMessage: unknown = null;

  async function window(size: number, inFlight: number): Promise<{ wallMs: number; cpuUs: number; good: number }> {
    const prepared = prepare(operation, table, context, STREAM.warmUp, from + calls, size);
    let next = 0;
    let good = 0;
    const worker = async () => {
      while (next < size && (elapsed() < limits.maxMs || good === 0)) {
        const i = next++;
        try {
          await limit.run(() => {
            spin();
            return prepared.make(i);
          });
          good += 1;
        } catch (error) {
          errors += 1;
          errorMessage ??= error;
        }
      }
    };
    const cpu = process.cpuUsage();
    const at = performance.now();
    await Promise.all(Array.from({ length: Math.min(inFlight, size) }, worker));
    const wallMs = performance.now() - at;
    const { user, system } = process.cpuUsage(cpu);
    calls += next;
    if (good === 0) {
      throw errorMessage;
    }
    return { wallMs, cpuUs: user + system, good };
  }

  const inFlight = Math.max(1, limits.inFlight);
  let size = 1;
  let settled = false;
  let wallPerCall = Number.POSITIVE_INFINITY;
  let partial = true;
  for (;;) {
    size = Math.min(size, Math.max(1, limits.maxCalls - calls), LARGEST_WINDOW);
    const { wallMs, cpuUs, good } = await window(size, inFlight);
    wallPerCall = wallMs / good;
    const wanted = Math.max(1, Math.round(limits.windowMs / wallPerCall));
    // The first windows are short of the wished length, since nothing is known yet of how long a call takes.
    partial = partial && wanted > 2 * size;
    if (!partial) {
      windowsUs.push(cpuUs / good);
    }
    size = Math.min(wanted, size * 4);
    settled = calls >= limits.minCalls && hasSettled(windowsUs);
    if (settled || calls >= limits.maxCalls || elapsed() >= limits.maxMs) {
      break;
    }
  }

  // What one call takes by itself, which several in flight don't tell.
  let msPerCall = wallPerCall;
  if (inFlight > 1) {
    const alone = await window(Math.min(LARGEST_WINDOW, Math.max(1, Math.round(limits.windowMs / wallPerCall / 4))), 1);
    msPerCall = alone.wallMs / alone.good;
  }
  const { user, system } = process.cpuUsage(cpuAtStart);
  return {
    calls,
    wallMs: elapsed(),
    cpuMs: (user + system) / 1000,
    settled,
    windowsUs,
    msPerCall,
    errors,
    errorMessage,
  };
}
