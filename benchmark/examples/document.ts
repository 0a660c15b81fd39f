// An adapter outside the repository, whole: the AWS SDK's DynamoDBDocument, which has a method for each command.
//
//   cargo xtask bench --adapter benchmark/examples/document.ts
//
// measures it next to the libraries of a default run. Copied anywhere, it works the same: its packages are looked for
// next to it, then in benchmark/node_modules. What it imports from "dynamodb-client-benchmark" is of this repository;
// `npm install --save-dev PATH/TO/benchmark` gives an editor elsewhere the types.

import { call, expressionsOf, type OutsideAdapter, prefixed } from "dynamodb-client-benchmark";

const PAGE =
  "https://docs.aws.amazon.com/AWSJavaScriptSDK/v3/latest/Package/-aws-sdk-lib-dynamodb/Class/DynamoDBDocument/";

export const adapter: OutsideAdapter = {
  name: "DynamoDBDocument",
  package: "@aws-sdk/lib-dynamodb",
  // How an item lies in the table once this library has written it: here with prefixed keys in pk and sk.
  form: (_calls, shape) => prefixed(shape),
  calls: {
    documented: {
      PutItem: call("documents.put({ TableName, Item })", PAGE),
      GetItem: call("documents.get({ TableName, Key })", PAGE),
      UpdateItem: call("documents.update({ TableName, Key, UpdateExpression, … })", PAGE),
      DeleteItem: call("documents.delete({ TableName, Key })", PAGE),
      Query: call("documents.query({ TableName, KeyConditionExpression, … })", PAGE),
      Scan: call("documents.scan({ TableName, ExclusiveStartKey }) until there is no LastEvaluatedKey", PAGE),
    },
    // What it calls where --query-by index is asked for: without this it would be left out of such a run.
    indexQuery: {
      documented: call("documents.query({ TableName, IndexName, KeyConditionExpression, … })", PAGE),
    },
    // Its requests are the bare SDK's: nothing has to be switched off.
    sameRequest: {},
  },
  caveats: [],

  // What is imported here is timed as the import of the library.
  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const { DynamoDBDocument } = await import("@aws-sdk/lib-dynamodb");

    return {
      // The shape is that of the items: which attributes they have, and which of them are keys.
      connect(config, _calls, shape) {
        const form = prefixed(shape);
        const { update, between } = expressionsOf(shape, form);
        const documents = DynamoDBDocument.from(new DynamoDBClient(config));
        return {
          close: () => documents.destroy(),
          table: (TableName) => ({
            put: (order) => documents.put({ TableName, Item: form.itemOf(order) }),

            get: async (key) => (await documents.get({ TableName, Key: form.keyOf(key) })).Item,

            update: (key, value) =>
              documents.update({
                TableName,
                Key: form.keyOf(key),
                UpdateExpression: update.expression,
                ExpressionAttributeNames: update.names(),
                ExpressionAttributeValues: update.values(value),
              }),

            delete: (key) => documents.delete({ TableName, Key: form.keyOf(key) }),

            async query(range) {
              const found = await documents.query({
                TableName,
                ...between.condition(),
                ExpressionAttributeValues: between.values(range),
              });
              return found.Items;
            },

            async scan() {
              const items: unknown[] = [];
              let ExclusiveStartKey: Record<string, unknown> | undefined;
              do {
                const page = await documents.scan({
                  TableName,
                  ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
                });
                items.push(...(page.Items ?? []));
                ExclusiveStartKey = page.LastEvaluatedKey;
              } while (ExclusiveStartKey !== undefined);
              return items;
            },

            // Not timed: the plain order in what the calls gave, to check it.
            toOrder: form.plain,
            toOrders: (result) => (result as unknown[]).map(form.plain),
          }),
        };
      },
    };
  },
};
