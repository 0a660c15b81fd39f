// The AWS SDK for JavaScript v3 with its DocumentClient: what every other library is compared with.

import type { GetCommandOutput, QueryCommandInput, QueryCommandOutput } from "@aws-sdk/lib-dynamodb";
import { expressionsOf } from "../expressions.js";
import { prefixed } from "../form.js";
import { type Adapter, call } from "./adapter.js";

const PAGE = "https://docs.aws.amazon.com/AWSJavaScriptSDK/v3/latest/Package/-aws-sdk-lib-dynamodb/";

export const adapter: Adapter = {
  form: (_calls, shape) => prefixed(shape),
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
    longQuery: {
      code: "for await (const page of paginateQuery({ client: documents }, { TableName, … }))",
      indexCode: "for await (const page of paginateQuery({ client: documents }, { TableName, IndexName, … }))",
      where: "longQueries",
    },
    indexQuery: {
      documented: call("documents.send(new QueryCommand({ TableName, IndexName, KeyConditionExpression, … }))", PAGE),
    },
  },
  caveats: [],

  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const {
      DeleteCommand,
      DynamoDBDocumentClient,
      GetCommand,
      PutCommand,
      QueryCommand,
      UpdateCommand,
      paginateQuery,
      paginateScan,
    } = await import("@aws-sdk/lib-dynamodb");

    return {
      connect(config, _calls, shape) {
        const client = new DynamoDBClient(config);
        const form = prefixed(shape);
        const { update, between } = expressionsOf(shape, form);
        const documents = DynamoDBDocumentClient.from(client);
        const itemsOfAllPages = async (input: QueryCommandInput) => {
          const items: unknown[] = [];
          for await (const page of paginateQuery({ client: documents }, input)) {
            items.push(...(page.Items ?? []));
          }
          return items;
        };
        return {
          close: () => client.destroy(),
          table: (TableName) => ({
            put: (order) => documents.send(new PutCommand({ TableName, Item: form.itemOf(order) })),

            get: (key) => documents.send(new GetCommand({ TableName, Key: form.keyOf(key) })),

            update: (key, value) =>
              documents.send(
                new UpdateCommand({
                  TableName,
                  Key: form.keyOf(key),
                  UpdateExpression: update.expression,
                  ExpressionAttributeNames: update.names(),
                  ExpressionAttributeValues: update.values(value),
                }),
              ),

            delete: (key) => documents.send(new DeleteCommand({ TableName, Key: form.keyOf(key) })),

            query(range) {
              const input = {
                TableName,
                ...between.condition(),
                ExpressionAttributeValues: between.values(range),
              };
              return shape.longQueries ? itemsOfAllPages(input) : documents.send(new QueryCommand(input));
            },

            async scan() {
              const items: unknown[] = [];
              for await (const page of paginateScan({ client: documents }, { TableName })) {
                items.push(...(page.Items ?? []));
              }
              return items;
            },

            toOrder: (result) => form.plain((result as GetCommandOutput).Item),

            toOrders(result) {
              const items = Array.isArray(result) ? (result as unknown[]) : (result as QueryCommandOutput).Items;
              return (items ?? []).map(form.plain);
            },
          }),
        };
      },
    };
  },
};
