// ElectroDB: entities that make their own keys and mark their items. Its own calls, as its guide shows them.

import type { ItemForm } from "../form.js";
import { type Attribute, mapShape, ORDER } from "../shape.js";
import { type Adapter, call } from "./adapter.js";

interface Answer {
  data: unknown;
}

const GUIDE = "https://electrodb.dev/en";
const SETS_KEYS = "also sets its key attributes and marks, to what they are";

/** What it writes for the model below: its own keys, and its two marks. */
const FORM: ItemForm = {
  name: "electrodb",
  partition: "pk",
  sort: "sk",
  keyOf: ({ customerId, orderId }) => ({
    pk: `$benchmark#customerid_${customerId}`,
    sk: `$order_1#orderid_${orderId}`,
  }),
  itemOf: (order) => ({ ...FORM.keyOf(order), ...order, __edb_e__: "order", __edb_v__: "1" }),
};

type AttributeType =
  | { readonly type: "string" | "number" | "boolean" }
  | { readonly type: "list"; readonly items: AttributeType }
  | { readonly type: "map"; readonly properties: Record<string, AttributeType> };

/** The type of an attribute, as a model has it. */
function typeOf(attribute: Attribute): AttributeType {
  if (typeof attribute === "string") {
    return { type: attribute };
  }
  return "list" in attribute
    ? { type: "list", items: typeOf(attribute.list) }
    : { type: "map", properties: mapShape(attribute.map, typeOf) };
}

export const adapter: Adapter = {
  form: () => FORM,
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
  },
  caveats: [
    {
      text: "As documented, put formats the written record and returns it; the request is the same either way.",
      link: `${GUIDE}/mutations/put/`,
    },
  ],

  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const { Entity } = await import("electrodb");

    return {
      connect(config, calls) {
        const equally = calls === "same-request";
        const client = new DynamoDBClient(config);
        return {
          close: () => client.destroy(),
          table(table) {
            const orders = new Entity(
              {
                model: { entity: "order", version: "1", service: "benchmark" },
                attributes: {
                  ...mapShape(ORDER, typeOf),
                  customerId: { type: "string", required: true },
                  orderId: { type: "string", required: true },
                  status: { type: "string" },
                },
                indexes: {
                  byCustomer: {
                    pk: { field: "pk", composite: ["customerId"] },
                    sk: { field: "sk", composite: ["orderId"] },
                  },
                },
              },
              { client, table },
            );
            return {
              put: (order) => (equally ? orders.put(order).go({ response: "none" }) : orders.put(order).go()),
              get: (key) => orders.get(key).go(),
              update: (key, status) =>
                equally ? orders.update(key).set({ status }).go() : orders.patch(key).set({ status }).go(),
              delete: (key) => orders.delete(key).go(),
              query: ({ customerId, firstOrderId, lastOrderId }) =>
                orders.query
                  .byCustomer({ customerId })
                  .between({ orderId: firstOrderId }, { orderId: lastOrderId })
                  .go(),
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
