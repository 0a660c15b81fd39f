// Fills a table with the data set, and compares all that is in one with it.

import { keyOf, MOST_ITEMS, ORDERS_PER_CUSTOMER, type Order, orderOf } from "../dataset.js";
import { type Difference, differ, difference } from "../difference.js";
import type { Item } from "../form.js";
import type { BareTable } from "./bare-table.js";
import { putAll } from "./batch.js";
import { inFlight } from "./in-flight.js";

/** What makes a table's item number n from the seed. */
export type MakeOrder = (n: number, seed: number) => Order;

export async function seedTable(
  table: BareTable,
  items: number,
  seed: number,
  onProgress?: (done: number) => void,
  make: MakeOrder = orderOf,
): Promise<void> {
  if (items > MOST_ITEMS) {
    throw new RangeError(`${items} items: at most ${MOST_ITEMS} can be kept apart from the lanes`);
  }
  let n = 0;
  await putAll(table, () => (n < items ? make(n++, seed) : undefined), onProgress);
}

/** The first difference of the table from the data set; null where they are the same. */
export async function compareTable(
  table: BareTable,
  items: number,
  seed: number,
  make: MakeOrder = orderOf,
): Promise<Difference | null> {
  const customers = Math.ceil(items / ORDERS_PER_CUSTOMER);
  let customer = 0;
  let found: Difference | null = null;
  await inFlight(async () => {
    while (customer < customers && found === null) {
      const first = customer++ * ORDERS_PER_CUSTOMER;
      const count = Math.min(ORDERS_PER_CUSTOMER, items - first);
      const expected = Array.from({ length: count }, (_, order) => table.form.itemOf(make(first + order, seed)));
      const wrong = await compareCustomer(table, keyOf(first).customerId, expected);
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

async function compareCustomer(table: BareTable, customerId: string, expected: Item[]): Promise<Difference | null> {
  return difference(expected, await table.customer(customerId), `customer ${customerId} of table ${table.name}`);
}
