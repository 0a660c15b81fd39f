// What a shape needs beyond its description: how its items are made. No I/O here.

import type { IndexKeys, Shape } from "../shape.js";

/** A type and not an interface, so that it is a record of strings, as a library may want its keys. */
export type Key = Record<string, string>;

/** An item as an application sees it: an order, or an item of another shape. */
export type Order = Record<string, unknown>;

/** What UpdateItem sets an attribute to. */
export type Updated = string | number;

/** An index that Query can ask, and what its keys' values are. */
export interface QueriedIndex {
  keys: IndexKeys;
  /** The value of its partition key, by the number of the partition. */
  partitionOf(this: void, partition: number): string;
  /** The value of its sort key, by an item's place in the partition: values of one length, in the order of the places. */
  sortOf(this: void, place: number): string;
}

/** A shape and its items, but for what a query asks and how long its answer is. */
export interface Kind {
  shape: Omit<Shape, "queryIndex" | "longQueries" | "longPartitions">;
  /** Null where the shape has no index that Query can ask. */
  index: QueriedIndex | null;
  /** What the keys' values begin with; eight digits follow. */
  prefixes: { partition: string; sort: string };
  /** The item of a key; what else is in it is a function of `identity`. */
  make(key: Key, ...identity: number[]): Order;
  /** The value that an update gives an item, of the same length as the seeded one and another; a function of both. */
  update(seeded: unknown, ...identity: number[]): Updated;
}

/** Numbers that keep the draws for different purposes apart. */
export const CONTENT = 1;
export const UPDATED = 2;
