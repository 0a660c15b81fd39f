// Verifying Scan: the whole data set, each item once, as it is now. Where there is a rehearsal table, of more than one
// page whatever the scale, further scans are made of that one; the first, cold call is made of the smaller table.

import { itemOfCall, keyOf, orderOf, stored } from "../dataset.js";
import { type Difference, difference, differenceFromAll } from "../difference.js";
import { OPERATIONS } from "../protocol.js";
import type { BareTable } from "../table/bare-table.js";
import type { Rehearsal, Subject, Trial } from "./subject.js";

/** Whether Scan's own table is too large for a scan that isn't measured. */
export function rehearses(items: number, rehearsal: { items: number } | null): boolean {
  return rehearsal !== null && rehearsal.items < items;
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
  const own = { table: subject.table, items: subject.context.items };
  const rehearsed = rehearses(own.items, rehearsal);
  const coldOne = rehearsed && rehearsal !== null ? rehearsal : own;
  return {
    rehearsed,
    first: () => coldOne.table.scan(),
    async wrongFirst(result) {
      const others = [...coldOne.table.toOrders(result)].filter((order) => !subject.isOwn(order));
      return differenceFromAll(coldOne.items, others, (n, order) => subject.asSeeded(n, order));
    },
    async wrongFurther(bare) {
      if (rehearsal !== null) {
        const bareRehearsal = await openBare(rehearsal.name);
        return scansWhatIsThere(subject, rehearsal, bareRehearsal).finally(() => bareRehearsal.close());
      }
      // This scan finds exactly the data set.
      await subject.putBack(bare, OPERATIONS);
      return scansWhatIsThere(subject, own, bare);
    },
  };
}

/** One item is changed before the scan, so that an answer from earlier is seen. */
async function scansWhatIsThere(
  subject: Subject,
  { table, items }: Omit<Rehearsal, "name">,
  bare: BareTable,
): Promise<Difference | null> {
  const { seed } = subject.context;
  const changed = itemOfCall("Scan", { ...subject.call(0), items });
  const status = "changed";
  await bare.setStatus(keyOf(changed), status);
  try {
    const answer = await subject.ask(() => table.scan());
    return differenceFromAll(items, table.toOrders(answer), (n, order) =>
      n === changed
        ? difference({ ...orderOf(n, seed), status }, order, `order ${n}, just changed`)
        : subject.asSeeded(n, order),
    );
  } finally {
    await bare.put(stored(orderOf(changed, seed)));
  }
}
