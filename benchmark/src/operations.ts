// The six operations: what each call is given, made before the clock starts; the call itself; and what its result or
// its effect must be. Nothing here looks at a clock.

import type { OrderTable } from "./adapters/adapter.js";
import {
  AREA,
  type Area,
  type Call,
  type DataSet,
  itemOfCall,
  type Key,
  type Order,
  POOL_ROUND,
  type Range,
  STREAM,
  type Stream,
  type Updated,
} from "./dataset.js";
import {
  type Difference,
  difference,
  differenceFromAll,
  differenceFromPart,
  differenceFromRange,
  differenceFromSeeded,
} from "./difference.js";
import type { Operation } from "./protocol.js";
import type { BareTable } from "./table/bare-table.js";

export interface Context {
  data: DataSet;
  items: number;
  seed: number;
  round: number;
  lane: number;
}

/** What a write leaves in the table. */
export interface Effect {
  /**
   * Sees to it that the table doesn't look before call i as it must look after it; false where it does so already, and
   * nothing would be seen.
   */
  arrange(i: number, bare: BareTable): Promise<boolean>;
  /** What is wrong in the table after call i; null where nothing is. */
  wrong(i: number, bare: BareTable): Promise<Difference | null>;
}

/** Calls of one operation, ready to be made. */
export interface PreparedCalls {
  count: number;
  /** Makes call i, from 0 to `count` - 1. */
  make(this: void, i: number): Promise<unknown>;
  /** What is wrong with the result of call i; null where nothing is, or where the effect is what counts. */
  wrongResult(i: number, result: unknown): Difference | null;
  /** For operations that write. */
  effect: Effect | null;
}

/** Which calls: `count` of a stream from number `from` on, through one table. */
export interface Wanted {
  table: OrderTable;
  context: Context;
  stream: Stream;
  from: number;
  count: number;
}

/** Warm-up updates no more than so many items, so that they can be restored. */
export const WARM_UP_UPDATES = 50;

/** Which items of the data set call `index` of UpdateItem changes; the keeper restores them by the same function. */
export function updatedItem(context: Omit<Context, "data" | "lane">, stream: Stream, index: number): number {
  const bounded = stream === STREAM.warmUp ? index % WARM_UP_UPDATES : index;
  return itemOfCall("UpdateItem", { ...context, round: roundOf(stream, context.round), stream, index: bounded });
}

/** Prepares calls, to be measured or to warm up. */
export function prepare(operation: Operation, wanted: Wanted): PreparedCalls {
  return PREPARE[operation](wanted);
}

/** Inputs of an operation in a pool of so many; of Query a quarter, since each returns many items. */
export function poolSize(operation: Operation, pool: number): number {
  switch (operation) {
    case "Scan":
      return 1;
    case "Query":
      return Math.ceil(pool / 4);
    default:
      return pool;
  }
}

/** Prepares the calls of the recorded ground: the same in every round. */
export function preparePool(operation: Operation, table: OrderTable, context: Context, pool: number): PreparedCalls {
  const count = poolSize(operation, pool);
  return prepare(operation, { table, context, stream: STREAM.pool, from: 0, count });
}

const PREPARE: Record<Operation, (wanted: Wanted) => PreparedCalls> = {
  PutItem: preparePuts,
  GetItem: prepareGets,
  UpdateItem: prepareUpdates,
  DeleteItem: prepareDeletes,
  Query: prepareQueries,
  Scan: prepareScans,
};

const PUT_AREAS: Record<Stream, Area> = {
  [STREAM.measured]: AREA.put,
  [STREAM.warmUp]: AREA.putWarmUp,
  [STREAM.pool]: AREA.putPool,
};

const DELETE_AREAS: Record<Stream, Area> = {
  [STREAM.measured]: AREA.delete,
  [STREAM.warmUp]: AREA.deleteWarmUp,
  [STREAM.pool]: AREA.deletePool,
};

/** The round that draws are made for. */
function roundOf(stream: Stream, round: number): number {
  return stream === STREAM.pool ? POOL_ROUND : round;
}

function callOf({ context, stream, from }: Wanted, i: number): Call {
  const { items, seed, round } = context;
  return { items, seed, round: roundOf(stream, round), stream, index: from + i };
}

