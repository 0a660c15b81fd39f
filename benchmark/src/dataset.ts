// The data set: items of one shape, each a pure function of its number and a seed, and the keys that calls use, each a
// pure function of the seed, the operation, the round and the call's number. The same for every library, so that all of
// them are asked for the same work. No I/O here.

import { sizeOf } from "./form.js";
import { IndexOrder } from "./index-order.js";
import type { Data, Operation, QueryBy } from "./protocol.js";
import { digits, draw } from "./random.js";
import { KEY_DIGITS } from "./shapes/example.js";
import { kindOf } from "./shapes/index.js";
import type { Key, Kind, Order, Updated } from "./shapes/kind.js";
import type { Shape } from "./shape.js";

export type { Key, Order, Updated } from "./shapes/kind.js";

/** How many items one Query returns unless it is said otherwise. */
const QUERY_ITEMS = 20;
/** Items of a partition, where a query doesn't need more. */
const PARTITION = 100;
/** Items of a partition that verification needs besides those that a query returns. */
const SPARE = 64;
/** A page of an answer, bytes, and the part of one that is surely not exceeded. */
const PAGE = 1024 * 1024;
const SAFE_PAGE = 0.9 * PAGE;
/** Characters of a long text. */
const LONG_TEXT = 24_000;

/** Numbers that keep the draws of operations apart. */
const CALL: Record<Operation, number> = {
  PutItem: 11,
  GetItem: 12,
  UpdateItem: 13,
  DeleteItem: 14,
  Query: 15,
  Scan: 16,
};

export interface Call {
  items: number;
  seed: number;
  round: number;
  stream: Stream;
  index: number;
}

/** Calls that are measured, that warm up, that verify and those of the recorded ground's pool draw different keys. */
export const STREAM = { measured: 0, warmUp: 1, verify: 2, pool: 3 } as const;
export type Stream = number;

/** The pool of the recorded ground is the same in every round: this stands for the round in its draws. */
export const POOL_ROUND = 2 ** 31;
/** The most inputs of an operation in the pool. */
export const LARGEST_POOL = 64;

/** Some items of one partition of the table, or of the index where Query asks that. */
export interface Range {
  /** The value of the partition key. */
  partition: string;
  /** The values of the first and the last sort key, both of them included. */
  first: string;
  last: string;
  /** The data set's number of the first item in the range, and what leads from each item's to the next one's. */
  firstItem: number;
  step: 1 | -1;
  span: number;
}

/** Which item call i of an operation reads or updates. */
export function itemOfCall(operation: Operation, call: Call): number {
  return draw(call.items, CALL[operation], call.seed, call.round, call.stream, call.index);
}

// Lanes: partitions outside the data set, for items that are written and deleted. Each process has its own lane, and
// in it an area for each purpose, so that processes alive at the same time never meet.

export const AREA = {
  put: 0,
  putWarmUp: 1,
  delete: 2,
  deleteWarmUp: 3,
  verify: 4,
  keeper: 5,
  putPool: 6,
  deletePool: 7,
} as const;
export type Area = (typeof AREA)[keyof typeof AREA];

export const LANES = 1000;
/** Partitions in one area of a lane. */
const AREA_PARTITIONS = 1000;
/** The most partitions that the data set may have: the next number is the first lane's. */
const MOST_PARTITIONS = 90_000_000;

/** Items of one shape, by their numbers. */
export class DataSet {
  readonly shape: Shape;
  /** Items of one partition of the data set and of a lane. */
  readonly perPartition: number;
  /** A value of the attribute that UpdateItem sets which no item is seeded with or updated to. */
  readonly changed: Updated;
  /** Where items lie in the index that Query asks; null where it asks the table. */
  private readonly index: IndexOrder | null;

  constructor(
    private readonly kind: Kind,
    /** How many items one Query returns. */
    readonly queryItems: number = QUERY_ITEMS,
    readonly queryBy: QueryBy = "table",
  ) {
    this.perPartition = partitionFor(queryItems);
    if (queryBy === "index" && kind.index === null) {
      throw new TypeError(`shape ${kind.shape.name} has no index that Query could ask`);
    }
    this.index = queryBy === "index" && kind.index !== null ? new IndexOrder(kind.index, this.perPartition) : null;
    const some = kind.make(this.key(0, 0), 0, 0);
    const bytes = sizeOf(some);
    const updated = some[kind.shape.updated ?? ""];
    this.changed = typeof updated === "number" ? (updated > 0 ? -7 : 7) : "changed";
    this.shape = {
      ...kind.shape,
      queryIndex: this.index?.keys ?? null,
      longQueries: bytes * queryItems > SAFE_PAGE,
      longPartitions: bytes * this.perPartition > SAFE_PAGE,
    };
  }

