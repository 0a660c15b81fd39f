// OneTable: models in a schema of a single table, with keys made from templates. Its own calls, as its documentation
// shows them.

import type { ItemForm } from "../form.js";
import { type Attribute, mapShape, ORDER } from "../shape.js";
import { type Adapter, call } from "./adapter.js";

const MODEL = "https://doc.onetable.io/api/model/methods";

/** What it writes for the model below: keys by their templates, and the model's name. */
const FORM: ItemForm = {
  name: "onetable",
  partition: "pk",
  sort: "sk",
  keyOf: ({ customerId, orderId }) => ({ pk: `customer:${customerId}`, sk: `order:${orderId}` }),
  itemOf: (order) => ({ ...FORM.keyOf(order), ...order, _type: "Order" }),
};

/** The type of an attribute, as a model has it. */
interface Field {
  type: StringConstructor | NumberConstructor | BooleanConstructor | ArrayConstructor | ObjectConstructor;
  schema?: Record<string, Field>;
  items?: Field;
  value?: string;
}

function fieldOf(attribute: Attribute): Field {
  switch (attribute) {
    case "string":
      return { type: String };
    case "number":
      return { type: Number };
    case "boolean":
      return { type: Boolean };
    default:
      return "list" in attribute
        ? { type: Array, items: fieldOf(attribute.list) }
        : { type: Object, schema: mapShape(attribute.map, fieldOf) };
  }
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
  form: () => FORM,
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
  },
  caveats: [
    {
      text: "Its timestamps are off, as they are by default; with them an update writes the time too.",
      link: "https://doc.onetable.io/api/table/constructor/",
    },
  ],

  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const { Table } = await import("dynamodb-onetable");

    return {
      connect(config, calls) {
        const client = new DynamoDBClient(config);
        const equally = calls === "same-request";
        return {
          close: () => client.destroy(),
          table(name) {
            const table = new Table({
              client,
              name,
              partial: false,
              logger: false,
              schema: {
                format: "onetable:1.1.0",
                version: "0.0.1",
                indexes: { primary: { hash: "pk", sort: "sk" } },
                models: {
                  Order: {
                    pk: { type: String, value: "customer:${customerId}" },
                    sk: { type: String, value: "order:${orderId}" },
                    ...mapShape(ORDER, fieldOf),
                  },
                },
              } as never,
            });
            const model = table.getModel("Order" as never) as unknown as Model;
            return {
              put: (order) => (equally ? model.create(order, { exists: null }) : model.create(order)),
              get: (key) => model.get(key),
              update: ({ customerId, orderId }, status) =>
                equally
                  ? model.update({ customerId, orderId, status }, { exists: null, return: "none" })
                  : model.update({ customerId, orderId, status }),
              delete: (key) => (equally ? model.remove(key, { return: "none" }) : model.remove(key)),
              query({ customerId, firstOrderId, lastOrderId }) {
                const sk = { between: [`order:${firstOrderId}`, `order:${lastOrderId}`] };
                return equally ? model.find({ pk: `customer:${customerId}`, sk }) : model.find({ customerId, sk });
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
