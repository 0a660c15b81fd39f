// Verifying Scan: the whole data set, each item once, as it is now. Where there is a rehearsal table, of more than one
// page whatever the scale, further scans are made of that one; the first, cold call is made of the smaller table.

import type { OrderTable } from "../adapters/adapter.js";
import { isOfLane, keyOf, longOrderOf, type Order, orderOf } from "../dataset.js";
import { type Difference, difference, differenceFromAll } from "../difference.js";
import type { BareTable } from "../table/bare-table.js";
import type { MakeOrder } from "../table/seed.js";
import type { Rehearsal, Subject, Trial } from "./subject.js";

/** Of how many items of the first scan one is compared in all its attributes, where it has to be quick. */
const QUICK_STEP = 8;

/** A table of more items than this is too large for a scan that isn't measured. */
const LARGEST_FIRST_SCAN = 10_000;

/** A table that is scanned, and what must be in it. */
interface Scanned {
  table: OrderTable;
  items: number;
  make: MakeOrder;
  asSeeded(this: void, n: number, order: unknown): Difference | null;
}

function scannedOf({ table, items }: Rehearsal, seed: number): Scanned {
  return {
    table,
    items,
    make: longOrderOf,
    asSeeded: (n, order) => difference(longOrderOf(n, seed), order, `order ${n}`),
  };
}

export interface ScanTrial extends Trial {
  /** Whether the first call scans the rehearsal table, so that its time isn't that of the table itself. */
  rehearsed: boolean;
}

/** `openBare` opens the table of further scans, by its name. */
export function scanTrial(
  subject: Subject,
  rehearsal: Rehearsal | null,
  openBare: (name: string) => Promise<BareTable>,
): ScanTrial {
  const { items } = subject.context;
  const own: Scanned = {
    table: subject.table,
    items,
    make: orderOf,
    asSeeded: (n, order) => subject.asSeeded(n, order),
  };
  const other = rehearsal === null ? null : scannedOf(rehearsal, subject.context.seed);
  const rehearsed = other !== null && items > LARGEST_FIRST_SCAN;
  const coldOne = rehearsed ? other : own;
  return {
    rehearsed,
    first: () => coldOne.table.scan(),
    async wrongFirst(result, _bare, full) {
      // What this process and others verify with lies in the table meanwhile.
      const seeded = [...coldOne.table.toOrders(result)].filter((order) => !isOfLane(order));
      return differenceFromAll(coldOne.items, seeded, (n, order) =>
        full || n % QUICK_STEP === 0 ? coldOne.asSeeded(n, order) : null,
      );
    },
    async wrongFurther(bare) {
      if (rehearsal !== null && other !== null) {
        const bareRehearsal = await openBare(rehearsal.name);
        return scansWhatIsThere(subject, other, bareRehearsal).finally(() => bareRehearsal.close());
      }
      return scansWhatIsThere(subject, own, bare);
    },
  };
}

/** One item is changed before the scan, so that an answer from earlier is seen. */
async function scansWhatIsThere(
  subject: Subject,
  { table, items, make, asSeeded }: Scanned,
  bare: BareTable,
): Promise<Difference | null> {
  const { seed, lane } = subject.context;
  const changed = subject.apart("Scan", lane, items);
  const status = "changed";
  const isChanged = (order: unknown) => (order as Partial<Order> | null)?.status === status;
  await bare.setStatus(keyOf(changed), status);
  try {
    const answer = await subject.ask(() => table.scan());
    const seeded = [...table.toOrders(answer)].filter((order) => !isOfLane(order));
    return differenceFromAll(items, seeded, (n, order) =>
      // Another process may just have changed an item of its own.
      n === changed || isChanged(order)
        ? difference({ ...make(n, seed), status }, order, `order ${n}, just changed`)
        : asSeeded(n, order),
    );
  } finally {
    await bare.put(make(changed, seed));
  }
}
