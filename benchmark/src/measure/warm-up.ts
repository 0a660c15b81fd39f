// Warming up: one window of calls that are not timed one by one. How many windows it takes until a client has settled is
// the parent's to decide.

import { type Made, makeCalls, type Slice } from "./calls.js";
import { type CpuSpent, countCpu } from "./cpu.js";
import type { CallLimit } from "./limit.js";

export interface WarmedUp extends CpuSpent, Made {
  wallMs: number;
}

/** Makes all calls of a slice, one after the other; rejects where none succeeds. */
export async function warmUp(slice: Slice, limit: CallLimit, spin: () => void): Promise<WarmedUp> {
  const at = performance.now();
  const spent = countCpu();
  const made = await makeCalls(slice, 0, slice.count, limit, spin);
  const cpu = spent();
  const wallMs = performance.now() - at;
  if (made.errors === made.calls) {
    throw made.firstError;
  }
  return { ...made, ...cpu, wallMs };
}
