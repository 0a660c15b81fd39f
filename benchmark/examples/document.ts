// An adapter outside the repository, whole: the AWS SDK's DynamoDBDocument, which has a method for each command.
//
//   cargo xtask bench --adapter benchmark/examples/document.ts
//
// measures it next to the libraries of a default run. Copied anywhere, it works the same: its packages are looked for
// next to it, then in benchmark/node_modules. What it imports from "dynamodb-client-benchmark" is of this repository;
// `npm install --save-dev PATH/TO/benchmark` gives an editor elsewhere the types.

import {
  call,
  CUSTOMER_PREFIX,
  ORDER_PREFIX,
  type OutsideAdapter,
  PREFIXED,
  unprefixed,
} from "dynamodb-client-benchmark";

const PAGE =
  "https://docs.aws.amazon.com/AWSJavaScriptSDK/v3/latest/Package/-aws-sdk-lib-dynamodb/Class/DynamoDBDocument/";

export const adapter: OutsideAdapter = {
  name: "DynamoDBDocument",
  package: "@aws-sdk/lib-dynamodb",
  // How an item lies in the table once this library has written it: here with prefixed keys in pk and sk.
  form: () => PREFIXED,
  calls: {
    documented: {
      PutItem: call("documents.put({ TableName, Item })", PAGE),
      GetItem: call("documents.get({ TableName, Key })", PAGE),
      UpdateItem: call("documents.update({ TableName, Key, UpdateExpression, … })", PAGE),
      DeleteItem: call("documents.delete({ TableName, Key })", PAGE),
      Query: call("documents.query({ TableName, KeyConditionExpression, … })", PAGE),
      Scan: call("documents.scan({ TableName, ExclusiveStartKey }) until there is no LastEvaluatedKey", PAGE),
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
      connect(config) {
        const documents = DynamoDBDocument.from(new DynamoDBClient(config));
        return {
          close: () => documents.destroy(),
          table: (TableName) => ({
            put: (order) => documents.put({ TableName, Item: PREFIXED.itemOf(order) }),

            get: async (key) => (await documents.get({ TableName, Key: PREFIXED.keyOf(key) })).Item,

            update: (key, status) =>
              documents.update({
                TableName,
                Key: PREFIXED.keyOf(key),
                UpdateExpression: "SET #status = :status",
                ExpressionAttributeNames: { "#status": "status" },
                ExpressionAttributeValues: { ":status": status },
              }),

            delete: (key) => documents.delete({ TableName, Key: PREFIXED.keyOf(key) }),

            async query({ customerId, firstOrderId, lastOrderId }) {
              const found = await documents.query({
                TableName,
                KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
                ExpressionAttributeValues: {
                  ":pk": CUSTOMER_PREFIX + customerId,
                  ":first": ORDER_PREFIX + firstOrderId,
                  ":last": ORDER_PREFIX + lastOrderId,
                },
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
            toOrder: unprefixed,
            toOrders: (result) => (result as unknown[]).map(unprefixed),
          }),
        };
      },
    };
  },
};
