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
export async function putAll(
  table: BareTable,
  next: () => Order | undefined,
  onProgress?: (done: number) => void,
): Promise<number> {
  let done = 0;
  await inFlight(async () => {
    for (;;) {
      const requests = nextPuts(table, next);
      if (requests.length === 0) {
        return;
      }
      await write(table, requests);
      done += requests.length;
      onProgress?.(done);
    }
  });
  return done;
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

function nextPuts(table: BareTable, next: () => Order | undefined): WriteRequest[] {
  const requests: WriteRequest[] = [];
  while (requests.length < BATCH) {
    const order = next();
    if (order === undefined) {
      break;
    }
    requests.push({ PutRequest: { Item: table.itemOf(order) } });
  }
  return requests;
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
