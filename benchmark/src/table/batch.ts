// Many items at once: BatchWriteItem, as many in flight as help, and what the server leaves undone sent again.

import type { WriteRequest } from "@aws-sdk/client-dynamodb";
import type { Key, Order } from "../dataset.js";
import type { BareTable } from "./bare-table.js";
import { inFlight } from "./in-flight.js";

/** BatchWriteItem takes no more. */
const BATCH = 25;
/** How often a batch that the server leaves unfinished is sent again. */
const BATCH_ATTEMPTS = 10;

/** Puts as many orders as `next` gives until it gives undefined; never holds more than a few batches. */
export async function putAll(table: BareTable, next: () => Order | undefined): Promise<void> {
  await putIntoAll([table], next);
}

export async function deleteAll(table: BareTable, keys: readonly Key[]): Promise<void> {
  let at = 0;
  await inFlight(async () => {
    while (at < keys.length) {
      const batch = keys.slice(at, at + BATCH);
      at += BATCH;
      await write(
        table,
        batch.map((key) => ({ DeleteRequest: { Key: table.keyOf(key) } })),
      );
    }
  });
}

/** Puts the same orders into several tables, which are of the same data. */
export async function putIntoAll(
  tables: readonly BareTable[],
  next: () => Order | undefined,
  onProgress?: (done: number) => void,
): Promise<void> {
  let done = 0;
  await inFlight(async () => {
    for (let orders = nextBatch(next); orders.length > 0; orders = nextBatch(next)) {
      for (const table of tables) {
        await putBatch(table, orders);
        done += orders.length;
        onProgress?.(done);
      }
    }
  });
}

function nextBatch(next: () => Order | undefined): Order[] {
  const orders: Order[] = [];
  while (orders.length < BATCH) {
    const order = next();
    if (order === undefined) {
      break;
    }
    orders.push(order);
  }
  return orders;
}

async function putBatch(table: BareTable, orders: readonly Order[]): Promise<void> {
  const items = orders.map((order) => table.itemOf(order));
  if (!(await table.putTogether(items))) {
    await write(
      table,
      items.map((Item) => ({ PutRequest: { Item } })),
    );
  }
}

async function write(table: BareTable, requests: WriteRequest[]): Promise<void> {
  let left = requests;
  for (let attempt = 0; left.length > 0; attempt++) {
    if (attempt === BATCH_ATTEMPTS) {
      throw new Error(`the server left ${left.length} writes undone after ${BATCH_ATTEMPTS} attempts`);
    }
    if (attempt > 0) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(2000, 25 * 2 ** attempt)));
    }
    left = await table.writeBatch(left);
  }
}
