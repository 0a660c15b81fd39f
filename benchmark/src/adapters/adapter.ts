// What a library has to implement to be measured: the form of its items, six operations, each in two kinds of call, a
// way back from what it returns to a plain order, and what readers should know. Nothing about measuring is in here or in
// the adapters. Every library gets the same inputs, an order and its keys as an application has them, made before the
// clock starts; what it needs beyond them it makes itself, inside the clock. Turning a library's result into a plain
// order is done only to check it, outside the clock. "Order" stands for an item of any shape.

import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import type { DataSet, Key, Order, Range, Updated } from "../dataset.js";
import { type ItemForm, sizeOf } from "../form.js";
import type { AdapterNotes, CallKind, Caveat, DescribedCall, Operation } from "../protocol.js";
import { type Attribute, places, type Shape, typeName } from "../shape.js";
import { CALL_KINDS } from "../worker/command.js";

/** Items whose mean size stands for all: orders differ by a few bytes, items made of an example by hardly any. */
const SIZED_ITEMS = 100;
const SIZED_EXAMPLES = 10;

/** One table, through one library. Each call resolves when the whole answer is there. */
export interface OrderTable {
  put(order: Order): Promise<unknown>;
  get(key: Key): Promise<unknown>;
  /** Sets one attribute, the shape's `updated`, of an order that is there. */
  update(key: Key, value: Updated): Promise<unknown>;
  delete(key: Key): Promise<unknown>;
  /**
   * The orders of one partition from `first` to `last` by their sort keys, both of them included: of the table, or of the
   * index that the shape names as `queryIndex`.
   */
  query(range: Range): Promise<unknown>;
  /** The whole table. */
  scan(): Promise<unknown>;

  /** What `get` resolved to, as a plain order without keys and marks; null where there was no item. */
  toOrder(result: unknown): unknown;
  /** What `query` and `scan` resolved to, as plain orders. */
  toOrders(result: unknown): Iterable<unknown>;
}

/** One client of the library, which talks to one endpoint. */
export interface Connection {
  table(name: string): OrderTable;
  close(): void;
}

export interface Library {
  /**
   * Is called once for each ground of a suite: connections have nothing in common but the library's code. `calls` says
   * which kind of call its tables make, `shape` what their items are: what is made of it is made here, once.
   */
  connect(config: DynamoDBClientConfig, calls: CallKind, shape: Shape): Connection | Promise<Connection>;
}

export interface Adapter {
  /** How items lie in the table that the library itself has written, which differs with the calls for some. */
  form(calls: CallKind, shape: Shape): ItemForm;
  calls: {
    /** The call that the library's page for the operation shows first, or that it advises instead. */
    documented: Record<Operation, DescribedCall>;
    /**
     * The library's documented switches set so that the request asks for what the bare SDK's asks for, or comes as near
     * to it as they allow. An operation that is left out is called as documented.
     */
    sameRequest: Partial<Record<Operation, DescribedCall>>;
    /** The code of Query where a page doesn't hold what it reads; left out where it is the same. */
    longQuery?: { code: string; indexCode?: string; where: "longQueries" | "longPartitions" };
    /**
     * Query where it asks a secondary index, in both kinds of call; left out where the library or its adapter can't. The
     * second one is left out where it is the first.
     */
    indexQuery?: { documented: DescribedCall; sameRequest?: DescribedCall };
  };
  /** What readers of the figures should know: slowness that is known, work that isn't equal, faster modes. */
  caveats: Caveat[];
  /** What they should know besides where items are of this shape, such as what its schema has no type for. */
  caveatsOf?(shape: Shape): Caveat[];
  /**
   * Whether its schema has no type for an attribute, so that its most general one stands for it; left out for a library
   * that has no schemas.
   */
  hasNoTypeFor?(attribute: Attribute): boolean;
  /** Why the library can't have items of a shape, to follow its name; null where it can. */
  cannot?(shape: Shape): string | null;
  /** Imports the library and what an application must import along with it. Its time is the import time. */
  load(): Promise<Library>;
}

/** Describes a call; `unequal` says what its request asks for otherwise than the bare SDK's. */
export function call(code: string, link: string, unequal: string | null = null): DescribedCall {
  return { code, link, unequal };
}

/** What an adapter says of itself where one kind of call is measured. */
export function notesOf(adapter: Adapter, kind: CallKind, data: DataSet): AdapterNotes {
  const { shape } = data;
  const { documented, sameRequest } = adapter.calls;
  const calls = kind === "documented" ? documented : { ...documented, ...sameRequest };
  return {
    calls: { ...calls, Query: queryOf(adapter, calls.Query, kind, shape) },
    caveats: [...adapter.caveats, ...(adapter.caveatsOf?.(shape) ?? [])],
    itemBytes: meanSize(adapter.form(kind, shape), data),
  };
}

function queryOf({ calls }: Adapter, usual: DescribedCall, kind: CallKind, shape: Shape): DescribedCall {
  const { longQuery, indexQuery } = calls;
  const isLong = longQuery !== undefined && shape[longQuery.where];
  if (shape.queryIndex === null || indexQuery === undefined) {
    return isLong ? { ...usual, code: longQuery.code } : usual;
  }
  const { documented, sameRequest = documented } = indexQuery;
  const byIndex = kind === "documented" ? documented : sameRequest;
  return isLong ? { ...byIndex, code: longQuery.indexCode ?? byIndex.code } : byIndex;
}

/** Why a library can't be measured with a shape, to follow its name; null where it can. */
export function whyNot(adapter: Adapter, shape: Shape): string | null {
  const why = adapter.cannot?.(shape) ?? null;
  if (why !== null || shape.queryIndex === null) {
    return why;
  }
  if (adapter.calls.indexQuery === undefined) {
    return "has no query by a secondary index in its adapter";
  }
  return CALL_KINDS.some((kind) => adapter.form(kind, shape).index === undefined)
    ? "has no secondary index in the form of its items"
    : null;
}

function meanSize(form: ItemForm, data: DataSet): number {
  const count = data.shape.name === "order" ? SIZED_ITEMS : SIZED_EXAMPLES;
  const sizes = Array.from({ length: count }, (_, n) => sizeOf(form.itemOf(data.orderOf(n, 0))));
  return sizes.reduce((sum, size) => sum + size, 0) / count;
}

/** A caveat for each kind of attribute of a shape that a library's schema has no type for: `what` is what stands for it. */
export function untyped(shape: Shape, isUntyped: (attribute: Attribute) => boolean, what: string): Caveat[] {
  const found = places(shape.attributes).filter(({ attribute }) => isUntyped(attribute));
  const names = found.slice(0, MOST_NAMED).map(({ path, attribute }) => `${path} (${typeName(attribute)})`);
  if (found.length > MOST_NAMED) {
    names.push(`${found.length - MOST_NAMED} more`);
  }
  return names.length === 0 ? [] : [{ text: `Its schema has no type for ${names.join(", ")}: ${what}.`, link: null }];
}

/** How many attributes one caveat names. */
const MOST_NAMED = 3;
