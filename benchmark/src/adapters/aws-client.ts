// The AWS SDK's client alone, without the DocumentClient: the application converts attribute values itself, with the
// SDK's own functions. The floor of the SDK's family.

import type { AttributeValue, GetItemCommandOutput } from "@aws-sdk/client-dynamodb";
import { CUSTOMER_PREFIX, ORDER_PREFIX, PREFIXED, unprefixed } from "../form.js";
import { type Adapter, call } from "./adapter.js";

const PAGE = "https://docs.aws.amazon.com/AWSJavaScriptSDK/v3/latest/Package/-aws-sdk-util-dynamodb/";

export const adapter: Adapter = {
  form: () => PREFIXED,
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
      paginateScan,
    } = await import("@aws-sdk/client-dynamodb");
    const { marshall, unmarshall } = await import("@aws-sdk/util-dynamodb");
    const plain = (items: Record<string, AttributeValue>[] = []) => items.map((item) => unmarshall(item));

    return {
      connect(config) {
        const client = new DynamoDBClient(config);
        return {
          close: () => client.destroy(),
          table: (TableName) => ({
            put: (order) => client.send(new PutItemCommand({ TableName, Item: marshall(PREFIXED.itemOf(order)) })),

            async get(key) {
              const command = new GetItemCommand({ TableName, Key: marshall(PREFIXED.keyOf(key)) });
              const { Item }: GetItemCommandOutput = await client.send(command);
              return Item === undefined ? undefined : unmarshall(Item);
            },

            update: (key, status) =>
              client.send(
                new UpdateItemCommand({
                  TableName,
                  Key: marshall(PREFIXED.keyOf(key)),
                  UpdateExpression: "SET #status = :status",
                  ExpressionAttributeNames: { "#status": "status" },
                  ExpressionAttributeValues: marshall({ ":status": status }),
                }),
              ),

            delete: (key) => client.send(new DeleteItemCommand({ TableName, Key: marshall(PREFIXED.keyOf(key)) })),

            async query({ customerId, firstOrderId, lastOrderId }) {
              const command = new QueryCommand({
                TableName,
                KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
                ExpressionAttributeValues: marshall({
                  ":pk": CUSTOMER_PREFIX + customerId,
                  ":first": ORDER_PREFIX + firstOrderId,
                  ":last": ORDER_PREFIX + lastOrderId,
                }),
              });
              return plain((await client.send(command)).Items);
            },

            async scan() {
              const items: unknown[] = [];
              for await (const page of paginateScan({ client }, { TableName })) {
                items.push(...plain(page.Items));
              }
              return items;
            },

            toOrder: unprefixed,
            toOrders: (result) => (result as unknown[]).map(unprefixed),
          }),
        };
      },
    };
  },
};
