// ElectroDB: entities that make their own keys and mark their items. Its own calls, as its guide shows them.

import { askedIndex, indexFields, type ItemForm, natural } from "../form.js";
import type { Key, Order } from "../dataset.js";
import { type Attribute, mapAttributes, type Shape } from "../shape.js";
import { type Adapter, call, untyped } from "./adapter.js";

interface Answer {
  data: unknown;
}

const GUIDE = "https://electrodb.dev/en";
const SETS_KEYS = "also sets its key attributes and marks, to what they are";

const VERSION = "1";
const SERVICE = "benchmark";
const MARKS = ["__edb_e__", "__edb_v__"];
/** The name that the model gives the table's own index. */
const OWN_INDEX = "byPartition";

/** What it writes for the model below: its own keys, those of its indexes, and its two marks. */
function formOf(shape: Shape): ItemForm {
  const { name, partition, sort } = shape;
  const marks = { __edb_e__: name, __edb_v__: VERSION };
  if (shape.ownKeys) {
    return { ...natural(shape), name: "electrodb", itemOf: (order) => ({ ...order, ...marks }) };
  }
  const partitionOf = (attribute: string, order: Key | Order) =>
    `$${SERVICE}#${attribute.toLowerCase()}_${String(order[attribute]).toLowerCase()}`;
  const sortOf = (attribute: string, order: Key | Order) =>
    `$${name}_${VERSION}#${attribute.toLowerCase()}_${String(order[attribute]).toLowerCase()}`;
  const indexKeys = (order: Order) =>
    shape.indexes.flatMap((index): [string, string][] => {
      const { partition, sort } = indexFields(index);
      return [
        [partition, partitionOf(index.partition, order)],
        [sort, sortOf(index.sort, order)],
      ];
    });
  const keyOf = (key: Key | Order) => ({ pk: partitionOf(partition, key), sk: sortOf(sort, key) });
  return {
    name: "electrodb",
    partition: "pk",
    sort: "sk",
    ...askedIndex(shape),
    keyOf,
    itemOf: (order) => ({ ...keyOf(order), ...Object.fromEntries(indexKeys(order)), ...order, ...marks }),
  };
}

type AttributeType =
  | { readonly type: "string" | "number" | "boolean" | "any" }
  | { readonly type: "list"; readonly items: AttributeType }
  | { readonly type: "map"; readonly properties: Record<string, AttributeType> }
  | { readonly type: "set"; readonly items: "string" | "number" };

/** Whether a model has no type but `any` for an attribute. */
function hasNoTypeFor(attribute: Attribute): boolean {
  if (typeof attribute === "string") {
    return ["null", "binary", "any", "bigint", "date"].includes(attribute);
  }
  return "record" in attribute || ("set" in attribute && attribute.set === "binary");
}

/** The type of an attribute, as a model has it. */
function typeOf(attribute: Attribute): AttributeType {
  if (typeof attribute === "string") {
    return attribute === "string" || attribute === "number" || attribute === "boolean"
      ? { type: attribute }
      : { type: "any" };
  }
  if ("list" in attribute) {
    return { type: "list", items: typeOf(attribute.list) };
  }
  if ("map" in attribute) {
    return { type: "map", properties: mapAttributes(attribute.map, typeOf) };
  }
  return "set" in attribute && attribute.set !== "binary" ? { type: "set", items: attribute.set } : { type: "any" };
}

/** The model of a shape. Where its own attributes are the table's keys, they are taken as they are. */
function modelOf(shape: Shape): object {
  const { partition, sort, ownKeys } = shape;
  const field = (name: string, attribute: string) => ({
    field: name,
    composite: [attribute],
    ...(ownKeys ? { casing: "none" } : {}),
  });
  const indexes = shape.indexes.map((index): [string, object] => {
    const fields = indexFields(index);
    return [
      index.name,
      { index: index.name, pk: field(fields.partition, index.partition), sk: field(fields.sort, index.sort) },
    ];
  });
  return {
    model: { entity: shape.name, version: VERSION, service: SERVICE },
    attributes: {
      ...mapAttributes(shape.attributes, typeOf),
      [partition]: { type: "string", required: true },
      [sort]: { type: "string", required: true },
    },
    indexes: {
      [OWN_INDEX]: {
        pk: field(ownKeys ? partition : "pk", partition),
        sk: field(ownKeys ? sort : "sk", sort),
      },
      ...Object.fromEntries(indexes),
    },
  };
}

