// Says whether two plain values are deeply equal and, if not, where they first differ, short enough for an event; and
// whether what a library returned is what the data set holds. Prototypes don't matter: libraries return instances of
// their own classes.

import { inspect } from "node:util";
import { type Key, numberOf, type Order, orderOf, POOL_ROUND, type Range, updatedStatus } from "./dataset.js";
import { shorten } from "./worker/events.js";

export interface Difference {
  expected: string;
  actual: string;
}

/** One line, all of it: what is too long is cut off by us. */
const INSPECTED = { breakLength: Number.POSITIVE_INFINITY, depth: 5, maxStringLength: 400 };

/** The first difference of two values, or null where there is none. `where` names them in the text. */
export function difference(expected: unknown, actual: unknown, where = "result"): Difference | null {
  if (Object.is(expected, actual)) {
    return null;
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    if (expected.length !== actual.length) {
      return differ(where, `${expected.length} elements`, `${actual.length} elements`);
    }
    for (let i = 0; i < expected.length; i++) {
      const found = difference(expected[i], actual[i], `${where}[${i}]`);
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
      const found = difference(expected[name], actual[name], `${where}.${name}`);
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
  const text = value instanceof Set ? `a set of ${value.size}` : inspect(value, INSPECTED);
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

/** Compares one order with the data set's item n. */
export type Compare = (n: number, order: unknown) => Difference | null;

/** Compares an order with item n as it was seeded, or as UpdateItem leaves it in this round or in the pool. */
export function differenceFromSeeded(
  n: number,
  actual: unknown,
  { seed, round }: { seed: number; round: number },
): Difference | null {
  const expected = orderOf(n, seed);
  const status = (actual as Partial<Order> | null)?.status;
  if (status === updatedStatus(n, seed, round) || status === updatedStatus(n, seed, POOL_ROUND)) {
    expected.status = status;
  }
  return difference(expected, actual, `order ${n}`);
}

/** Compares what a query returned with the orders of its range: these, all of them, no others, in order. */
export function differenceFromRange(range: Range, actual: Iterable<unknown>, compare: Compare): Difference | null {
  const orders = [...actual];
  const where = `customer ${range.customerId}, orders ${range.firstOrderId} to ${range.lastOrderId}`;
  if (orders.length !== range.span) {
    return differ(where, `${range.span} orders`, `${orders.length} orders`);
  }
  for (const [i, order] of orders.entries()) {
    const found = compare(range.firstItem + i, order);
    if (found !== null) {
      return found;
    }
  }
  return null;
}

/** Compares what a scan returned with the data set: each item once, in any order, and nothing else. */
export function differenceFromAll(items: number, actual: Iterable<unknown>, compare: Compare): Difference | null {
  const { count, found } = compareDistinct(items, actual, compare);
  return count === items ? found : differ("scan", `${items} items`, `${count} items`);
}

/** Compares what a scan of a part of the table returned with the data set: at least one item, none of them twice. */
export function differenceFromPart(items: number, actual: Iterable<unknown>, compare: Compare): Difference | null {
  const { count, found } = compareDistinct(items, actual, compare);
  return count === 0 ? differ("scan", "some items", "0 items") : found;
}

function compareDistinct(items: number, actual: Iterable<unknown>, compare: Compare) {
  const seen = new Uint8Array(items);
  let count = 0;
  let found: Difference | null = null;
  for (const order of actual) {
    count += 1;
    if (found !== null) {
      continue;
    }
    const { customerId, orderId } = (order ?? {}) as Partial<Key>;
    const n = numberOf({ customerId: String(customerId), orderId: String(orderId) }, items);
    if (n === null) {
      found = differ("scan", "only items of the data set", `customer ${customerId}, order ${orderId}`);
    } else if (seen[n] === 1) {
      found = differ("scan", "each item once", `order ${n} twice`);
    } else {
      seen[n] = 1;
      found = compare(n, order);
    }
  }
  return { count, found };
}
