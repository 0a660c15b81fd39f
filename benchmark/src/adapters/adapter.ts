// What a library has to implement to be measured: the form of its items, six operations, each in two kinds of call, a
// way back from what it returns to a plain order, and what readers should know. Nothing about measuring is in here or in
// the adapters. Every library gets the same inputs, an order and its keys as an application has them, made before the
// clock starts; what it needs beyond them it makes itself, inside the clock. Turning a library's result into a plain
// order is done only to check it, outside the clock.

import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { type Key, type Order, orderOf, type Range } from "../dataset.js";
import { type ItemForm, sizeOf } from "../form.js";
import type { AdapterNotes, CallKind, Caveat, DescribedCall, Operation } from "../protocol.js";

/** Items whose mean size stands for all. */
const SIZED_ITEMS = 100;

/** One table, through one library. Each call resolves when the whole answer is there. */
export interface OrderTable {
  put(order: Order): Promise<unknown>;
  get(key: Key): Promise<unknown>;
  /** Sets one attribute of an order that is there. */
  update(key: Key, status: string): Promise<unknown>;
  delete(key: Key): Promise<unknown>;
  /** The orders of one customer from `firstOrderId` to `lastOrderId`, both of them included. */
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
   * which kind of call its tables make.
   */
  connect(config: DynamoDBClientConfig, calls: CallKind): Connection | Promise<Connection>;
}

export interface Adapter {
  /** How items lie in the table that the library itself has written, which differs with the calls for some. */
  form(calls: CallKind): ItemForm;
  calls: {
    /** The call that the library's page for the operation shows first, or that it advises instead. */
    documented: Record<Operation, DescribedCall>;
    /**
     * The library's documented switches set so that the request asks for what the bare SDK's asks for, or comes as near
     * to it as they allow. An operation that is left out is called as documented.
     */
    sameRequest: Partial<Record<Operation, DescribedCall>>;
  };
  /** What readers of the figures should know: slowness that is known, work that isn't equal, faster modes. */
  caveats: Caveat[];
  /** Imports the library and what an application must import along with it. Its time is the import time. */
  load(): Promise<Library>;
}

/** Describes a call; `unequal` says what its request asks for otherwise than the bare SDK's. */
export function call(code: string, link: string, unequal: string | null = null): DescribedCall {
  return { code, link, unequal };
}

/** What an adapter says of itself where one kind of call is measured. */
export function notesOf(adapter: Adapter, kind: CallKind): AdapterNotes {
  const { calls, caveats } = adapter;
  const form = adapter.form(kind);
  const sizes = Array.from({ length: SIZED_ITEMS }, (_, n) => sizeOf(form.itemOf(orderOf(n, 0))));
  return {
    calls: kind === "documented" ? calls.documented : { ...calls.documented, ...calls.sameRequest },
    caveats,
    itemBytes: sizes.reduce((sum, size) => sum + size, 0) / SIZED_ITEMS,
  };
}