/** What is used of an entity, whose own types are made for a model that the compiler knows. */
interface Ready {
  go(options?: object): Promise<unknown>;
}

interface Settable {
  set(values: object): Ready;
}

interface Orders {
  put(order: object): Ready;
  get(key: object): Ready;
  update(key: object): Settable;
  patch(key: object): Settable;
  delete(key: object): Ready;
  /** By the names that the model gives its indexes. */
  query: Record<string, (this: void, key: object) => { between(first: object, last: object): Ready }>;
  scan: Ready;
}

export const adapter: Adapter = {
  form: (_calls, shape) => formOf(shape),
  calls: {
    documented: {
      PutItem: call("orders.put(order).go()", `${GUIDE}/mutations/put/`),
      GetItem: call("orders.get(key).go()", `${GUIDE}/queries/get/`),
      UpdateItem: call(
        "orders.patch(key).set({ status }).go()",
        `${GUIDE}/mutations/update/`,
        `adds a condition that the item is there, since the page for update advises patch; ${SETS_KEYS}`,
      ),
      DeleteItem: call("orders.delete(key).go()", `${GUIDE}/mutations/delete/`),
      Query: call("orders.query.byCustomer({ customerId }).between(first, last).go()", `${GUIDE}/queries/query/`),
      Scan: call(
        'orders.scan.go({ pages: "all" })',
        `${GUIDE}/queries/scan/`,
        "adds a filter on the prefixes of its keys and on its marks",
      ),
    },
    sameRequest: {
      PutItem: call('orders.put(order).go({ response: "none" })', `${GUIDE}/mutations/put/`),
      UpdateItem: call("orders.update(key).set({ status }).go()", `${GUIDE}/mutations/update/`, SETS_KEYS),
    },
    longQuery: {
      code: 'orders.query.byCustomer({ customerId }).between(first, last).go({ pages: "all" })',
      indexCode: 'orders.query.byOwner({ ownerId }).between(first, last).go({ pages: "all" })',
      where: "longQueries",
    },
    indexQuery: {
      documented: call("orders.query.byOwner({ ownerId }).between(first, last).go()", `${GUIDE}/queries/query/`),
    },
  },
  caveats: [
    {
      text: "As documented, put formats the written record and returns it; the request is the same either way.",
      link: `${GUIDE}/mutations/put/`,
    },
  ],

  caveatsOf: (shape) => untyped(shape, hasNoTypeFor, "it is of type any in the model"),
  hasNoTypeFor,
  cannot(shape) {
    const taken = MARKS.find((mark) => mark in shape.attributes);
    return taken === undefined ? null : `writes an attribute of its own named ${taken}`;
  },

  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const { Entity } = await import("electrodb");

    return {
      connect(config, calls, shape) {
        const equally = calls === "same-request";
        const client = new DynamoDBClient(config);
        const model = modelOf(shape);
        const { partition: partitionName, sort: sortName } = shape.queryIndex ?? shape;
        const updated = shape.updated ?? "";
        const pages = shape.longQueries ? ({ pages: "all" } as const) : undefined;
        return {
          close: () => client.destroy(),
          table(table) {
            const orders = new Entity(model as never, { client, table }) as unknown as Orders;
            const among = orders.query[shape.queryIndex?.name ?? OWN_INDEX] as Orders["query"][string];
            return {
              put: (order) => (equally ? orders.put(order).go({ response: "none" }) : orders.put(order).go()),
              get: (key) => orders.get(key).go(),
              update: (key, value) =>
                equally
                  ? orders
                      .update(key)
                      .set({ [updated]: value })
                      .go()
                  : orders
                      .patch(key)
                      .set({ [updated]: value })
                      .go(),
              delete: (key) => orders.delete(key).go(),
              query: ({ partition, first, last }) =>
                among({ [partitionName]: partition })
                  .between({ [sortName]: first }, { [sortName]: last })
                  .go(pages),
              scan: () => orders.scan.go({ pages: "all" }),

              toOrder: (result) => (result as Answer).data,
              toOrders: (result) => (result as Answer).data as unknown[],
            };
          },
        };
      },
    };
  },
};
