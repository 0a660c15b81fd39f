// What items are made of, as no library in particular has it: the attributes and their types, which of them are the keys,
// and what UpdateItem changes. Each adapter makes its library's schema from this. No I/O here.

/**
 * The type of an attribute. `any` is what no single type describes, such as a list's elements of several types; a `map`
 * has known keys, those of a `record` are free.
 */
export type Attribute = Scalar | { list: Attribute } | Entries | { record: Attribute } | { set: SetElement };

/** `bigint` and `date` are no types of DynamoDB: only values that libraries treat differently have them (`values/`). */
export type Scalar = "string" | "number" | "boolean" | "null" | "binary" | "any" | "bigint" | "date";
export type SetElement = "string" | "number" | "binary";

/** A map with known keys; `partial` where not every map of its kind has all of them. */
export interface Entries {
  map: Attributes;
  partial?: true;
}

/** The attributes of an item or a map by their names. */
export interface Attributes {
  [name: string]: Attribute;
}

/** Two attributes whose values a library makes into the keys of a secondary index. */
export interface IndexKeys {
  /** The index's name, and what the names of its key attributes begin with. */
  name: string;
  partition: string;
  sort: string;
}

export interface Shape {
  /** Lower-case letters, digits and hyphens. */
  name: string;
  /** The names of the two attributes, both strings, that tell items apart. */
  partition: string;
  sort: string;
  /** Whether these two are the table's keys whatever the library; otherwise a library that makes keys makes them. */
  ownKeys: boolean;
  /** The keys first. */
  attributes: Attributes;
  /** The names of attributes that an item may be without; left out where it always has all of them. */
  optional?: readonly string[];
  /** The attribute at top level that UpdateItem sets: a string or a number; null where there is none. */
  updated: string | null;
  indexes: readonly IndexKeys[];
  /** The one of them that Query asks, which the table then has; null where Query asks the table itself. */
  queryIndex: IndexKeys | null;
  /** The paths of texts and binaries that are empty. */
  empty: readonly string[];
  /** Whether what one Query returns may be longer than a page, which is 1 MB. */
  longQueries: boolean;
  /** Whether the items of one partition may be. */
  longPartitions: boolean;
}

/** Makes something of each attribute. */
export function mapAttributes<T>(
  attributes: Attributes,
  make: (attribute: Attribute, name: string) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(attributes).map(([name, attribute]) => [name, make(attribute, name)]));
}

/** An attribute somewhere in a shape. */
export interface Place {
  /** As `address.city`; an element of a list or a record is `[]`. */
  path: string;
  attribute: Attribute;
  /** Whether it is an attribute of the item itself. */
  top: boolean;
}

/** Every attribute of a shape, those inside of others after them. */
export function places(attributes: Attributes): Place[] {
  return Object.entries(attributes).flatMap(([name, attribute]) => [...within(name, attribute, true)]);
}

function* within(path: string, attribute: Attribute, top: boolean): Generator<Place> {
  yield { path, attribute, top };
  if (typeof attribute !== "object") {
    return;
  }
  if ("list" in attribute) {
    yield* within(`${path}[]`, attribute.list, false);
  } else if ("record" in attribute) {
    yield* within(`${path}[]`, attribute.record, false);
  } else if ("map" in attribute) {
    for (const [name, entry] of Object.entries(attribute.map)) {
      yield* within(`${path}.${name}`, entry, false);
    }
  }
}

/** The type of an attribute in a word, for people. */
export function typeName(attribute: Attribute): string {
  if (typeof attribute === "string") {
    return attribute === "any" ? "value of several types" : attribute;
  }
  if ("set" in attribute) {
    return `${attribute.set} set`;
  }
  if ("record" in attribute) {
    return "map with free keys";
  }
  return "list" in attribute ? "list" : "map";
}

/** The attributes of an example, by its values. */
export function attributesOf(example: Record<string, unknown>): Attributes {
  return Object.fromEntries(Object.entries(example).map(([name, value]) => [name, attributeOf(value)]));
}

function attributeOf(value: unknown): Attribute {
  if (value === null) {
    return "null";
  }
  if (value instanceof Uint8Array) {
    return "binary";
  }
  if (value instanceof Set) {
    const [first] = value;
    return { set: typeof first === "string" ? "string" : typeof first === "number" ? "number" : "binary" };
  }
  if (Array.isArray(value)) {
    const elements = value.map(attributeOf);
    return { list: elements.length === 0 ? "any" : elements.reduce(joined) };
  }
  if (typeof value === "object") {
    return { map: attributesOf(value as Record<string, unknown>) };
  }
  const type = typeof value;
  if (type === "string" || type === "number" || type === "boolean") {
    return type;
  }
  throw new TypeError(`no attribute is a ${type}`);
}

/** The paths of texts and binaries in an example that are empty. */
export function emptyIn(value: unknown, path = ""): string[] {
  if (value === "" || (value instanceof Uint8Array && value.length === 0)) {
    return [path];
  }
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) {
    return [];
  }
  if (Array.isArray(value) || value instanceof Set) {
    return [...(value as Iterable<unknown>)].flatMap((each) => emptyIn(each, `${path}[]`));
  }
  return Object.entries(value).flatMap(([name, each]) => emptyIn(each, path === "" ? name : `${path}.${name}`));
}

/** The type of what may be of either of two types. */
function joined(a: Attribute, b: Attribute): Attribute {
  if (typeof a === "string" || typeof b === "string") {
    return a === b ? a : "any";
  }
  if ("list" in a && "list" in b) {
    return { list: joined(a.list, b.list) };
  }
  if ("set" in a && "set" in b) {
    return a.set === b.set ? a : "any";
  }
  return "map" in a && "map" in b ? joinedMaps(a, b) : "any";
}

function joinedMaps(a: Entries, b: Entries): Entries {
  const names = [...new Set([...Object.keys(a.map), ...Object.keys(b.map)])];
  const partial = a.partial === true || b.partial === true || names.some((name) => !(name in a.map && name in b.map));
  const map = Object.fromEntries(
    names.map((name) => {
      const [one, other] = [a.map[name], b.map[name]];
      return [name, one !== undefined && other !== undefined ? joined(one, other) : ((one ?? other) as Attribute)];
    }),
  );
  return partial ? { map, partial } : { map };
}
