// What is verified: a library's table, the items that this process may use for it, and a way of calling with a time
// limit. Each operation's trial (writes.ts, reads.ts, scans.ts) works with one.

import type { OrderTable } from "../adapters/adapter.js";
import { AREA, type Call, type DataSet, itemOfCall, type Key, type Order, STREAM, type Updated } from "../dataset.js";
import { type Difference, differenceFromSeeded } from "../difference.js";
import type { CallLimit } from "../measure/limit.js";
import type { Context } from "../operations.js";
import type { Operation } from "../protocol.js";
import type { BareTable } from "../table/bare-table.js";
import { deleteAll } from "../table/batch.js";

/** Calls of an operation that are checked after the first one, Scan excepted. */
export const FURTHER_CALLS = 4;

/** Where the items of a lane's own area begin, by what they are for. */
export const OWN = { puts: 0, deletes: 20, reads: 40, range: 60 } as const;

/** Another table that Scan is verified on. */
export interface Rehearsal {
  table: OrderTable;
  items: number;
  data: DataSet;
  name: string;
}

/** How one operation is verified. */
export interface Trial {
  /** Gets ready for the first call, by the library alone: nothing else has used the SDK by then. */
  before?: () => Promise<unknown>;
  /** The first, cold call. */
  first(): Promise<unknown>;
  /** What is wrong with that call's result or effect; `full` unless it has to be looked at quickly. */
  wrongFirst(result: unknown, bare: BareTable, full: boolean): Promise<Difference | null>;
  /** What is wrong with further calls, chosen so that a library can't get by with less work. */
  wrongFurther(bare: BareTable): Promise<Difference | null>;
}

/** An update, and the number of the item that it changes. */
export interface NumberedUpdate {
  n: number;
  key: Key;
  value: Updated;
}

export class Subject {
  /** The data set's items that are updated: the first call's and the further ones'. */
  readonly updates: readonly NumberedUpdate[];

  constructor(
    readonly table: OrderTable,
    readonly context: Context,
    private readonly limit: CallLimit,
  ) {
    const { data, items, seed, round } = context;
    const count = data.shape.updated === null ? 0 : FURTHER_CALLS + 1;
    this.updates = indices(0, count).map((i) => {
      const n = this.apart("UpdateItem", context.lane * count + i, items);
      return { n, key: data.keyOf(n), value: data.updatedOf(n, seed, round) };
    });
  }

  get data(): DataSet {
    return this.context.data;
  }

  /** An item of the data set that no other process changes while it verifies, if `place` is this one's alone. */
  apart(operation: Operation, place: number, items: number): number {
    const { seed, round } = this.context;
    return (itemOfCall(operation, { items, seed, round, stream: STREAM.verify, index: 0 }) + place) % items;
  }

  /** Calls the library with a time limit. */
  ask<T>(act: () => Promise<T>): Promise<T> {
    return this.limit.run(act);
  }

  /** Each process draws its own keys: several verify at once. */
  call(i: number): Call {
    const { items, seed, round, lane } = this.context;
    return { items, seed, round, stream: STREAM.verify, index: lane * 100 + i };
  }

  /** The number of the item that call i reads. */
  numberOf(operation: Operation, i: number): number {
    return itemOfCall(operation, this.call(i));
  }

  own(index: number): Order {
    const { lane, seed, round } = this.context;
    return this.data.laneOrder(lane, AREA.verify, index, seed, round);
  }

  ownKey(index: number): Key {
    return this.data.laneKey(this.context.lane, AREA.verify, index);
  }

  /** An item, and the same after a change; of a shape that nothing can be changed of, the item alone. */
  beforeAndAfter(order: Order): Order[] {
    return this.data.shape.updated === null ? [order] : [order, this.data.with(order, this.data.changed)];
  }

  /** Nothing is put back before all first calls were made, so that an item may be as UpdateItem left it. */
  asSeeded(n: number, order: unknown, data = this.context.data): Difference | null {
    return differenceFromSeeded(n, order, { ...this.context, data });
  }

  /** Makes calls one after the other and checks each; stops at the first wrong one. */
  async checkEach<T>(
    inputs: readonly T[],
    act: (input: T) => Promise<unknown>,
    check: (input: T, result: unknown) => Promise<Difference | null> | Difference | null,
  ): Promise<Difference | null> {
    for (const input of inputs) {
      const wrong = await check(input, await this.ask(() => act(input)));
      if (wrong !== null) {
        return wrong;
      }
    }
    return null;
  }

  /** Removes what verifying wrote, and undoes what it changed; after the first calls alone that is little. */
  async putBack(bare: BareTable, operations: readonly Operation[], full: boolean): Promise<void> {
    const written = full ? indices(0, this.data.perPartition) : [OWN.puts, OWN.deletes];
    const changed = operations.includes("UpdateItem") ? this.updates.slice(0, full ? undefined : 1) : [];
    await Promise.all([
      deleteAll(
        bare,
        written.map((index) => this.ownKey(index)),
      ),
      ...changed.map(({ n }) => bare.put(this.data.orderOf(n, this.context.seed))),
    ]);
  }
}

export function indices(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}
