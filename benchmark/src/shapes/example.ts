// A shape that is given by one example item: its structure, its sizes. No I/O here.

import { draws, hash } from "../random.js";
import { type Attributes, attributesOf, emptyIn, type IndexKeys } from "../shape.js";
import { CONTENT, type Kind, type QueriedIndex, type Updated, UPDATED } from "./kind.js";
import { moved, variationOf } from "./vary.js";

/** Digits of a key's value that number the items. */
export const KEY_DIGITS = 8;

export interface Example {
  name: string;
  item: Record<string, unknown>;
  partition: string;
  sort: string;
  ownKeys: boolean;
  updated: string | null;
  indexes?: readonly IndexKeys[];
  /** The one of its indexes that Query can ask. */
  index?: QueriedIndex;
  /** What the example doesn't show of its attributes, such as that a map's keys are free. */
  attributes?: Attributes;
}

/** The shape of an example, and its items. */
export function like(example: Example): Kind {
  const { name, item, partition, sort, ownKeys, updated, indexes = [], index = null } = example;
  const { [partition]: partitionValue, [sort]: sortValue, ...rest } = item;
  const attributes: Attributes = {
    ...attributesOf({ [partition]: partitionValue, [sort]: sortValue, ...rest }),
    ...example.attributes,
  };
  const variation = variationOf(rest, attributes);
  const prefix = (value: unknown) => String(value).slice(0, -KEY_DIGITS);
  return {
    shape: { name, partition, sort, ownKeys, attributes, updated, indexes, empty: emptyIn(item) },
    index,
    prefixes: { partition: prefix(partitionValue), sort: prefix(sortValue) },
    make: (key, ...identity) => ({
      [partition]: key[partition],
      [sort]: key[sort],
      ...(variation(draws(CONTENT, ...identity)) as object),
    }),
    update: (seeded, ...identity) => moved(seeded, hash(UPDATED, ...identity)) as Updated,
  };
}
