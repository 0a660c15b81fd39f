// The data: orders of customers, each a pure function of its number and a seed, and the keys that calls use, each a
// pure function of the seed, the operation, the round and the call's number. The same for every library, so that all
// of them are asked for the same work. No I/O here.

import type { Operation } from "./protocol.js";

// A type and not an interface, so that it also is a record of strings, as a library may want its keys.
export type Key = {
  customerId: string;
  orderId: string;
};

export interface OrderLine {
  sku: string;
  quantity: number;
  price: number;
}

export interface Address {
  street: string;
  city: string;
  postcode: string;
  country: string;
}

/** An order as an application sees it. */
export interface Order extends Key {
  status: string;
  placedAt: string;
  total: number;
  quantity: number;
  paid: boolean;
  gift: boolean;
  lines: OrderLine[];
  address: Address;
  note: string;
}

export const ORDERS_PER_CUSTOMER = 100;
/** How many of a customer's orders Query asks for. */
export const QUERY_SPAN = 20;

/** All statuses have seven letters, so that an update doesn't change an item's size. */
const SEEDED_STATUSES = ["pending", "shipped", "settled", "on-hold"] as const;
const UPDATED_STATUSES = ["delayed", "refused", "charged", "checked"] as const;

const CITIES = ["Utrecht", "Bergamo", "Coimbra", "Rostock", "Limoges", "Cardiff", "Aalborg", "Tampere"] as const;
const STREETS = ["Mill Lane", "Station Road", "Harbour Street", "Church Row", "Orchard Way", "Bridge Street"] as const;
const COUNTRIES = ["NL", "IT", "PT", "DE", "FR", "GB", "DK", "FI"] as const;
const WORDS = ["leave", "at", "the", "door", "ring", "twice", "after", "noon", "call", "first", "fragile", "please"];
const NOTE_LENGTH = 128;

// A counter-based generator: a hash of all that identifies a draw, so that no draw depends on an earlier one.

