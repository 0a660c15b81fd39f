// Says whether two plain values are deeply equal and, if not, where they first differ, short enough for an event; and
// whether what a library returned is what the data set holds. Prototypes don't matter: libraries return instances of
// their own classes. Nor does the class in which a library returns a set or a binary, as long as its elements or bytes
// are right.

import { inspect } from "node:util";
import { type DataSet, type Order, POOL_ROUND, type Range } from "./dataset.js";
import { shorten } from "./worker/events.js";

export interface Difference {
  expected: string;
  actual: string;
}

/** One line, all of it: what is too long is cut off by us. */
const INSPECTED = { breakLength: Number.POSITIVE_INFINITY, depth: 5, maxStringLength: 400 };

/** The first difference of two values, or null where there is none. `where` names them in the text. */
export function difference(expected: unknown, actual: unknown, where = "result"): Difference | null {
  // Nearly all values are the same: the names of places are made only where they are not.
  return same(expected, actual) ? null : firstDifference(expected, actual, where);
}

function same(expected: unknown, actual: unknown): boolean {
  if (Object.is(expected, actual)) {
    return true;
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    return expected.length === actual.length && expected.every((element, i) => same(element, actual[i]));
  }
  if (expected instanceof Uint8Array) {
    return bytesOf(actual)?.equals(expected) === true;
  }
  if (expected instanceof Set) {
    return sameElements(expected, elementsOf(actual));
  }
  if (isPlain(expected) && isPlain(actual)) {
    const names = Object.keys(expected);
    return (
      names.length === Object.keys(actual).length &&
      names.every((name) => Object.hasOwn(actual, name) && same(expected[name], actual[name]))
    );
  }
  return false;
}

/** The bytes of a binary: a Buffer, another view, or the memory itself; null for anything else. */
function bytesOf(value: unknown): Buffer | null {
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  return value instanceof ArrayBuffer ? Buffer.from(value) : null;
}

/** The elements of a set: a Set, a list, or a class of a library's own that has them in `values`; null otherwise. */
function elementsOf(value: unknown): unknown[] | null {
  if (value instanceof Set || Array.isArray(value)) {
    return [...(value as Iterable<unknown>)];
  }
  const values = (value as { values?: unknown } | null | undefined)?.values;
  return Array.isArray(values) ? (values as unknown[]) : null;
}

/** Whether there are the same elements, each once, in any order. */
function sameElements(expected: Set<unknown>, actual: unknown[] | null): boolean {
  const comparable = (value: unknown) => bytesOf(value)?.toString("base64") ?? value;
  const wanted = new Set([...expected].map(comparable));
  const found = new Set(actual?.map(comparable));
  return actual?.length === wanted.size && found.size === wanted.size && [...found].every((each) => wanted.has(each));
}

function firstDifference(expected: unknown, actual: unknown, where: string): Difference | null {
  if (same(expected, actual)) {
    return null;
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    if (expected.length !== actual.length) {
      return differ(where, `${expected.length} elements`, `${actual.length} elements`);
    }
    for (let i = 0; i < expected.length; i++) {
      const found = firstDifference(expected[i], actual[i], `${where}[${i}]`);
      if (found !== null) {
        return found;
      }
    }
    return null;
  }
  if (isPlain(expected) && isPlain(actual)) {
    for (const name of Object.keys(expected)) {
      if (!Object.hasOwn(actual, name)) {
        return differ(`${where}.${name}`, show(expected[name]), "no such attribute");
      }
      const found = firstDifference(expected[name], actual[name], `${where}.${name}`);
      if (found !== null) {
        return found;
      }
    }
    const extra = Object.keys(actual).find((name) => !Object.hasOwn(expected, name));
    return extra === undefined ? null : differ(`${where}.${extra}`, "no such attribute", show(actual[extra]));
  }
  return differ(where, show(expected), show(actual));
}

export function differ(where: string, expected: string, actual: string): Difference {
  return { expected: shorten(`${where}: ${expected}`), actual: shorten(`${where}: ${actual}`) };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Set) &&
    !(value instanceof Map) &&
    !ArrayBuffer.isView(value)
  );
}

function show(value: unknown): string {
  if (value === undefined) {
    return "nothing";
  }
  const text = inspect(value, INSPECTED);
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

/** Compares one item with the data set's item n. */
export type Compare = (n: number, order: unknown) => Difference | null;

/** Compares an item with item n as it was seeded, or as UpdateItem leaves it in this round or in the pool. */
export function differenceFromSeeded(
  n: number,
  actual: unknown,
  { data, seed, round }: { data: DataSet; seed: number; round: number },
): Difference | null {
  const expected = data.orderOf(n, seed);
  const name = data.shape.updated;
  if (name !== null) {
    const value = (actual as Order | null)?.[name];
    const updated = () => [data.updatedOf(n, seed, round), data.updatedOf(n, seed, POOL_ROUND)];
    if (value !== undefined && value !== expected[name] && (updated() as unknown[]).includes(value)) {
      expected[name] = value;
    }
  }
  return difference(expected, actual, `${data.shape.name} ${n}`);
}

/** Compares what a query returned with the items of its range: these, all of them, no others, in order. */
export function differenceFromRange(range: Range, actual: Iterable<unknown>, compare: Compare): Difference | null {
  const orders = [...actual];
  const where = `partition ${range.partition}, items ${range.first} to ${range.last}`;
  if (orders.length !== range.span) {
    return differ(where, `${range.span} items`, `${orders.length} items`);
  }
  for (const [i, order] of orders.entries()) {
    const found = compare(range.firstItem + i * range.step, order);
    if (found !== null) {
      return found;
    }
  }
  return null;
}

/** The items of a table: so many of a data set. */
export interface Seeded {
  data: DataSet;
  items: number;
}

/** Compares what a scan returned with the data set: each item once, in any order, and nothing else. */
export function differenceFromAll(table: Seeded, actual: Iterable<unknown>, compare: Compare): Difference | null {
  const { items } = table;
  const { count, found } = compareDistinct(table, actual, compare);
  return count === items ? found : differ("scan", `${items} items`, `${count} items`);
}

/** Compares what a scan of a part of the table returned with the data set: at least one item, none of them twice. */
export function differenceFromPart(table: Seeded, actual: Iterable<unknown>, compare: Compare): Difference | null {
  const { count, found } = compareDistinct(table, actual, compare);
  return count === 0 ? differ("scan", "some items", "0 items") : found;
}

function compareDistinct({ data, items }: Seeded, actual: Iterable<unknown>, compare: Compare) {
  const { partition, sort } = data.shape;
  const seen = new Uint8Array(items);
  let count = 0;
  let found: Difference | null = null;
  for (const order of actual) {
    count += 1;
    if (found !== null) {
      continue;
    }
    const key = (order ?? {}) as Order;
    const n = data.numberOf(key, items);
    if (n === null) {
      const stranger = `${partition} ${String(key[partition])}, ${sort} ${String(key[sort])}`;
      found = differ("scan", "only items of the data set", stranger);
    } else if (seen[n] === 1) {
      found = differ("scan", "each item once", `${data.shape.name} ${n} twice`);
    } else {
      seen[n] = 1;
      found = compare(n, order);
    }
  }
  return { count, found };
}
