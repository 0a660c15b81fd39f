// OneTable: models in a schema of a single table, with keys made from templates. Its own calls, as its documentation
// shows them.

import type { Key, Order } from "../dataset.js";
import { askedIndex, indexFields, type Item, type ItemForm, natural } from "../form.js";
import { type Attribute, mapAttributes, places, type Shape } from "../shape.js";
import { type Adapter, call, untyped } from "./adapter.js";

const MODEL = "https://doc.onetable.io/api/model/methods";
const SCHEMA = "https://doc.onetable.io/api/schemas/attributes/";

const TYPE_FIELD = "_type";
const MODEL_NAME = "Order";

/** What precedes the value of an attribute in a key: `customer:` of `customerId`. */
const prefixOf = (attribute: string) => `${attribute.replace(/Id$/, "").toLowerCase()}:`;

/** What it writes for the model below: keys by their templates, and the model's name. */
function formOf(shape: Shape): ItemForm {
  const keys = templatesOf(shape);
  const filled = (fields: readonly Template[], order: Order | Key) =>
    Object.fromEntries(fields.map(({ field, attribute }) => [field, prefixOf(attribute) + String(order[attribute])]));
  const base: ItemForm = shape.ownKeys
    ? natural(shape)
    : {
        name: "onetable",
        partition: "pk",
        sort: "sk",
        ...askedIndex(shape),
        keyOf: (key) => filled(keys.slice(0, 2), key),
        itemOf: (order) => ({ ...filled(keys, order), ...order }),
      };
  const writes = writerOf(shape);
  return {
    ...base,
    name: "onetable",
    itemOf: (order) => ({ ...writes(base.itemOf(order)), [TYPE_FIELD]: MODEL_NAME }),
  };
}

/** A key attribute that it makes, and of what. */
interface Template {
  field: string;
  attribute: string;
}

/** The key attributes of the table and of its indexes, the table's first. */
function templatesOf({ partition, sort, ownKeys, indexes }: Shape): Template[] {
  const own = [
    { field: "pk", attribute: partition },
    { field: "sk", attribute: sort },
  ];
  const ofIndexes = indexes.flatMap((index) => {
    const fields = indexFields(index);
    return [
      { field: fields.partition, attribute: index.partition },
      { field: fields.sort, attribute: index.sort },
    ];
  });
  return [...(ownKeys ? [] : own), ...ofIndexes];
}

/** What it makes of values before it writes them: of a binary a text in base64. */
function writerOf(shape: Shape): (item: Item) => Item {
  if (!places(shape.attributes).some(({ attribute }) => attribute === "binary")) {
    return (item) => item;
  }
  const written = (value: unknown): unknown => {
    if (value instanceof Uint8Array) {
      return Buffer.from(value).toString("base64");
    }
    if (Array.isArray(value)) {
      return value.map(written);
    }
    return typeof value === "object" && value !== null && !(value instanceof Set) ? each(value as Item) : value;
  };
  const each = (item: Item) => Object.fromEntries(Object.entries(item).map(([name, value]) => [name, written(value)]));
  return each;
}

/** The type of an attribute, as a model has it. */
interface Field {
  type:
    | StringConstructor
    | NumberConstructor
    | BooleanConstructor
    | ArrayConstructor
    | ObjectConstructor
    | SetConstructor
    | DateConstructor
    | "buffer";
  schema?: Record<string, Field>;
  items?: Field;
  value?: string;
  nulls?: true;
}

function fieldOf(attribute: Attribute): Field {
  switch (attribute) {
    case "string":
      return { type: String };
    case "number":
      return { type: Number };
    case "boolean":
      return { type: Boolean };
    case "binary":
      return { type: "buffer" };
    case "null":
      return { type: Object, nulls: true };
    case "date":
      return { type: Date };
    case "any":
    case "bigint":
      return { type: Object };
  }
  if ("list" in attribute) {
    return attribute.list === "any" ? { type: Array } : { type: Array, items: fieldOf(attribute.list) };
  }
  if ("set" in attribute) {
    return { type: Set };
  }
  return "record" in attribute ? { type: Object } : { type: Object, schema: mapAttributes(attribute.map, fieldOf) };
}

const hasNoTypeFor = (attribute: Attribute) => attribute === "any" || attribute === "bigint";

/** The schema of a shape's table: its keys by templates, unless the shape's own attributes are the keys. */
function schemaOf(shape: Shape): object {
  const { partition, sort, ownKeys } = shape;
  const primary = ownKeys ? { hash: partition, sort } : { hash: "pk", sort: "sk" };
  const indexes = shape.indexes.map((index): [string, object] => {
    const fields = indexFields(index);
    return [index.name, { hash: fields.partition, sort: fields.sort }];
  });
  const made = templatesOf(shape).map(({ field, attribute }): [string, Field] => [
    field,
    { type: String, value: `${prefixOf(attribute)}\${${attribute}}` },
  ]);
  return {
    format: "onetable:1.1.0",
    version: "0.0.1",
    indexes: { primary, ...Object.fromEntries(indexes) },
    models: { [MODEL_NAME]: { ...Object.fromEntries(made), ...mapAttributes(shape.attributes, fieldOf) } },
  };
}