  /** The most items that there can be. */
  get mostItems(): number {
    return MOST_PARTITIONS * this.perPartition;
  }

  /** The key of the data set's item number n. */
  keyOf(n: number): Key {
    return this.key(Math.floor(n / this.perPartition), n % this.perPartition);
  }

  /** The number of a key of the data set, or null for one outside it. */
  numberOf(key: Record<string, unknown>, items: number): number | null {
    const { partition, sort } = this.kind.shape;
    const { prefixes } = this.kind;
    const [first, second] = [numbered(key[partition], prefixes.partition), numbered(key[sort], prefixes.sort)];
    if (first === null || second === null || second >= this.perPartition) {
      return null;
    }
    const n = first * this.perPartition + second;
    return n < items ? n : null;
  }

  /** The data set's item number n. */
  orderOf(n: number, seed: number): Order {
    return this.make(this.keyOf(n), seed, n);
  }

  /** The name of the attribute that UpdateItem sets. */
  get updatedName(): string {
    const { updated, name } = this.shape;
    if (updated === null) {
      throw new TypeError(`shape ${name} has no attribute that UpdateItem could set`);
    }
    return updated;
  }

  /**
   * A data set for a table on which Scan is verified: the same items with one text so long that few of them are more than
   * a page, or as many as are where no text may be long.
   */
  rehearsal(): { data: DataSet; items: number } {
    const { kind } = this;
    const { attributes, partition, sort, updated, indexes } = kind.shape;
    const short = [partition, sort, updated, ...indexes.flatMap((index) => [index.partition, index.sort])];
    const name = Object.keys(attributes).find((each) => attributes[each] === "string" && !short.includes(each));
    const make: Kind["make"] = (key, ...identity) => {
      const order = kind.make(key, ...identity);
      return name === undefined ? order : { ...order, [name]: String(order[name]).padEnd(LONG_TEXT, "long ") };
    };
    const data = new DataSet({ ...kind, make }, this.queryItems, this.queryBy);
    return { data, items: Math.ceil((1.3 * PAGE) / sizeOf(make(this.key(0, 0), 0, 0))) };
  }

  /** What UpdateItem sets of item n in a round, or in the pool: the same however often it is called. */
  updatedOf(n: number, seed: number, round: number): Updated {
    return this.kind.update(this.orderOf(n, seed)[this.updatedName], seed, n, round);
  }

  /** An item whose attribute of that name has another value. */
  with(order: Order, value: Updated): Order {
    return { ...order, [this.updatedName]: value };
  }

  /** Which items call i of Query asks for. */
  rangeOfCall(call: Call): Range {
    const drawn = (below: number, ...more: number[]) =>
      draw(below, CALL.Query, call.seed, call.round, call.stream, call.index, ...more);
    const whole = Math.floor(call.items / this.perPartition);
    const { first: lead, count } = this.index?.partitions(call.items) ?? { first: 0, count: Math.max(1, whole) };
    const [begin, end] = this.itemsOfPartition(lead + drawn(count), call.items);
    const span = Math.min(this.queryItems, end - begin);
    const lowest = begin + drawn(end - begin - span + 1, 1);
    const [firstItem, step] = this.index === null ? ([lowest, 1] as const) : ([lowest + span - 1, -1] as const);
    const [first, last] = [firstItem, firstItem + step * (span - 1)].map((n) => this.askedKeyOf(n)) as [Key, Key];
    return { ...this.rangeBetween(first, last), firstItem, step, span };
  }

  /** The range of these items, which are of one partition: the numbers in it are places in what it returns. */
  rangeOf(orders: readonly Order[]): { range: Range; inOrder: Order[] } {
    const { sort } = this.asked;
    const inOrder = orders.toSorted((a, b) => (String(a[sort]) < String(b[sort]) ? -1 : 1));
    const [first, last] = [inOrder[0], inOrder.at(-1)] as [Order, Order];
    return { range: { ...this.rangeBetween(first, last), firstItem: 0, step: 1, span: inOrder.length }, inOrder };
  }