function mix(hash: number, value: number): number {
  let k = Math.imul(value, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let h = hash ^ Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

/** MurmurHash3 (32 bits, its x86 variant) of whole numbers, each taken as two words. */
export function hash(...values: number[]): number {
  let h = 0;
  for (const value of values) {
    h = mix(h, value | 0);
    h = mix(h, Math.floor(value / 2 ** 32) | 0);
  }
  h ^= values.length * 8;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Draws from the numbers 0 to `below` - 1, by a hash of `values`. */
function draw(below: number, ...values: number[]): number {
  return Math.floor((hash(...values) / 2 ** 32) * below);
}

function pick<T>(list: readonly T[], ...values: number[]): T {
  return list[draw(list.length, ...values)] as T;
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

/** Numbers that keep the draws for different purposes apart. */
const CONTENT = 1;
const UPDATED = 2;
const CALL: Record<Operation, number> = {
  PutItem: 11,
  GetItem: 12,
  UpdateItem: 13,
  DeleteItem: 14,
  Query: 15,
  Scan: 16,
};

function contents(key: Key, ...identity: number[]): Order {
  let drawn = 0;
  const next = (below: number) => draw(below, CONTENT, ...identity, drawn++);
  const from = <T>(list: readonly T[]) => list[next(list.length)] as T;
  const lines: OrderLine[] = [0, 1].map(() => ({
    sku: `SKU-${digits(next(1_000_000), 6)}`,
    quantity: 1 + next(9),
    price: (100 + next(9_900)) / 100,
  }));
  let note = "";
  while (note.length < NOTE_LENGTH) {
    note += `${from(WORDS)} `;
  }
  const place = next(CITIES.length);
  return {
    customerId: key.customerId,
    orderId: key.orderId,
    status: from(SEEDED_STATUSES),
    placedAt: new Date(1_704_067_200_000 + next(31_536_000) * 1000).toISOString(),
    total: lines.reduce((cents, line) => cents + Math.round(line.price * 100) * line.quantity, 0) / 100,
    quantity: lines.reduce((sum, line) => sum + line.quantity, 0),
    paid: next(2) === 1,
    gift: next(2) === 1,
    lines,
    address: {
      street: `${from(STREETS)} ${1 + next(200)}`,
      city: CITIES[place] as string,
      postcode: digits(next(100_000), 5),
      country: COUNTRIES[place] as string,
    },
    note: note.slice(0, NOTE_LENGTH),
  };
}

/** The key of the data set's item number n. */
export function keyOf(n: number): Key {
  return {
    customerId: digits(Math.floor(n / ORDERS_PER_CUSTOMER), 8),
    orderId: digits(n % ORDERS_PER_CUSTOMER, 8),
  };
}

/** The number of a key of the data set, or null for a key outside it. */
export function numberOf(key: Key, items: number): number | null {
  if (!/^\d{8}$/.test(key.customerId) || !/^\d{8}$/.test(key.orderId)) {
    return null;
  }
  const order = Number(key.orderId);
  const n = Number(key.customerId) * ORDERS_PER_CUSTOMER + order;
  return order < ORDERS_PER_CUSTOMER && n < items ? n : null;
}

/** The data set's item number n. */
export function orderOf(n: number, seed: number): Order {
  return contents(keyOf(n), seed, n);
}

/** A note so long that 60 orders are more than one page of a scan, characters. */
const LONG_NOTE_LENGTH = 24_000;

/** The same with a long note: the rehearsal table's item number n. */
export function longOrderOf(n: number, seed: number): Order {
  const order = orderOf(n, seed);
  return { ...order, note: order.note.repeat(Math.ceil(LONG_NOTE_LENGTH / NOTE_LENGTH)) };
}

/** The status that UpdateItem gives item n in a round, or in the pool: the same however often it is called. */
export function updatedStatus(n: number, seed: number, round: number): string {
  return pick(UPDATED_STATUSES, UPDATED, seed, n, round);
}

/** Which item call i of an operation reads or updates. */
export function itemOfCall(operation: Operation, call: Call): number {
  return draw(call.items, CALL[operation], call.seed, call.round, call.stream, call.index);
}

/** Which orders call i of Query asks for. */
export function rangeOfCall(call: Call): Range {
  const customers = Math.max(1, Math.floor(call.items / ORDERS_PER_CUSTOMER));
  const customer = draw(customers, CALL.Query, call.seed, call.round, call.stream, call.index);
  const orders = Math.min(ORDERS_PER_CUSTOMER, call.items - customer * ORDERS_PER_CUSTOMER);
  const span = Math.min(QUERY_SPAN, orders);
  const first = draw(orders - span + 1, CALL.Query, call.seed, call.round, call.stream, call.index, 1);
  return {
    customerId: digits(customer, 8),
    firstOrderId: digits(first, 8),
    lastOrderId: digits(first + span - 1, 8),
    firstItem: customer * ORDERS_PER_CUSTOMER + first,
    span,
  };
}

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

export interface Range {
  customerId: string;
  firstOrderId: string;
  lastOrderId: string;
  /** The data set's number of the first order in the range. */
  firstItem: number;
  span: number;
}

// Lanes: customers outside the data set, for items that are written and deleted. Each process has its own lane, and
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
/** Customers in one area of a lane. */
const AREA_CUSTOMERS = 1000;
/** The most items that the data set may have: the next customer number is the first lane's. */
export const MOST_ITEMS = 90_000_000 * ORDERS_PER_CUSTOMER;

export function laneCustomer(lane: number, area: Area, customer: number): string {
  if (!Number.isInteger(lane) || lane < 0 || lane >= LANES) {
    throw new RangeError(`lane ${lane}: there are lanes 0 to ${LANES - 1}`);
  }
  if (!Number.isInteger(customer) || customer < 0 || customer >= AREA_CUSTOMERS) {
    throw new RangeError(
      `customer ${customer} of lane ${lane}: an area of a lane holds ${AREA_CUSTOMERS * ORDERS_PER_CUSTOMER} items`,
    );
  }
  return `9${digits(lane, 3)}${area}${digits(customer, 3)}`;
}

/** Whether an order is one of a lane and not of the data set. */
export function isOfLane(order: unknown): boolean {
  const customerId = (order as Partial<Key> | null)?.customerId;
  return typeof customerId === "string" && /^9\d{7}$/.test(customerId);
}

export function laneKey(lane: number, area: Area, index: number): Key {
  return {
    customerId: laneCustomer(lane, area, Math.floor(index / ORDERS_PER_CUSTOMER)),
    orderId: digits(index % ORDERS_PER_CUSTOMER, 8),
  };
}

/** Item `index` of a lane's area; what is in it doesn't depend on the lane, so that every library writes the same. */
export function laneOrder(lane: number, area: Area, index: number, seed: number, round: number): Order {
  return contents(laneKey(lane, area, index), seed, round, area, index);
}
