// Verifying Scan: the whole data set, each item once, as it is now. Where there is a rehearsal table, of more than one
// page whatever the scale, further scans are made of that one; the first, cold call is made of the smaller table.

import type { Order } from "../dataset.js";
import { type Difference, difference, differenceFromAll } from "../difference.js";
import type { BareTable } from "../table/bare-table.js";
import type { Rehearsal, Subject, Trial } from "./subject.js";

/** Of how many items of the first scan one is compared in all its attributes, where it has to be quick. */
const QUICK_STEP = 8;

/** A table of more items than this is too large for a scan that isn't measured. */
const LARGEST_FIRST_SCAN = 10_000;

/** A table that is scanned, and what is in it. */
type Scanned = Omit<Rehearsal, "name">;

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
  const { data } = subject;
  const { items } = subject.context;
  const own: Scanned = { table: subject.table, items, data };
  const rehearsed = rehearsal !== null && items > LARGEST_FIRST_SCAN;
  const coldOne = rehearsed ? rehearsal : own;
  return {
    rehearsed,
    first: () => coldOne.table.scan(),
    async wrongFirst(result, _bare, full) {
      // What this process and others verify with lies in the table meanwhile.
      const seeded = [...coldOne.table.toOrders(result)].filter((order) => !data.isOfLane(order));
      return differenceFromAll(coldOne, seeded, (n, order) =>
        full || n % QUICK_STEP === 0 ? subject.asSeeded(n, order, coldOne.data) : null,
      );
    },
    async wrongFurther(bare) {
      if (rehearsal !== null) {
        const bareRehearsal = await openBare(rehearsal.name);
        return scansWhatIsThere(subject, rehearsal, bareRehearsal).finally(() => bareRehearsal.close());
      }
      return scansWhatIsThere(subject, own, bare);
    },
  };
}

/** One item is changed before the scan, so that an answer from earlier is seen. */
async function scansWhatIsThere(
  subject: Subject,
  { table, items, data }: Scanned,
  bare: BareTable,
): Promise<Difference | null> {
  const { seed, lane } = subject.context;
  const changed = subject.apart("Scan", lane, items);
  const { updated } = data.shape;
  const isChanged = (order: unknown) => updated !== null && (order as Order | null)?.[updated] === data.changed;
  if (updated !== null) {
    await bare.set(data.keyOf(changed), data.changed);
  }
  try {
    const answer = await subject.ask(() => table.scan());
    const seeded = [...table.toOrders(answer)].filter((order) => !data.isOfLane(order));
    return differenceFromAll({ data, items }, seeded, (n, order) =>
      // Another process may just have changed an item of its own.
      (n === changed && updated !== null) || isChanged(order)
        ? difference(data.with(data.orderOf(n, seed), data.changed), order, `${data.shape.name} ${n}, just changed`)
        : subject.asSeeded(n, order, data),
    );
  } finally {
    await bare.put(data.orderOf(changed, seed));
  }
}
