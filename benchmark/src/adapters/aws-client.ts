// The AWS SDK's client alone, without the DocumentClient: the application converts attribute values itself, with the
// SDK's own functions. The floor of the SDK's family.

import type { AttributeValue, GetItemCommandOutput } from "@aws-sdk/client-dynamodb";
import { expressionsOf } from "../expressions.js";
import { prefixed } from "../form.js";
import { type Adapter, call } from "./adapter.js";

const PAGE = "https://docs.aws.amazon.com/AWSJavaScriptSDK/v3/latest/Package/-aws-sdk-util-dynamodb/";

export const adapter: Adapter = {
  form: (_calls, shape) => prefixed(shape),
  calls: {
    documented: {
      PutItem: call("client.send(new PutItemCommand({ TableName, Item: marshall(item) }))", PAGE),
      GetItem: call(
        "unmarshall((await client.send(new GetItemCommand({ TableName, Key: marshall(key) }))).Item)",
        PAGE,
      ),
      UpdateItem: call(
        "client.send(new UpdateItemCommand({ TableName, Key: marshall(key), UpdateExpression, … }))",
        PAGE,
      ),
      DeleteItem: call("client.send(new DeleteItemCommand({ TableName, Key: marshall(key) }))", PAGE),
      Query: call("client.send(new QueryCommand({ TableName, KeyConditionExpression, … }))", PAGE),
      Scan: call("for await (const page of paginateScan({ client }, { TableName }))", PAGE),
    },
    sameRequest: {},
    longQuery: {
      code: "for await (const page of paginateQuery({ client }, { TableName, … }))",
      indexCode: "for await (const page of paginateQuery({ client }, { TableName, IndexName, … }))",
      where: "longQueries",
    },
    indexQuery: {
      documented: call("client.send(new QueryCommand({ TableName, IndexName, KeyConditionExpression, … }))", PAGE),
    },
  },
  caveats: [
    {
      text: "marshall and unmarshall, which an application needs with this client, are part of each call.",
      link: PAGE,
    },
  ],

  async load() {
    const {
      DeleteItemCommand,
      DynamoDBClient,
      GetItemCommand,
      PutItemCommand,
      QueryCommand,
      UpdateItemCommand,
      paginateQuery,
      paginateScan,
    } = await import("@aws-sdk/client-dynamodb");
    const { marshall, unmarshall } = await import("@aws-sdk/util-dynamodb");
    const plain = (items: Record<string, AttributeValue>[] = []) => items.map((item) => unmarshall(item));

    return {
      connect(config, _calls, shape) {
        const client = new DynamoDBClient(config);
        const form = prefixed(shape);
        const { update, between } = expressionsOf(shape, form);
        return {
          close: () => client.destroy(),
          table: (TableName) => ({
            put: (order) => client.send(new PutItemCommand({ TableName, Item: marshall(form.itemOf(order)) })),

            async get(key) {
              const command = new GetItemCommand({ TableName, Key: marshall(form.keyOf(key)) });
              const { Item }: GetItemCommandOutput = await client.send(command);
              return Item === undefined ? undefined : unmarshall(Item);
            },

            update: (key, value) =>
              client.send(
                new UpdateItemCommand({
                  TableName,
                  Key: marshall(form.keyOf(key)),
                  UpdateExpression: update.expression,
                  ExpressionAttributeNames: update.names(),
                  ExpressionAttributeValues: marshall(update.values(value)),
                }),
              ),

            delete: (key) => client.send(new DeleteItemCommand({ TableName, Key: marshall(form.keyOf(key)) })),

            async query(range) {
              const input = {
                TableName,
                ...between.condition(),
                ExpressionAttributeValues: marshall(between.values(range)),
              };
              if (!shape.longQueries) {
                return plain((await client.send(new QueryCommand(input))).Items);
              }
              const items: unknown[] = [];
              for await (const page of paginateQuery({ client }, input)) {
                items.push(...plain(page.Items));
              }
              return items;
            },

            async scan() {
              const items: unknown[] = [];
              for await (const page of paginateScan({ client }, { TableName })) {
                items.push(...plain(page.Items));
              }
              return items;
            },

            toOrder: form.plain,
            toOrders: (result) => (result as unknown[]).map(form.plain),
          }),
        };
      },
    };
  },
};