  /** The key of a lane's item. */
  laneKey(lane: number, area: Area, index: number): Key {
    const partition = this.lanePartition(lane, area, Math.floor(index / this.perPartition));
    return { ...partition, ...this.sortKey(index % this.perPartition) };
  }

  /** The partition key of a lane's partition. */
  lanePartition(lane: number, area: Area, partition: number): Key {
    if (!Number.isInteger(lane) || lane < 0 || lane >= LANES) {
      throw new RangeError(`lane ${lane}: there are lanes 0 to ${LANES - 1}`);
    }
    if (!Number.isInteger(partition) || partition < 0 || partition >= AREA_PARTITIONS) {
      const most = AREA_PARTITIONS * this.perPartition;
      throw new RangeError(`partition ${partition} of lane ${lane}: an area of a lane holds ${most} items`);
    }
    const value = `9${digits(lane, 3)}${area}${digits(partition, 3)}`;
    return { [this.kind.shape.partition]: this.kind.prefixes.partition + value };
  }

  /** Item `index` of a lane's area; what is in it doesn't depend on the lane, so that every library writes the same. */
  laneOrder(lane: number, area: Area, index: number, seed: number, round: number): Order {
    return this.make(this.laneKey(lane, area, index), seed, round, area, index);
  }

  /** Whether an item is one of a lane and not of the data set. */
  isOfLane(order: unknown): boolean {
    const value = (order as Order | null)?.[this.shape.partition];
    const number = numbered(value, this.kind.prefixes.partition);
    return number !== null && number >= MOST_PARTITIONS;
  }

  /** The names of the keys that Query asks by. */
  private get asked(): { partition: string; sort: string } {
    return this.index?.keys ?? this.kind.shape;
  }

  /** The values of the keys that Query asks by, of the data set's item number n. */
  private askedKeyOf(n: number): Key {
    return this.index?.keyOf(n) ?? this.keyOf(n);
  }

  private rangeBetween(first: Order, last: Order): { partition: string; first: string; last: string } {
    const { partition, sort } = this.asked;
    return { partition: first[partition] as string, first: first[sort] as string, last: last[sort] as string };
  }

  /** The numbers of the items that a partition has of so many: the first one, and the one after the last. */
  private itemsOfPartition(partition: number, items: number): [number, number] {
    const begin = partition * this.perPartition;
    return this.index?.itemsOf(partition, items) ?? [begin, Math.min(begin + this.perPartition, items)];
  }

  /** Makes an item; what is in it besides its keys, and those of the index that Query asks, is a function of `identity`. */
  private make(key: Key, ...identity: number[]): Order {
    const order = this.kind.make(key, ...identity);
    return this.index === null ? order : { ...order, ...this.indexKeyOf(this.index, key) };
  }

  private indexKeyOf(index: IndexOrder, key: Key): Key {
    const { shape, prefixes } = this.kind;
    const partition = numbered(key[shape.partition], prefixes.partition) ?? 0;
    const sort = numbered(key[shape.sort], prefixes.sort) ?? 0;
    return partition < MOST_PARTITIONS
      ? index.keyOf(partition * this.perPartition + sort)
      : index.laneKeyOf(partition, sort);
  }

  private key(partition: number, sort: number): Key {
    const { prefixes, shape } = this.kind;
    return { [shape.partition]: prefixes.partition + digits(partition, KEY_DIGITS), ...this.sortKey(sort) };
  }

  private sortKey(sort: number): Key {
    return { [this.kind.shape.sort]: this.kind.prefixes.sort + digits(sort, KEY_DIGITS) };
  }
}

/** The data set that a command describes. */
export function dataSet(data: Data): DataSet {
  return new DataSet(kindOf(data), data.queryItems, data.queryBy);
}

/** Items of a partition from which a query returns so many: twice as many, unless 100 are enough. */
function partitionFor(queryItems: number): number {
  const least = queryItems + SPARE;
  return least <= PARTITION ? PARTITION : Math.ceil(Math.max(least, 2 * queryItems) / PARTITION) * PARTITION;
}

/** The number at the end of a key's value; null for one that is none of ours. */
function numbered(value: unknown, prefix: string): number | null {
  if (typeof value !== "string" || !value.startsWith(prefix) || !/^\d{8}$/.test(value.slice(prefix.length))) {
    return null;
  }
  return Number(value.slice(prefix.length));
}
