// Recording: every input of an operation's pool is called once through the parent's server, which keeps the answers. All
// results are checked, so that nothing wrong is answered from the record later; of writes, the effect in the table is
// read back for a sample, through the database itself.

import type { OrderTable } from "../adapters/adapter.js";
import type { Difference } from "../difference.js";
import type { CallLimit } from "../measure/limit.js";
import type { PreparedCalls } from "../operations.js";
import type { Operation } from "../protocol.js";
import type { BareTable } from "../table/bare-table.js";

/** Writes whose effect is read back, spread over the pool. */
const SAMPLE = 8;

export interface Recorded {
  calls: number;
  /** Items that Scan returned. */
  items: number | null;
  wrong: Difference | null;
}

/** Calls a pool's inputs one after the other; stops at the first that does wrong work. */
export async function recordPool(
  operation: Operation,
  pool: PreparedCalls,
  table: OrderTable,
  limit: CallLimit,
  openBare: () => Promise<BareTable>,
): Promise<Recorded> {
  const bare = pool.effect === null ? null : await openBare();
  try {
    const sample = new Set(spread(pool.count));
    let items: number | null = null;
    for (let i = 0; i < pool.count; i++) {
      const { effect } = pool;
      const looksAt = effect !== null && bare !== null && sample.has(i) && (await effect.arrange(i, bare));
      const result = await limit.run(() => pool.make(i));
      const wrong = pool.wrongResult(i, result) ?? (looksAt ? await effect.wrong(i, bare) : null);
      if (wrong !== null) {
        return { calls: i + 1, items, wrong };
      }
      if (operation === "Scan") {
        items = [...table.toOrders(result)].length;
      }
    }
    return { calls: pool.count, items, wrong: null };
  } finally {
    bare?.close();
  }
}

/** Which calls are in the sample: the first, the last and others between them at equal distances. */
function spread(count: number): number[] {
  const size = Math.min(SAMPLE, count);
  return Array.from({ length: size }, (_, i) => (size === 1 ? 0 : Math.round((i * (count - 1)) / (size - 1))));
}
