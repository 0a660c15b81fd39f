// Warms the server: all six operations in turn, so that its code is compiled before anything is measured.

import { AREA, itemOfCall, LANES, STREAM } from "../dataset.js";
import type { BareTable } from "./bare-table.js";
import { empty } from "./restore.js";

/** The keeper's own lane. */
const OWN_LANE = LANES - 1;
/** Calls in flight. */
const IN_FLIGHT = 4;
/** Only tables up to this size are scanned: a scan's cost grows with the square of it. */
const LARGEST_SCAN = 5000;
/** The most scans, and how many other calls there are for each. */
const MOST_SCANS = 20;
const CALLS_PER_SCAN = 100;
/** Items of the keeper's lane that each worker uses. */
const SLOTS = 20;

/** How many items a table was seeded with, and by what. */
interface Seeded {
  items: number;
  seed: number;
}

export async function warmServer(
  table: BareTable,
  rehearsal: { table: BareTable; items: number } | null,
  seeded: Seeded,
  calls: number,
): Promise<void> {
  const { data } = table;
  const { seed, items } = seeded;
  for (let worker = 0; worker < IN_FLIGHT; worker++) {
    await table.put(data.laneOrder(OWN_LANE, AREA.keeper, worker * SLOTS, seed, 0));
  }
  await callInTurn(table, seeded, calls);
  const scanned = [{ table, items }, rehearsal].find((each) => each !== null && each.items <= LARGEST_SCAN);
  for (let i = 0; i < Math.min(MOST_SCANS, calls / CALLS_PER_SCAN); i++) {
    await scanned?.table.scanItems();
  }
  await empty(table, [OWN_LANE], AREA.keeper);
}

async function callInTurn(table: BareTable, seeded: Seeded, calls: number): Promise<void> {
  let done = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async (_, worker) => {
      for (let i = 0; done < calls; i++) {
        await call(table, seeded, i, worker);
        done += 1;
      }
    }),
  );
}

/** An update needs an item that is there and must leave no trace: each worker has one of its own in the lane. */
async function call(table: BareTable, { items, seed }: Seeded, i: number, worker: number): Promise<unknown> {
  const { data } = table;
  const draw = { items, seed, round: 0, stream: STREAM.warmUp, index: i };
  const slot = worker * SLOTS + (Math.floor(i / 5) % (SLOTS - 1)) + 1;
  switch (i % 5) {
    case 0:
      return table.put(data.laneOrder(OWN_LANE, AREA.keeper, slot, seed, 0));
    case 1:
      return table.get(data.keyOf(itemOfCall("GetItem", draw)));
    case 2:
      return data.shape.updated === null
        ? null
        : table.set(data.laneKey(OWN_LANE, AREA.keeper, worker * SLOTS), data.updatedOf(i % 2, seed, 0));
    case 3:
      return table.range(data.rangeOfCall(draw), seed);
    default:
      return table.delete(data.laneKey(OWN_LANE, AREA.keeper, slot));
  }
}
