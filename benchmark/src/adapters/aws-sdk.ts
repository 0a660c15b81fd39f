// The AWS SDK for JavaScript v3 with its DocumentClient: what every other library is compared with.

import type { GetCommandOutput, QueryCommandOutput } from "@aws-sdk/lib-dynamodb";
import { CUSTOMER_PREFIX, ORDER_PREFIX, PREFIXED, unprefixed } from "../form.js";
import { type Adapter, call } from "./adapter.js";

const PAGE = "https://docs.aws.amazon.com/AWSJavaScriptSDK/v3/latest/Package/-aws-sdk-lib-dynamodb/";

export const adapter: Adapter = {
  form: () => PREFIXED,
  calls: {
    documented: {
      PutItem: call("documents.send(new PutCommand({ TableName, Item }))", PAGE),
      GetItem: call("documents.send(new GetCommand({ TableName, Key }))", PAGE),
      UpdateItem: call("documents.send(new UpdateCommand({ TableName, Key, UpdateExpression, … }))", PAGE),
      DeleteItem: call("documents.send(new DeleteCommand({ TableName, Key }))", PAGE),
      Query: call("documents.send(new QueryCommand({ TableName, KeyConditionExpression, … }))", PAGE),
      Scan: call("for await (const page of paginateScan({ client: documents }, { TableName }))", PAGE),
    },
    sameRequest: {},
  },
  caveats: [],

  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const { DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, UpdateCommand, paginateScan } =
      await import("@aws-sdk/lib-dynamodb");

    return {
      connect(config) {
        const client = new DynamoDBClient(config);
        const documents = DynamoDBDocumentClient.from(client);
        return {
          close: () => client.destroy(),
          table: (TableName) => ({
            put: (order) => documents.send(new PutCommand({ TableName, Item: PREFIXED.itemOf(order) })),

            get: (key) => documents.send(new GetCommand({ TableName, Key: PREFIXED.keyOf(key) })),

            update: (key, status) =>
              documents.send(
                new UpdateCommand({
                  TableName,
                  Key: PREFIXED.keyOf(key),
                  UpdateExpression: "SET #status = :status",
                  ExpressionAttributeNames: { "#status": "status" },
                  ExpressionAttributeValues: { ":status": status },
                }),
              ),

            delete: (key) => documents.send(new DeleteCommand({ TableName, Key: PREFIXED.keyOf(key) })),

            query: ({ customerId, firstOrderId, lastOrderId }) =>
              documents.send(
                new QueryCommand({
                  TableName,
                  KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
                  ExpressionAttributeValues: {
                    ":pk": CUSTOMER_PREFIX + customerId,
                    ":first": ORDER_PREFIX + firstOrderId,
                    ":last": ORDER_PREFIX + lastOrderId,
                  },
                }),
              ),

            async scan() {
              const items: unknown[] = [];
              for await (const page of paginateScan({ client: documents }, { TableName })) {
                items.push(...(page.Items ?? []));
              }
              return items;
            },

            toOrder: (result) => unprefixed((result as GetCommandOutput).Item),

            toOrders(result) {
              const items = Array.isArray(result) ? (result as unknown[]) : (result as QueryCommandOutput).Items;
              return (items ?? []).map(unprefixed);
            },
          }),
        };
      },
    };
  },
};
