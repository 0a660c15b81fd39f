// What a library has to implement to be measured: six operations, each in two kinds of call, a way back from what it
// returns to a plain order, and what readers should know. Nothing about measuring is in here or in the adapters. Inputs are prepared before the clock starts, in each form that
// a library may want; turning a library's result into a plain order is done only to check it, outside the clock.

import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import type { Key, Marks, Order, Range, StoredKey, StoredOrder } from "../dataset.js";
import type { AdapterNotes, CallKind, Caveat, DescribedCall, Operation } from "../protocol.js";

export interface PutInput {
  /** As an application sees it: for a library that makes keys and marks itself. */
  order: Order;
  /** With the marks, without pk and sk: for a library that makes keys itself and knows no marks. */
  marked: Order & Marks;
  /** As it lies in the table: for a library that makes nothing itself. */
  stored: StoredOrder;
}

export interface KeyInput {
  key: Key;
  storedKey: StoredKey;
}

export interface UpdateInput extends KeyInput {
  status: string;
}

export interface QueryInput extends Range {
  pk: string;
  firstSk: string;
  lastSk: string;
}

/** One table, through one library. Each call resolves when the whole answer is there. */
export interface OrderTable {
  put(input: PutInput): Promise<unknown>;
  get(input: KeyInput): Promise<unknown>;
  update(input: UpdateInput): Promise<unknown>;
  delete(input: KeyInput): Promise<unknown>;
  query(input: QueryInput): Promise<unknown>;
  scan(): Promise<unknown>;

  /** What `get` resolved to, as a plain order without pk, sk and marks; null where there was no item. */
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
export function notesOf({ calls, caveats }: Adapter, kind: CallKind): AdapterNotes {
  return { calls: kind === "documented" ? calls.documented : { ...calls.documented, ...calls.sameRequest }, caveats };
}

/** A stored item as a plain order: everything but keys and marks, so that an attribute too many is seen. */
export function withoutKeysAndMarks(item: unknown): unknown {
  if (typeof item !== "object" || item === null) {
    return item ?? null;
  }
  const { pk: _pk, sk: _sk, __edb_e__: _e, __edb_v__: _v, ...order } = item as Record<string, unknown>;
  return order;
}
