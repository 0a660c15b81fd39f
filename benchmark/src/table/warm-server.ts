// Warms the server: all six operations in turn, so that its code is compiled before anything is measured.

import { AREA, itemOfCall, keyOf, LANES, laneKey, laneOrder, rangeOfCall, STREAM } from "../dataset.js";
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

interface DataSet {
  items: number;
  seed: number;
}

export async function warmServer(
  table: BareTable,
  rehearsal: { table: BareTable; items: number } | null,
  dataSet: DataSet,
  calls: number,
): Promise<void> {
  for (let worker = 0; worker < IN_FLIGHT; worker++) {
    await table.put(laneOrder(OWN_LANE, AREA.keeper, worker * SLOTS, dataSet.seed, 0));
  }
  await callInTurn(table, dataSet, calls);
  const scanned = [{ table, items: dataSet.items }, rehearsal].find(
    (each) => each !== null && each.items <= LARGEST_SCAN,
  );
  for (let i = 0; i < Math.min(MOST_SCANS, calls / CALLS_PER_SCAN); i++) {
    await scanned?.table.scanItems();
  }
  await empty(table, [OWN_LANE], AREA.keeper);
}

async function callInTurn(table: BareTable, dataSet: DataSet, calls: number): Promise<void> {
  let done = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async (_, worker) => {
      for (let i = 0; done < calls; i++) {
        await call(table, dataSet, i, worker);
        done += 1;
      }
    }),
  );
}

/** An update needs an item that is there and must leave no trace: each worker has one of its own in the lane. */
async function call(table: BareTable, { items, seed }: DataSet, i: number, worker: number): Promise<unknown> {
  const draw = { items, seed, round: 0, stream: STREAM.warmUp, index: i };
  const slot = worker * SLOTS + (Math.floor(i / 5) % (SLOTS - 1)) + 1;
  switch (i % 5) {
    case 0:
      return table.put(laneOrder(OWN_LANE, AREA.keeper, slot, seed, 0));
    case 1:
      return table.get(keyOf(itemOfCall("GetItem", draw)));
    case 2:
      return table.setStatus(laneKey(OWN_LANE, AREA.keeper, worker * SLOTS), i % 2 === 0 ? "pending" : "shipped");
    case 3: {
      const range = rangeOfCall(draw);
      return table.range(range.customerId, range.firstOrderId, range.lastOrderId);
    }
    default:
      return table.delete(laneKey(OWN_LANE, AREA.keeper, slot));
  }
}
