// The AWS SDK for JavaScript v3 with its DocumentClient: what every other library is compared with.

import type { GetCommandOutput, QueryCommandOutput } from "@aws-sdk/lib-dynamodb";
import { type Adapter, call, withoutKeysAndMarks } from "./adapter.js";

const PAGE = "https://docs.aws.amazon.com/AWSJavaScriptSDK/v3/latest/Package/-aws-sdk-lib-dynamodb/";

export const adapter: Adapter = {
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
            put: ({ stored }) => documents.send(new PutCommand({ TableName, Item: stored })),

            get: ({ storedKey }) => documents.send(new GetCommand({ TableName, Key: storedKey })),

            update: ({ storedKey, status }) =>
              documents.send(
                new UpdateCommand({
                  TableName,
                  Key: storedKey,
                  UpdateExpression: "SET #status = :status",
                  ExpressionAttributeNames: { "#status": "status" },
                  ExpressionAttributeValues: { ":status": status },
                }),
              ),

            delete: ({ storedKey }) => documents.send(new DeleteCommand({ TableName, Key: storedKey })),

            query: ({ pk, firstSk, lastSk }) =>
              documents.send(
                new QueryCommand({
                  TableName,
                  KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
                  ExpressionAttributeValues: { ":pk": pk, ":first": firstSk, ":last": lastSk },
                }),
              ),

            async scan() {
              const items: unknown[] = [];
              for await (const page of paginateScan({ client: documents }, { TableName })) {
                items.push(...(page.Items ?? []));
              }
              return items;
            },

            toOrder: (result) => withoutKeysAndMarks((result as GetCommandOutput).Item),

            toOrders(result) {
              const items = Array.isArray(result) ? (result as unknown[]) : (result as QueryCommandOutput).Items;
              return (items ?? []).map(withoutKeysAndMarks);
            },
          }),
        };
      },
    };
  },
};
