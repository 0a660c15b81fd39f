// ElectroDB: entities that make their own keys and mark their items. Its own calls, as its guide shows them.
//
// Where it offers two, the one without a condition is used, as for the SDK: `put` and not `create`, `update` and not
// `patch`, `delete` and not `remove`. Its update also sets its key attributes and marks, to what they are.

import type { Adapter } from "./adapter.js";
import { CUSTOMER_PREFIX, ENTITY, ENTITY_VERSION, ORDER_PREFIX } from "../dataset.js";

interface Answer {
  data: unknown;
}

export const adapter: Adapter = {
  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const { Entity } = await import("electrodb");

    return {
      connect(config) {
        const client = new DynamoDBClient(config);
        return {
          close: () => client.destroy(),
          table(table) {
            const orders = new Entity(
              {
                model: { entity: ENTITY, version: ENTITY_VERSION, service: "benchmark" },
                attributes: {
                  customerId: { type: "string", required: true },
                  orderId: { type: "string", required: true },
                  status: { type: "string" },
                  placedAt: { type: "string" },
                  total: { type: "number" },
                  quantity: { type: "number" },
                  paid: { type: "boolean" },
                  gift: { type: "boolean" },
                  lines: {
                    type: "list",
                    items: {
                      type: "map",
                      properties: {
                        sku: { type: "string" },
                        quantity: { type: "number" },
                        price: { type: "number" },
                      },
                    },
                  },
                  address: {
                    type: "map",
                    properties: {
                      street: { type: "string" },
                      city: { type: "string" },
                      postcode: { type: "string" },
                      country: { type: "string" },
                    },
                  },
                  note: { type: "string" },
                },
                indexes: {
                  byCustomer: {
                    pk: {
                      field: "pk",
                      composite: ["customerId"],
                      template: `${CUSTOMER_PREFIX}\${customerId}`,
                      casing: "none",
                    },
                    sk: {
                      field: "sk",
                      composite: ["orderId"],
                      template: `${ORDER_PREFIX}\${orderId}`,
                      casing: "none",
                    },
                  },
                },
              },
              { client, table },
            );
            return {
              put: ({ order }) => orders.put(order).go(),
              get: ({ key }) => orders.get(key).go(),
              update: ({ key, status }) => orders.update(key).set({ status }).go(),
              delete: ({ key }) => orders.delete(key).go(),
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
