// Warming up: one window of calls that are not timed one by one. How many windows it takes until a client has settled is
// the parent's to decide (xtask/src/warmup.rs).

import type { OrderTable } from "./adapter.js";
import { STREAM } from "./dataset.js";
import type { CallLimit } from "./limit.js";
import type { Context } from "./operations.js";
import { prepare } from "./operations.js";
import type { OperationName } from "./protocol.js";

export interface WarmUpWindow {
  operation: OperationName;
  table: OrderTable;
  context: Context;
  limit: CallLimit;
  /** The number of the first call: no key that is written is written twice in one process. */
  from: number;
  /** The most calls. */
  calls: number;
  /** No further call begins after this long. */
  maxMs: number;
  spin: () => void;
}

export interface WarmedUp {
  /** Calls that were made, the failed ones too. */
  calls: number;
  wallMs: number;
  cpuMs: number;
  errors: number;
  errorMessage: unknown;
}

/** Makes calls, one after the other; rejects where none succeeds. */
export async function warmUp(window: WarmUpWindow): Promise<WarmedUp> {
  const { operation, table, context, limit, from, calls, maxMs, spin } = window;
  const prepared = prepare(operation, table, context, STREAM.warmUp, from, calls);
  let made = 0;
  let errors = 0;
  let errorMessage: unknown = null;
  const cpuAtStart = process.cpuUsage();
  const at = performance.now();
  while (made < calls && (made === errors || performance.now() - at < maxMs)) {
    const i = made++;
    try {
      await limit.run(() => {
        spin();
        return prepared.make(i);
      });
    } catch (error) {
      errors += 1;
      errorMessage ??= error;
    }
  }
  const wallMs = performance.now() - at;
  const { user, system } = process.cpuUsage(cpuAtStart);
  if (errors === made) {
    throw errorMessage;
  }
  return { calls: made, wallMs, cpuMs: (user + system) / 1000, errors, errorMessage };
}