function each<T>({ count }: Wanted, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

function areaOf(areas: Record<Stream, Area>, { stream }: Wanted): Area {
  const area = areas[stream];
  if (area === undefined) {
    throw new RangeError(`no area for the items of stream ${stream}`);
  }
  return area;
}

/** The key in an item. */
function keyIn({ shape }: DataSet, order: Order): Key {
  return { [shape.partition]: order[shape.partition] as string, [shape.sort]: order[shape.sort] as string };
}

function preparePuts(wanted: Wanted): PreparedCalls {
  const { table, context, stream, from, count } = wanted;
  const { data, lane, seed } = context;
  const round = roundOf(stream, context.round);
  const area = areaOf(PUT_AREAS, wanted);
  const orders = each(wanted, (i) => data.laneOrder(lane, area, from + i, seed, round));
  return {
    count,
    make: (i) => table.put(orders[i] as Order),
    wrongResult: () => null,
    effect: {
      async arrange(i, bare) {
        await bare.delete(keyIn(data, orders[i] as Order));
        return true;
      },
      async wrong(i, bare) {
        const order = orders[i] as Order;
        return difference(bare.form.itemOf(order), await bare.get(keyIn(data, order)), "the stored item");
      },
    },
  };
}

function prepareGets(wanted: Wanted): PreparedCalls {
  const { table, context, count } = wanted;
  const numbers = each(wanted, (i) => itemOfCall("GetItem", callOf(wanted, i)));
  const keys = numbers.map((n) => context.data.keyOf(n));
  return {
    count,
    make: (i) => table.get(keys[i] as Key),
    wrongResult: (i, result) => differenceFromSeeded(numbers[i] as number, table.toOrder(result), context),
    effect: null,
  };
}

function prepareUpdates(wanted: Wanted): PreparedCalls {
  const { table, context, stream, from, count } = wanted;
  const { data, seed } = context;
  const round = roundOf(stream, context.round);
  const numbers = each(wanted, (i) => updatedItem(context, stream, from + i));
  const keys = numbers.map((n) => data.keyOf(n));
  const values = numbers.map((n) => data.updatedOf(n, seed, round));
  return {
    count,
    make: (i) => table.update(keys[i] as Key, values[i] as Updated),
    wrongResult: () => null,
    effect: {
      async arrange(i, bare) {
        // Another library may have updated it just now. It isn't put back: that one may be about to look at it.
        return (await bare.get(keys[i] as Key))?.[data.updatedName] !== values[i];
      },
      async wrong(i, bare) {
        const order = data.with(data.orderOf(numbers[i] as number, seed), values[i] as Updated);
        return difference(bare.form.itemOf(order), await bare.get(keys[i] as Key), "the updated item");
      },
    },
  };
}

function prepareDeletes(wanted: Wanted): PreparedCalls {
  const { table, context, from, count } = wanted;
  const area = areaOf(DELETE_AREAS, wanted);
  const keys = each(wanted, (i) => context.data.laneKey(context.lane, area, from + i));
  return {
    count,
    make: (i) => table.delete(keys[i] as Key),
    wrongResult: () => null,
    effect: {
      async arrange(i, bare) {
        const key = keys[i] as Key;
        if ((await bare.get(key)) === undefined) {
          throw new Error(
            `the item of key ${Object.values(key).join(", ")} is not there to be deleted: prepare it first`,
          );
        }
        return true;
      },
      async wrong(i, bare) {
        const left = await bare.get(keys[i] as Key);
        return difference(undefined, left, "the deleted item");
      },
    },
  };
}

function prepareQueries(wanted: Wanted): PreparedCalls {
  const { table, context, count } = wanted;
  const ranges = each(wanted, (i) => context.data.rangeOfCall(callOf(wanted, i)));
  return {
    count,
    make: (i) => table.query(ranges[i] as Range),
    wrongResult: (i, result) =>
      differenceFromRange(ranges[i] as Range, table.toOrders(result), (n, order) =>
        differenceFromSeeded(n, order, context),
      ),
    effect: null,
  };
}

/** On the recorded ground the table may be cut off after some pages, so that a part of it is right there. */
function prepareScans({ table, context, stream, count }: Wanted): PreparedCalls {
  const compare = stream === STREAM.pool ? differenceFromPart : differenceFromAll;
  return {
    count,
    make: () => table.scan(),
    wrongResult: (_i, result) =>
      compare(context, table.toOrders(result), (n, order) => differenceFromSeeded(n, order, context)),
    effect: null,
  };
}
