// What a shape needs beyond its description: how its items are made. No I/O here.

import type { Shape } from "../shape.js";

/** A type and not an interface, so that it is a record of strings, as a library may want its keys. */
export type Key = Record<string, string>;

/** An item as an application sees it: an order, or an item of another shape. */
export type Order = Record<string, unknown>;

/** What UpdateItem sets an attribute to. */
export type Updated = string | number;

/** A shape and its items, but for how long a query's answer is. */
export interface Kind {
  shape: Omit<Shape, "longQueries" | "longPartitions">;
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
