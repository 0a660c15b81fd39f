// The six operations: what each call is given, made before the clock starts; the call itself; and what its result or
// its effect must be. Nothing here looks at a clock.

import type { KeyInput, OrderTable, PutInput, QueryInput, UpdateInput } from "./adapter.js";
import {
  AREA,
  type Call,
  CUSTOMER_PREFIX,
  itemOfCall,
  type Key,
  keyOf,
  laneKey,
  laneOrder,
  marked,
  numberOf,
  ORDER_PREFIX,
  type Order,
  orderOf,
  type Range,
  rangeOfCall,
  STREAM,
  stored,
  storedKey,
  updatedStatus,
} from "./dataset.js";
import { type Difference, differ, difference } from "./difference.js";
import type { OperationName } from "./protocol.js";
import type { BareTable } from "./table.js";

export interface Context {
  items: number;
  seed: number;
  round: number;
  lane: number;
}

/** Calls of one operation, ready to be made. */
export interface PreparedCalls {
  count: number;
  /** Makes call i, from 0 to `count` - 1. */
  make(this: void, i: number): Promise<unknown>;
  /** What is wrong with the result of call i, or with its effect in the table; null where nothing is. */
  check(i: number, result: unknown, openBare: () => Promise<BareTable>): Promise<Difference | null>;
}

/** Warm-up updates no more than so many items, so that they can be restored. */
export const WARM_UP_UPDATES = 500;

export function putInput(order: Order): PutInput {
  return { order, marked: marked(order), stored: stored(order) };
}

export function keyInput(key: Key): KeyInput {
  return { key, storedKey: storedKey(key) };
}

export function queryInput(range: Range): QueryInput {
  return {
    ...range,
    pk: CUSTOMER_PREFIX + range.customerId,
    firstSk: ORDER_PREFIX + range.firstOrderId,
    lastSk: ORDER_PREFIX + range.lastOrderId,
  };
}

/** Which items of the data set call `index` of UpdateItem changes; the keeper restores them by the same function. */
export function updatedItem(context: Omit<Context, "lane">, stream: number, index: number): number {
  const bounded = stream === STREAM.warmUp ? index % WARM_UP_UPDATES : index;
  return itemOfCall("UpdateItem", { ...context, stream, index: bounded });
}

/** Prepares calls `from` to `from + count`, to be measured or to warm up. */
export function prepare(
  operation: OperationName,
  table: OrderTable,
  context: Context,
  stream: number,
  from: number,
  count: number,
): PreparedCalls {
  const { items, seed, round, lane } = context;
  const warmUp = stream === STREAM.warmUp;
  const call = (i: number): Call => ({ items, seed, round, stream, index: from + i });
  const each = <T>(make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

  switch (operation) {
    case "PutItem": {
      const area = warmUp ? AREA.putWarmUp : AREA.put;
      const inputs = each((i) => putInput(laneOrder(lane, area, from + i, seed, round)));
      return {
        count,
        make: (i) => table.put(inputs[i] as PutInput),
        async check(i, _result, openBare) {
          const { stored } = inputs[i] as PutInput;
          return difference(stored, await (await openBare()).get(stored), "the stored item");
        },
      };
    }
    case "GetItem": {
      const numbers = each((i) => itemOfCall("GetItem", call(i)));
      const inputs = numbers.map((n) => keyInput(keyOf(n)));
      return {
        count,
        make: (i) => table.get(inputs[i] as KeyInput),
        check: async (i, result) => differenceFromSeeded(numbers[i] as number, table.toOrder(result), context),
      };
    }
    case "UpdateItem": {
      const numbers = each((i) => updatedItem(context, stream, from + i));
      const inputs: UpdateInput[] = numbers.map((n) => ({
        ...keyInput(keyOf(n)),
        status: updatedStatus(n, seed, round),
      }));
      return {
        count,
        make: (i) => table.update(inputs[i] as UpdateInput),
        async check(i, _result, openBare) {
          const { key, status } = inputs[i] as UpdateInput;
          const expected = stored({ ...orderOf(numbers[i] as number, seed), status });
          return difference(expected, await (await openBare()).get(key), "the updated item");
        },
      };
    }
    case "DeleteItem": {
      const area = warmUp ? AREA.deleteWarmUp : AREA.delete;
      const inputs = each((i) => keyInput(laneKey(lane, area, from + i)));
      return {
        count,
        make: (i) => table.delete(inputs[i] as KeyInput),
        async check(i, _result, openBare) {
          const left = await (await openBare()).get((inputs[i] as KeyInput).key);
          return difference(undefined, left, "the deleted item");
        },
      };
    }
    case "Query": {
      const inputs = each((i) => queryInput(rangeOfCall(call(i))));
      return {
        count,
        make: (i) => table.query(inputs[i] as QueryInput),
        check: async (i, result) =>
          differenceFromRange(inputs[i] as QueryInput, table.toOrders(result), (n, order) =>
            differenceFromSeeded(n, order, context),
          ),
      };
    }
    case "Scan":
      return {
        count,
        make: () => table.scan(),
        check: async (_i, result) =>
          differenceFromAll(items, table.toOrders(result), (n, order) => differenceFromSeeded(n, order, context)),
      };
  }
}

/** Compares an order with item n as it was seeded, or as this round's UpdateItem leaves it. */
export function differenceFromSeeded(
  n: number,
  actual: unknown,
  { seed, round }: { seed: number; round: number },
): Difference | null {
  const expected = orderOf(n, seed);
  const updated = updatedStatus(n, seed, round);
  if ((actual as Partial<Order> | null)?.status === updated) {
    expected.status = updated;
  }
  return difference(expected, actual, `order ${n}`);
}

/** Compares what a query gave with the orders of its range: these, all of them, no others, in order. */
export function differenceFromRange(
  range: Range,
  actual: Iterable<unknown>,
  compare: (n: number, order: unknown) => Difference | null,
): Difference | null {
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

/** Compares what a scan gave with the data set: each item once, in any order, and nothing else. */
export function differenceFromAll(
  items: number,
  actual: Iterable<unknown>,
  compare: (n: number, order: unknown) => Difference | null,
): Difference | null {
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
  return count === items ? found : differ("scan", `${items} items`, `${count} items`);
}
