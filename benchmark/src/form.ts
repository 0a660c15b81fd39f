// How orders lie in a table: in the form in which a library writes them itself, with its keys and its marks. Libraries of
// one form share a table. No I/O here.

import type { Key, Order } from "./dataset.js";

/** An item as it lies in the table, as plain values. */
export type Item = Record<string, unknown>;

export interface ItemForm {
  /** Part of the table's name, and unique among the forms: letters, digits and hyphens. */
  name: string;
  /** The names of the two key attributes, both strings. */
  partition: string;
  sort: string;
  /** The key attributes of an order, and nothing else. */
  keyOf(key: Key): Record<string, string>;
  /** The whole item of an order. */
  itemOf(order: Order): Item;
  /**
   * An item as it was read, with what differs from one write to the next (the time of writing) replaced by what `itemOf`
   * gives; left out where nothing does.
   */
  settled?(item: Item): Item;
}

export const CUSTOMER_PREFIX = "CUSTOMER#";
export const ORDER_PREFIX = "ORDER#";

/** The order itself, with prefixed keys in `pk` and `sk`: what an application writes that makes its keys by hand. */
export const PREFIXED: ItemForm = {
  name: "prefixed",
  partition: "pk",
  sort: "sk",
  keyOf: ({ customerId, orderId }) => ({ pk: CUSTOMER_PREFIX + customerId, sk: ORDER_PREFIX + orderId }),
  itemOf: (order) => ({ ...PREFIXED.keyOf(order), ...order }),
};

/** The order in an item of the prefixed form; null where there is no item. */
export function unprefixed(item: unknown): unknown {
  return without([PREFIXED.partition, PREFIXED.sort], item);
}

/** The order itself, whose own attributes are the keys. */
export const NATURAL: ItemForm = {
  name: "natural",
  partition: "customerId",
  sort: "orderId",
  keyOf: ({ customerId, orderId }) => ({ customerId, orderId }),
  itemOf: (order) => ({ ...order }),
};

/** The size of an item as DynamoDB counts it, bytes: names and values, and what lists and maps add. */
export function sizeOf(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOfValue(value), 0);
}

// "DynamoDB item sizes and formats" in its developer guide.
function sizeOfValue(value: unknown): number {
  if (typeof value === "string") {
    return Buffer.byteLength(value);
  }
  if (typeof value === "number") {
    const digits = String(Math.abs(value))
      .replace(/\D/g, "")
      .replace(/^0+|0+$/g, "").length;
    return Math.ceil(digits / 2) + (value < 0 ? 2 : 1);
  }
  if (Array.isArray(value)) {
    return value.reduce((sum: number, each) => sum + 1 + sizeOfValue(each), 3);
  }
  if (typeof value === "object" && value !== null) {
    return 3 + Object.keys(value).length + sizeOf(value as Item);
  }
  return 1;
}

/** The name of the table of a form. */
export function tableOf(base: string, form: ItemForm): string {
  return `${base}-${form.name}`;
}

/** An item without some attributes, so that one too many is seen; null where there is none. */
export function without(names: readonly string[], item: unknown): unknown {
  if (typeof item !== "object" || item === null) {
    return item ?? null;
  }
  return Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name)));
}
