// Dynamoose: models with a schema. Its own calls, as its guide shows them.
//
// Unequal work that comes with those calls: `create` adds a condition that the item isn't there (`save` doesn't, but
// is the call for an item that was read before), and `update` asks for the whole new item back.

import { type Adapter, withoutKeysAndMarks } from "./adapter.js";

/** A document, a list of them, or what is in them: only what is needed to turn it into plain values. */
interface Document {
  toJSON(): Record<string, unknown>;
}

export const adapter: Adapter = {
  async load() {
    const { default: dynamoose } = await import("dynamoose");

    return {
      connect(config) {
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
              put: ({ stored }) => Model.create(stored),
              get: ({ storedKey }) => Model.get(storedKey),
              update: ({ storedKey, status }) => Model.update(storedKey, { status }),
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
