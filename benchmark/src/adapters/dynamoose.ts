// Dynamoose: models with a schema. Its own calls, as its guide shows them.

import { type Adapter, call, withoutKeysAndMarks } from "./adapter.js";

/** A document, a list of them, or what is in them: only what is needed to turn it into plain values. */
interface Document {
  toJSON(): Record<string, unknown>;
}

const GUIDE = "https://dynamoosejs.com/guide";

export const adapter: Adapter = {
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
      Query: call('Model.query("pk").eq(pk).where("sk").between(first, last).exec()', `${GUIDE}/Query`),
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
          pk: { type: String, hashKey: true },
          sk: { type: String, rangeKey: true },
          customerId: String,
          orderId: String,
          status: String,
          placedAt: String,
          total: Number,
          quantity: Number,
          paid: Boolean,
          gift: Boolean,
          lines: {
            type: Array,
            schema: [{ type: Object, schema: { sku: String, quantity: Number, price: Number } }],
          },
          address: {
            type: Object,
            schema: { street: String, city: String, postcode: String, country: String },
          },
          note: String,
          __edb_e__: String,
          __edb_v__: String,
        });

        return {
          close: () => client.destroy(),
          table(name) {
            const Model = dynamoose.model(name, schema);
            // The table is there: without these, the first call would look whether it is, and make it.
            new instance.Table(name, [Model], { create: false, update: false, waitForActive: false });
            return {
              put: ({ stored }) => (equally ? Model.create(stored, { overwrite: true }) : Model.create(stored)),
              get: ({ storedKey }) => Model.get(storedKey),
              update: ({ storedKey, status }) =>
                equally
                  ? Model.update(storedKey, { status }, { returnValues: "NONE" })
                  : Model.update(storedKey, { status }),
              delete: ({ storedKey }) => Model.delete(storedKey),
              query: ({ pk, firstSk, lastSk }) => Model.query("pk").eq(pk).where("sk").between(firstSk, lastSk).exec(),
              scan: () => Model.scan().all().exec(),

              toOrder: (result) => withoutKeysAndMarks((result as Document | undefined)?.toJSON()),
              *toOrders(result) {
                for (const item of result as Iterable<Document>) {
                  yield withoutKeysAndMarks(item.toJSON());
                }
              },
            };
          },
        };
      },
    };
  },
};
