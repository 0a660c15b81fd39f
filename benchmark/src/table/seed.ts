// Fills tables with the data set, and compares all that is in some with it. What the forms of several tables share, the
// data set's own items, is made once for all of them.

import type { Key, Order } from "../dataset.js";
import { type Difference, differ, difference } from "../difference.js";
import type { ItemForm } from "../form.js";
import type { BareTable } from "./bare-table.js";
import { putIntoAll } from "./batch.js";
import { inFlight } from "./in-flight.js";

export function seedTable(table: BareTable, items: number, seed: number): Promise<void> {
  return seedTables([table], items, seed);
}

/** Fills tables of the same data; `onProgress` gets the items done in all of them together. */
export async function seedTables(
  tables: readonly BareTable[],
  items: number,
  seed: number,
  onProgress?: (done: number) => void,
): Promise<void> {
  const data = tables[0]?.data;
  if (data === undefined) {
    return;
  }
  if (items > data.mostItems) {
    throw new RangeError(`${items} items: at most ${data.mostItems} can be kept apart from the lanes`);
  }
  let n = 0;
  await putIntoAll(tables, () => (n < items ? data.orderOf(n++, seed) : undefined), onProgress);
}

export function compareTable(table: BareTable, items: number, seed: number): Promise<Difference | null> {
  return compareTables([table], items, seed);
}

/**
 * The first difference of tables of the same data from it; null where they are the same. At least `enough` items of
 * each are compared, those of every so-manieth partition, and the items of all are counted.
 */
export async function compareTables(
  tables: readonly BareTable[],
  items: number,
  seed: number,
  enough = items,
): Promise<Difference | null> {
  const data = tables[0]?.data;
  if (data === undefined) {
    return null;
  }
  for (const table of tables) {
    if (!(await table.hasItsKeys())) {
      return differ(`table ${table.name}`, keysInWords(table.form), "others, or no table");
    }
  }
  const { perPartition } = data;
  const partitions = Math.ceil(items / perPartition);
  const step = Math.max(1, Math.floor(items / enough));
  let partition = 0;
  let found: Difference | null = null;
  await inFlight(async () => {
    while (partition < partitions && found === null) {
      const first = partition * perPartition;
      partition += step;
      const count = Math.min(perPartition, items - first);
      const orders = Array.from({ length: count }, (_, item) => data.orderOf(first + item, seed));
      for (const table of tables) {
        const wrong = await comparePartition(table, data.keyOf(first), orders);
        // Not `found ??= await …`: that looks at `found` before the wait, and would forget what others find meanwhile.
        found ??= wrong;
      }
    }
  });
  for (const table of tables) {
    found ??= await compareCount(table, "table", items);
    found ??= table.form.index === undefined ? null : await compareCount(table, "index", items);
  }
  return found;
}

/** DynamoDB Local counts as it goes; a server that doesn't is asked to count by reading everything. */
async function compareCount(table: BareTable, of: "table" | "index", items: number): Promise<Difference | null> {
  let count = await table.itemCount(of);
  if (count !== items) {
    count = await table.scanCount(of);
  }
  const where = of === "table" ? `table ${table.name}` : `the index of table ${table.name}`;
  return count === items ? null : differ(where, `${items} items`, `${count} items`);
}

async function comparePartition(table: BareTable, key: Key, orders: readonly Order[]): Promise<Difference | null> {
  const items = orders.map((order) => table.itemOf(order));
  if (await table.holds(key, items)) {
    return null;
  }
  const expected = orders.map((order) => table.form.itemOf(order));
  const where = `partition ${key[table.data.shape.partition]} of table ${table.name}`;
  return difference(expected, await table.partition(key), where);
}

function keysInWords({ partition, sort, index }: ItemForm): string {
  const more = index === undefined ? "" : `, and an index ${index.name} of ${index.partition} and ${index.sort}`;
  return `keys ${partition} and ${sort}${more}`;
}
