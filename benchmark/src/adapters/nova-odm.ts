// Nova ODM's DataMapper, the port of AWS Labs' data mapper to the SDK's third version: classes whose prototypes carry a
// schema and a table's name. Its own calls, as its README shows them.

import { NATURAL } from "../form.js";
import { type Attribute, mapShape, ORDER } from "../shape.js";
import { type Adapter, call } from "./adapter.js";

const README = "https://github.com/ArsenyYankovsky/nova-odm/tree/master/packages/mapper";

/** The type of an attribute, as a schema has it. */
type SchemaType =
  | { type: "String" | "Number" | "Boolean"; keyType?: "HASH" | "RANGE" }
  | { type: "List"; memberType: SchemaType }
  | { type: "Document"; members: Record<string, SchemaType> };

const SCALARS = { string: "String", number: "Number", boolean: "Boolean" } as const;

function typeOf(attribute: Attribute): SchemaType {
  if (typeof attribute === "string") {
    return { type: SCALARS[attribute] };
  }
  return "list" in attribute
    ? { type: "List", memberType: typeOf(attribute.list) }
    : { type: "Document", members: mapShape(attribute.map, typeOf) };
}

/** An order as it comes back: an instance of its class. */
const toOrder = (order: unknown) => (order === null ? null : { ...(order as object) });

export const adapter: Adapter = {
  form: () => NATURAL,
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

  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const { between } = await import("@nova-odm/expressions");
    const { DataMapper, DynamoDbSchema, DynamoDbTable } = await import("@nova-odm/mapper");

    return {
      connect(config, calls) {
        const client = new DynamoDBClient(config);
        const mapper = new DataMapper({ client });
        return {
          close: () => client.destroy(),
          table(name) {
            // The table's name stands on the class, so that each table has its own.
            class Order {}
            Object.defineProperties(Order.prototype, {
              [DynamoDbTable]: { value: name },
              [DynamoDbSchema]: {
                value: {
                  ...mapShape(ORDER, typeOf),
                  customerId: { type: "String", keyType: "HASH" },
                  orderId: { type: "String", keyType: "RANGE" },
                },
              },
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
              update: ({ customerId, orderId }, status) =>
                mapper.update(Object.assign(new Order(), { customerId, orderId, status }), { onMissing: "skip" }),
              delete: (key) =>
                calls === "same-request"
                  ? mapper.delete(Object.assign(new Order(), key), { returnValues: "NONE" })
                  : mapper.delete(Object.assign(new Order(), key)),
              query: ({ customerId, firstOrderId, lastOrderId }) =>
                all(mapper.query(Order, { customerId, orderId: between(firstOrderId, lastOrderId) })),
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
