// Undoes what an operation's calls did to the table, those of the recorded ground's pool included.

import { AREA, type Area, LARGEST_POOL, STREAM } from "../dataset.js";
import { updatedItem, WARM_UP_UPDATES } from "../operations.js";
import type { KeeperCommand } from "../protocol.js";
import type { BareTable } from "./bare-table.js";
import { deleteAll, putAll } from "./batch.js";

/** The tables that are kept. */
export type OpenKeeper = Extract<KeeperCommand, { do: "open" }>;

type Wanted = Omit<Extract<KeeperCommand, { do: "restore" }>, "do">;

export async function restore(table: BareTable, settings: OpenKeeper, wanted: Wanted): Promise<void> {
  const { operation, lanes, from, count } = wanted;
  switch (operation) {
    case "PutItem":
      await empty(table, lanes, AREA.put, from, count);
      await empty(table, lanes, AREA.putWarmUp);
      await empty(table, lanes, AREA.putPool);
      await empty(table, lanes, AREA.verify);
      break;
    case "DeleteItem":
      await empty(table, lanes, AREA.delete, from, count);
      await empty(table, lanes, AREA.deletePool);
      break;
    case "UpdateItem": {
      const numbers = changedItems(settings, wanted).values();
      await putAll(table, () => {
        const next = numbers.next();
        return next.done ? undefined : table.data.orderOf(next.value, settings.seed);
      });
      break;
    }
    default:
      break;
  }
}

/** Which items of the data set UpdateItem may have changed: measured, warming up, and on the recorded ground. */
function changedItems({ items, seed }: OpenKeeper, { round, from, count }: Wanted): Set<number> {
  const context = { items, seed, round };
  const changed = new Set<number>();
  for (let i = 0; i < WARM_UP_UPDATES; i++) {
    changed.add(updatedItem(context, STREAM.warmUp, i));
  }
  for (let i = 0; i < LARGEST_POOL; i++) {
    changed.add(updatedItem(context, STREAM.pool, i));
  }
  for (let i = 0; i < count; i++) {
    changed.add(updatedItem(context, STREAM.measured, from + i));
  }
  return changed;
}

/**
 * Deletes what there is in an area of lanes: from the partition of item `from` on, through that of the last one and
 * then until a partition has no items.
 */
export async function empty(
  table: BareTable,
  lanes: readonly number[],
  area: Area,
  from = 0,
  count = 0,
): Promise<void> {
  const { data } = table;
  const last = Math.floor((from + Math.max(0, count - 1)) / data.perPartition);
  for (const lane of lanes) {
    for (let partition = Math.floor(from / data.perPartition); ; partition++) {
      const found = await table.partitionKeys(data.lanePartition(lane, area, partition));
      await deleteAll(table, found);
      if (found.length === 0 && partition >= last) {
        break;
      }
    }
  }
}
