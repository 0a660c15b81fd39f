// How items lie in a table: in the form in which a library writes them itself, with its keys and its marks. Libraries of
// one form share a table. No I/O here.

import type { DataSet } from "./dataset.js";
import type { Key, Order } from "./shapes/kind.js";
import type { IndexKeys, Shape } from "./shape.js";

/** An item as it lies in the table, as plain values. */
export type Item = Record<string, unknown>;

export interface ItemForm {
  /** Part of the table's name, and unique among the forms: letters, digits and hyphens. */
  name: string;
  /** The names of the two key attributes, both strings. */
  partition: string;
  sort: string;
  /** The index that Query asks, with the names of its key attributes, both strings; left out where it asks the table. */
  index?: IndexForm;
  /** The key attributes of an item, and nothing else. */
  keyOf(key: Key): Record<string, string>;
  /** The whole item of an order, or of whatever the shape is of. */
  itemOf(order: Order): Item;
  /**
   * An item as it was read, with what differs from one write to the next (the time of writing) replaced by what `itemOf`
   * gives; left out where nothing does.
   */
  settled?(item: Item): Item;
}

/** A secondary index of a table. */
export interface IndexForm {
  name: string;
  partition: string;
  sort: string;
}

/** The form in which an application makes the keys by hand, with a prefix for each of them. */
export interface PrefixedForm extends ItemForm {
  /** A key's value of the value of the partition or sort key that Query asks by: the table's or the index's. */
  partitionOf(value: string): string;
  sortOf(value: string): string;
  /** The item of the shape in one that was read; null where there is none. */
  plain(this: void, item: unknown): unknown;
}

/** What precedes the value of an attribute in a key: `CUSTOMER#` of `customerId`. */
export function prefixOf(attribute: string): string {
  return `${attribute.replace(/Id$/, "").toUpperCase()}#`;
}

/** The names of an index's key attributes in a table, where they are made of the shape's. */
export function indexFields({ name }: { name: string }): { partition: string; sort: string } {
  return { partition: `${name}pk`, sort: `${name}sk` };
}

/** The part of a form that names the index which Query asks; `fields` gives the names of its key attributes. */
export function askedIndex(
  { queryIndex }: Shape,
  fields: (index: IndexKeys) => { partition: string; sort: string } = indexFields,
): { index?: IndexForm } {
  if (queryIndex === null) {
    return {};
  }
  const { partition, sort } = fields(queryIndex);
  return { index: { name: queryIndex.name, partition, sort } };
}

/**
 * The item itself with prefixed keys in `pk` and `sk`, and those of its indexes: what an application writes that makes
 * its keys by hand. Where the shape says that its own attributes are the table's keys there is nothing to make.
 */
export function prefixed(shape: Shape): PrefixedForm {
  if (shape.ownKeys) {
    const form = natural(shape);
    return { ...form, partitionOf: (value) => value, sortOf: (value) => value, plain: (item) => item ?? null };
  }
  return withMadeKeys(shape, "prefixed");
}

/** The same where keys are made in any case, under names that the item doesn't have. */
export function withMadeKeys(shape: Shape, name: string): PrefixedForm {
  const free = (wanted: string): string => (wanted in shape.attributes ? free(`_${wanted}`) : wanted);
  const [pk, sk] = [free("pk"), free("sk")];
  const { partition, sort } = shape;
  const [partitionPrefix, sortPrefix] = [prefixOf(partition), prefixOf(sort)];
  const asked = shape.queryIndex ?? shape;
  const [askedPartition, askedSort] = [prefixOf(asked.partition), prefixOf(asked.sort)];
  const indexes = shape.indexes.map((index) => ({
    from: index,
    to: indexFields(index),
    prefixes: { partition: prefixOf(index.partition), sort: prefixOf(index.sort) },
  }));
  const keyOf = (key: Key | Order) => ({
    [pk]: partitionPrefix + (key[partition] as string),
    [sk]: sortPrefix + (key[sort] as string),
  });
  const indexKeys = (order: Order) => {
    const keys: Record<string, string> = {};
    for (const { from, to, prefixes } of indexes) {
      keys[to.partition] = prefixes.partition + (order[from.partition] as string);
      keys[to.sort] = prefixes.sort + (order[from.sort] as string);
    }
    return keys;
  };
  const made = [pk, sk, ...indexes.flatMap(({ to }) => [to.partition, to.sort])];
  return {
    name,
    partition: pk,
    sort: sk,
    ...askedIndex(shape),
    keyOf,
    itemOf:
      indexes.length === 0
        ? (order) => ({ ...keyOf(order), ...order })
        : (order) => ({ ...keyOf(order), ...indexKeys(order), ...order }),
    partitionOf: (value) => askedPartition + value,
    sortOf: (value) => askedSort + value,
    plain: (item) => without(made, item),
  };
}

/** The item itself, whose own attributes are the keys. */
export function natural(shape: Shape): ItemForm {
  const { partition, sort } = shape;
  return {
    name: "natural",
    partition,
    sort,
    ...askedIndex(shape, (index) => index),
    keyOf: (key) => ({ [partition]: key[partition] as string, [sort]: key[sort] as string }),
    itemOf: (order) => ({ ...order }),
  };
}

/** The placeholder of an attribute's name in an expression. */
export function placeholder(name: string): string {
  return /^\w+$/.test(name) ? `#${name}` : "#attribute";
}

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
  if (value instanceof Uint8Array) {
    return value.byteLength;
  }
  if (value instanceof Set) {
    return [...value].reduce((sum: number, each) => sum + sizeOfValue(each), 0);
  }
  if (Array.isArray(value)) {
    return value.reduce((sum: number, each) => sum + 1 + sizeOfValue(each), 3);
  }
  if (typeof value === "object" && value !== null) {
    return 3 + Object.keys(value).length + sizeOf(value as Item);
  }
  return 1;
}

/** Whether two forms write the same items under the same keys, as far as one item shows. */
export function isSameForm(one: ItemForm, other: ItemForm, data: DataSet): boolean {
  const order = data.orderOf(0, 0);
  const shown = (form: ItemForm) => {
    const item = form.itemOf(order);
    return JSON.stringify([form.partition, form.sort, form.keyOf(data.keyOf(0)), Object.entries(item).sort()]);
  };
  return shown(one) === shown(other);
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
