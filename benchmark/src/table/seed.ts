// Fills a table with the data set, and compares all that is in one with it.

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
  const { data } = table;
  if (items > data.mostItems) {
    throw new RangeError(`${items} items: at most ${data.mostItems} can be kept apart from the lanes`);
  }
  let n = 0;
  await putAll(table, () => (n < items ? data.orderOf(n++, seed) : undefined), onProgress);
}

/** The first difference of the table from the data set; null where they are the same. */
export async function compareTable(table: BareTable, items: number, seed: number): Promise<Difference | null> {
  const { perPartition } = table.data;
  const partitions = Math.ceil(items / perPartition);
  let partition = 0;
  let found: Difference | null = null;
  await inFlight(async () => {
    while (partition < partitions && found === null) {
      const first = partition++ * perPartition;
      const wrong = await comparePartition(table, first, Math.min(perPartition, items - first), seed);
      // Not `found ??= await …`: that looks at `found` before the wait, and would forget what others find meanwhile.
      found ??= wrong;
    }
  });
  if (found !== null) {
    return found;
  }
  return (
    (await compareCount(table, "table", items)) ??
    (table.form.index === undefined ? null : await compareCount(table, "index", items))
  );
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

async function comparePartition(
  table: BareTable,
  first: number,
  items: number,
  seed: number,
): Promise<Difference | null> {
  const { data } = table;
  const expected = Array.from({ length: items }, (_, item) => table.form.itemOf(data.orderOf(first + item, seed)));
  const key = data.keyOf(first);
  const where = `partition ${key[data.shape.partition]} of table ${table.name}`;
  return difference(expected, await table.partition(key), where);
}