/** What is used of a model, whose own types are made for a schema that the compiler knows. */
interface Model {
  create(order: object, options?: object): Promise<unknown>;
  get(key: object): Promise<unknown>;
  update(changed: object, options?: object): Promise<unknown>;
  remove(key: object, options?: object): Promise<unknown>;
  find(key: object, options?: object): Promise<unknown>;
  scan(): Promise<unknown>;
}

const SCOPED = "adds a filter on its mark";

export const adapter: Adapter = {
  form: (_calls, shape) => formOf(shape),
  calls: {
    documented: {
      PutItem: call("Order.create(order)", `${MODEL}/#create`, "adds a condition that the item is not there"),
      GetItem: call("Order.get({ customerId, orderId })", `${MODEL}/#get`),
      UpdateItem: call(
        "Order.update({ customerId, orderId, status })",
        `${MODEL}/#update`,
        "adds a condition that the item is there, sets its keys' attributes too, and asks for the whole new item back",
      ),
      DeleteItem: call("Order.remove({ customerId, orderId })", `${MODEL}/#remove`, "asks for the deleted item back"),
      Query: call(
        "Order.find({ customerId, sk: { between: [first, last] } })",
        `${MODEL}/#find`,
        "adds a filter on the customer",
      ),
      Scan: call("Order.scan()", `${MODEL}/#scan`, SCOPED),
    },
    sameRequest: {
      PutItem: call("Order.create(order, { exists: null })", `${MODEL}/#create`),
      UpdateItem: call(
        'Order.update({ customerId, orderId, status }, { exists: null, return: "none" })',
        `${MODEL}/#update`,
        "sets its keys' attributes and its mark too, to what they are",
      ),
      DeleteItem: call('Order.remove({ customerId, orderId }, { return: "none" })', `${MODEL}/#remove`),
      Query: call("Order.find({ pk, sk: { between: [first, last] } })", `${MODEL}/#find`),
    },
    indexQuery: {
      documented: call(
        'Order.find({ ownerId, gsi1sk: { between: [first, last] } }, { index: "gsi1" })',
        `${MODEL}/#find`,
        "adds a filter on the owner",
      ),
      sameRequest: call(
        'Order.find({ gsi1pk, gsi1sk: { between: [first, last] } }, { index: "gsi1" })',
        `${MODEL}/#find`,
      ),
    },
  },
  caveats: [
    {
      text: "Its timestamps are off, as they are by default; with them an update writes the time too.",
      link: "https://doc.onetable.io/api/table/constructor/",
    },
  ],

  caveatsOf: (shape) => [
    ...untyped(shape, hasNoTypeFor, "an untyped Object or Array stands for it"),
    ...(places(shape.attributes).some(({ attribute }) => attribute === "binary")
      ? [{ text: "It stores a binary as a text in base64, which is a third longer.", link: SCHEMA }]
      : []),
  ],
  hasNoTypeFor,
  cannot: (shape) => (TYPE_FIELD in shape.attributes ? `writes an attribute of its own named ${TYPE_FIELD}` : null),

  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const { Table } = await import("dynamodb-onetable");

    return {
      connect(config, calls, shape) {
        const client = new DynamoDBClient(config);
        const { ownKeys, queryIndex } = shape;
        const { partition: partitionName, sort: sortName } = queryIndex ?? shape;
        const updated = shape.updated ?? "";
        const isNatural = ownKeys && queryIndex === null;
        const { index = { partition: "pk", sort: "sk" } } = askedIndex(shape);
        const [hash, range] = isNatural ? [partitionName, sortName] : [index.partition, index.sort];
        const [hashPrefix, rangePrefix] = isNatural ? ["", ""] : [prefixOf(partitionName), prefixOf(sortName)];
        const findOptions = queryIndex === null ? {} : { index: queryIndex.name };
        const equally = calls === "same-request";
        return {
          close: () => client.destroy(),
          table(name) {
            const table = new Table({
              client,
              name,
              partial: false,
              logger: false,
              schema: schemaOf(shape) as never,
            });
            const model = table.getModel(MODEL_NAME as never) as unknown as Model;
            return {
              put: (order) => (equally ? model.create(order, { exists: null }) : model.create(order)),
              get: (key) => model.get(key),
              update: (key, value) =>
                equally
                  ? model.update({ ...key, [updated]: value }, { exists: null, return: "none" })
                  : model.update({ ...key, [updated]: value }),
              delete: (key) => (equally ? model.remove(key, { return: "none" }) : model.remove(key)),
              query({ partition, first, last }) {
                const among = { between: [rangePrefix + first, rangePrefix + last] };
                return equally
                  ? model.find({ [hash]: hashPrefix + partition, [range]: among }, findOptions)
                  : model.find({ [partitionName]: partition, [range]: among }, findOptions);
              },
              scan: () => model.scan(),

              toOrder: (result) => result ?? null,
              toOrders: (result) => [...(result as unknown[])],
            };
          },
        };
      },
    };
  },
};
