// Dynamoose: models with a schema. Its own calls, as its guide shows them.

import { NATURAL } from "../form.js";
import { type Attribute, mapShape, ORDER } from "../shape.js";
import { type Adapter, call } from "./adapter.js";

/** A document, a list of them, or what is in them: only what is needed to turn it into plain values. */
interface Document {
  toJSON(): Record<string, unknown>;
}

const GUIDE = "https://dynamoosejs.com/guide";

/** The type of an attribute, as a schema has it. */
function typeOf(attribute: Attribute): AttributeType {
  switch (attribute) {
    case "string":
      return String;
    case "number":
      return Number;
    case "boolean":
      return Boolean;
    default:
      return "list" in attribute
        ? { type: Array, schema: [typeOf(attribute.list)] }
        : { type: Object, schema: mapShape(attribute.map, typeOf) };
  }
}

type AttributeType =
  | StringConstructor
  | NumberConstructor
  | BooleanConstructor
  | { type: ArrayConstructor; schema: AttributeType[] }
  | { type: ObjectConstructor; schema: Record<string, AttributeType> };

export const adapter: Adapter = {
  form: () => NATURAL,
  calls: {
    documented: {
      PutItem: call(
        "Model.create(item)",
        `${GUIDE}/Model#modelcreateitem-settings-callback`,
        "adds a condition that the item is not there",
      ),
      GetItem: call("Model.get(key)", `${GUIDE}/Model#modelgetkey-settings-callback`),
      UpdateItem: call(
        "Model.update(key, { status })",
        `${GUIDE}/Model#modelupdatekey-updateobj-settings-callback`,
        "asks for the whole new item back",
      ),
      DeleteItem: call("Model.delete(key)", `${GUIDE}/Model#modeldeletekey-settings-callback`),
      Query: call('Model.query("customerId").eq(id).where("orderId").between(first, last).exec()', `${GUIDE}/Query`),
      Scan: call("Model.scan().all().exec()", `${GUIDE}/Scan`),
    },
    sameRequest: {
      PutItem: call("Model.create(item, { overwrite: true })", `${GUIDE}/Model#modelcreateitem-settings-callback`),
      UpdateItem: call(
        'Model.update(key, { status }, { returnValues: "NONE" })',
        `${GUIDE}/Model#modelupdatekey-updateobj-settings-callback`,
      ),
    },
  },
  caveats: [
    {
      text: "It answers with instances of its models. An application that sends them on as JSON pays for toJSON too, which no figure here holds.",
      link: `${GUIDE}/Item`,
    },
    {
      text: "That it is slow with items of many attributes is known to its maintainers; a change that speeds reads up is proposed.",
      link: "https://github.com/dynamoose/dynamoose/issues/1719",
    },
  ],

  async load() {
    const { default: dynamoose } = await import("dynamoose");

    return {
      connect(config, calls) {
        const equally = calls === "same-request";
        // Its way to more than one endpoint: an instance has a client of its own, and so have the tables made by it.
        const instance = new dynamoose.Instance();
        const client = new instance.aws.ddb.DynamoDB(config);
        instance.aws.ddb.set(client);

        const schema = new dynamoose.Schema({
          ...mapShape(ORDER, typeOf),
          customerId: { type: String, hashKey: true },
          orderId: { type: String, rangeKey: true },
        });

        return {
          close: () => client.destroy(),
          table(name) {
            const Model = dynamoose.model(name, schema);
            // The table is there: without these, the first call would look whether it is, and make it.
            new instance.Table(name, [Model], { create: false, update: false, waitForActive: false });
            return {
              put: (order) => (equally ? Model.create(order, { overwrite: true }) : Model.create(order)),
              get: (key) => Model.get(key),
              update: (key, status) =>
                equally ? Model.update(key, { status }, { returnValues: "NONE" }) : Model.update(key, { status }),
              delete: (key) => Model.delete(key),
              query: ({ customerId, firstOrderId, lastOrderId }) =>
                Model.query("customerId").eq(customerId).where("orderId").between(firstOrderId, lastOrderId).exec(),
              scan: () => Model.scan().all().exec(),

              toOrder: (result) => (result as Document | undefined)?.toJSON() ?? null,
              *toOrders(result) {
                for (const item of result as Iterable<Document>) {
                  yield item.toJSON();
                }
              },
            };
          },
        };
      },
    };
  },
};
