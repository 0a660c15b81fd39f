// Nova ODM's DataMapper, the port of AWS Labs' data mapper to the SDK's third version: classes whose prototypes carry a
// schema and a table's name. Its own calls, as its README shows them.

import { natural } from "../form.js";
import { type Attribute, type Attributes, mapAttributes, type Shape } from "../shape.js";
import { type Adapter, call, untyped } from "./adapter.js";

const README = "https://github.com/ArsenyYankovsky/nova-odm/tree/master/packages/mapper";

/** The type of an attribute, as a schema has it. */
type SchemaType =
  | {
      type: "String" | "Number" | "Boolean" | "Binary" | "Null" | "Date" | "Any" | "Hash" | "Collection";
      unwrapNumbers?: true;
    }
  | { type: "String"; keyType?: "HASH" | "RANGE"; indexKeyConfigurations?: Record<string, "HASH" | "RANGE"> }
  | { type: "Set"; memberType: "String" | "Number" | "Binary" }
  | { type: "List"; memberType: SchemaType }
  | { type: "Document"; members: Record<string, SchemaType> };

const SCALARS = {
  string: "String",
  number: "Number",
  boolean: "Boolean",
  binary: "Binary",
  null: "Null",
  date: "Date",
} as const;

function typeOf(attribute: Attribute): SchemaType {
  if (attribute === "any" || attribute === "bigint") {
    return { type: "Any", unwrapNumbers: true };
  }
  if (typeof attribute === "string") {
    return { type: SCALARS[attribute] };
  }
  if ("list" in attribute) {
    return attribute.list === "any"
      ? { type: "Collection", unwrapNumbers: true }
      : { type: "List", memberType: typeOf(attribute.list) };
  }
  if ("set" in attribute) {
    return { type: "Set", memberType: SCALARS[attribute.set] };
  }
  return "record" in attribute
    ? { type: "Hash", unwrapNumbers: true }
    : { type: "Document", members: membersOf(attribute.map) };
}

const hasNoTypeFor = (attribute: Attribute) => attribute === "any" || attribute === "bigint";

function membersOf(attributes: Attributes): Record<string, SchemaType> {
  return mapAttributes(attributes, typeOf);
}

/** The schema of a shape: its keys, and the indexes whose keys are attributes as they are. */
function schemaOf(shape: Shape): Record<string, SchemaType> {
  const indexed = shape.indexes.flatMap(({ name, partition, sort }) => [
    [partition, { type: "String", indexKeyConfigurations: { [name]: "HASH" } }],
    [sort, { type: "String", indexKeyConfigurations: { [name]: "RANGE" } }],
  ]);
  return {
    ...membersOf(shape.attributes),
    ...(Object.fromEntries(indexed) as Record<string, SchemaType>),
    [shape.partition]: { type: "String", keyType: "HASH" },
    [shape.sort]: { type: "String", keyType: "RANGE" },
  };
}

/** An order as it comes back: an instance of its class. */
const toOrder = (order: unknown) => (order === null ? null : { ...(order as object) });

export const adapter: Adapter = {
  form: (_calls, shape) => natural(shape),
  calls: {
    documented: {
      PutItem: call("mapper.put(Object.assign(new Order(), order))", `${README}#put`),
      GetItem: call("mapper.get(Object.assign(new Order(), key))", `${README}#get`),
      UpdateItem: call(
        'mapper.update(Object.assign(new Order(), { ...key, status }), { onMissing: "skip" })',
        `${README}#update`,
        "asks for the whole new item back",
      ),
      DeleteItem: call(
        "mapper.delete(Object.assign(new Order(), key))",
        `${README}#delete`,
        "asks for the deleted item back",
      ),
      Query: call(
        "for await (const order of mapper.query(Order, { customerId, orderId: between(first, last) }))",
        `${README}#query`,
      ),
      Scan: call("for await (const order of mapper.scan(Order))", `${README}#scan`),
    },
    sameRequest: {
      DeleteItem: call('mapper.delete(Object.assign(new Order(), key), { returnValues: "NONE" })', `${README}#delete`),
    },
    indexQuery: {
      documented: call(
        'for await (const order of mapper.query(Order, { ownerId, dueAt: between(first, last) }, { indexName: "gsi1" }))',
        `${README}#query`,
      ),
    },
  },
  caveats: [
    {
      text: "It rejects where it finds no item; the adapter turns that into null. No timed call meets it.",
      link: `${README}#get`,
    },
    {
      text: "It answers with instances of an application's classes, and with async iterators, which are read to their end inside the clock.",
      link: `${README}#query`,
    },
  ],

  caveatsOf: (shape) => untyped(shape, hasNoTypeFor, "Any or Collection stands for it, which looks at each value"),
  hasNoTypeFor,

  cannot: ({ empty }) => (empty.length === 0 ? null : `writes null for what is empty, as ${empty[0]} is`),

  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const { between } = await import("@nova-odm/expressions");
    const { DataMapper, DynamoDbSchema, DynamoDbTable } = await import("@nova-odm/mapper");

    return {
      connect(config, calls, shape) {
        const client = new DynamoDBClient(config);
        const schema = schemaOf(shape);
        const { queryIndex } = shape;
        const { partition: partitionName, sort: sortName } = queryIndex ?? shape;
        const queryOptions = queryIndex === null ? {} : { indexName: queryIndex.name };
        const updated = shape.updated ?? "";
        const mapper = new DataMapper({ client });
        return {
          close: () => client.destroy(),
          table(name) {
            // The table's name stands on the class, so that each table has its own.
            class Order {}
            Object.defineProperties(Order.prototype, {
              [DynamoDbTable]: { value: name },
              [DynamoDbSchema]: { value: schema },
            });
            const all = async (found: AsyncIterable<unknown>) => {
              const orders: unknown[] = [];
              for await (const order of found) {
                orders.push(order);
              }
              return orders;
            };
            return {
              put: (order) => mapper.put(Object.assign(new Order(), order)),
              async get(key) {
                try {
                  return await mapper.get(Object.assign(new Order(), key));
                } catch (error) {
                  if (error instanceof Error && error.name === "ItemNotFoundException") {
                    return null;
                  }
                  throw error;
                }
              },
              update: (key, value) =>
                mapper.update(Object.assign(new Order(), key, { [updated]: value }), { onMissing: "skip" }),
              delete: (key) =>
                calls === "same-request"
                  ? mapper.delete(Object.assign(new Order(), key), { returnValues: "NONE" })
                  : mapper.delete(Object.assign(new Order(), key)),
              query: ({ partition, first, last }) =>
                all(
                  mapper.query(Order, { [partitionName]: partition, [sortName]: between(first, last) }, queryOptions),
                ),
              scan: () => all(mapper.scan(Order)),

              toOrder,
              toOrders: (result) => (result as unknown[]).map(toOrder),
            };
          },
        };
      },
    };
  },
};
