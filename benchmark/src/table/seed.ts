// Fills a table with the data set, and compares all that is in one with it.

import { keyOf, MOST_ITEMS, ORDERS_PER_CUSTOMER, orderOf } from "../dataset.js";
import { type Difference, differ, difference } from "../difference.js";
import type { BareTable } from "./bare-table.js";
import { putAll } from "./batch.js";
import { inFlight } from "./in-flight.js";

export async function seedTable(
  table: BareTable,
  items: number,
  seed: number,
  onProgress?: (done: number) => void,
): Promise<void> {
  if (items > MOST_ITEMS) {
    throw new RangeError(`${items} items: at most ${MOST_ITEMS} can be kept apart from the lanes`);
  }
  let n = 0;
  await putAll(table, () => (n < items ? orderOf(n++, seed) : undefined), onProgress);
}

/** The first difference of the table from the data set; null where they are the same. */
export async function compareTable(table: BareTable, items: number, seed: number): Promise<Difference | null> {
  const customers = Math.ceil(items / ORDERS_PER_CUSTOMER);
  let customer = 0;
  let found: Difference | null = null;
  await inFlight(async () => {
    while (customer < customers && found === null) {
      const first = customer++ * ORDERS_PER_CUSTOMER;
      const wrong = await compareCustomer(table, first, Math.min(ORDERS_PER_CUSTOMER, items - first), seed);
      // Not `found ??= await …`: that looks at `found` before the wait, and would forget what others find meanwhile.
      found ??= wrong;
    }
  });
  if (found !== null) {
    return found;
  }
  // DynamoDB Local counts as it goes; a server that doesn't is asked to count by reading everything.
  let count = await table.itemCount();
  if (count !== items) {
    count = await table.scanCount();
  }
  return count === items ? null : differ(`table ${table.name}`, `${items} items`, `${count} items`);
}

async function compareCustomer(
  table: BareTable,
  first: number,
  orders: number,
  seed: number,
): Promise<Difference | null> {
  const expected = Array.from({ length: orders }, (_, order) => table.form.itemOf(orderOf(first + order, seed)));
  const { customerId } = keyOf(first);
  return difference(expected, await table.customer(customerId), `customer ${customerId} of table ${table.name}`);
}
