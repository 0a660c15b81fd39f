// aws-lite with its DynamoDB plugin: a client of its own, without the AWS SDK, with its own signing, HTTP and
// conversion of attribute values.

import { expressionsOf } from "../expressions.js";
import { prefixed } from "../form.js";
import { type Attribute, places } from "../shape.js";
import { limitHiddenAgent } from "../table/idle.js";
import { type Adapter, call } from "./adapter.js";

const PAGE = "https://aws-lite.org/services/dynamodb";

/** What is used of the plugin, whose types are in a package of their own. */
interface DynamoDB {
  PutItem(input: object): Promise<unknown>;
  GetItem(input: object): Promise<{ Item?: unknown }>;
  UpdateItem(input: object): Promise<unknown>;
  DeleteItem(input: object): Promise<unknown>;
  Query(input: object): Promise<{ Items?: unknown[] }>;
  Scan(input: object): Promise<{ Items?: unknown[] }>;
}

const isBinarySet = (attribute: Attribute) =>
  typeof attribute === "object" && "set" in attribute && attribute.set === "binary";

export const adapter: Adapter = {
  form: (_calls, shape) => prefixed(shape),
  calls: {
    documented: {
      PutItem: call("aws.DynamoDB.PutItem({ TableName, Item })", PAGE),
      GetItem: call("aws.DynamoDB.GetItem({ TableName, Key })", PAGE),
      UpdateItem: call("aws.DynamoDB.UpdateItem({ TableName, Key, UpdateExpression, … })", PAGE),
      DeleteItem: call("aws.DynamoDB.DeleteItem({ TableName, Key })", PAGE),
      Query: call("aws.DynamoDB.Query({ TableName, KeyConditionExpression, … })", PAGE),
      Scan: call("aws.DynamoDB.Scan({ TableName, paginate: true })", PAGE),
    },
    sameRequest: {},
    longQuery: {
      code: "aws.DynamoDB.Query({ TableName, KeyConditionExpression, …, paginate: true })",
      indexCode: "aws.DynamoDB.Query({ TableName, IndexName, KeyConditionExpression, …, paginate: true })",
      where: "longQueries",
    },
    indexQuery: {
      documented: call("aws.DynamoDB.Query({ TableName, IndexName, KeyConditionExpression, … })", PAGE),
    },
  },
  caveats: [
    {
      text: "Its connections are kept alive here, which it does by itself on AWS only; its five retries are off.",
      link: "https://aws-lite.org/configuration",
    },
    { text: "Its number of sockets can't be bounded: it makes its agent itself.", link: null },
  ],

  cannot: (shape) =>
    places(shape.attributes).some(({ attribute }) => attribute === "binary" || isBinarySet(attribute))
      ? "sends a binary as a list of numbers, which DynamoDB refuses"
      : null,

  async load() {
    const { default: awsLite } = await import("@aws-lite/client");
    // @ts-expect-error Its types are in a package of their own, which nothing else here needs.
    const plugin = (await import("@aws-lite/dynamodb")) as { default: object };

    return {
      async connect({ endpoint, region, credentials }, _calls, shape) {
        const form = prefixed(shape);
        const { update, between } = expressionsOf(shape, form);
        const pages = shape.longQueries ? { paginate: true } : {};
        if (typeof endpoint !== "string" || typeof region !== "string" || credentials === undefined) {
          throw new TypeError("aws-lite needs the endpoint and the region as texts, and credentials");
        }
        const { accessKeyId, secretAccessKey } = typeof credentials === "function" ? await credentials() : credentials;
        limitHiddenAgent();
        const aws = await awsLite({
          endpoint,
          region,
          accessKeyId,
          secretAccessKey,
          retries: 0,
          keepAlive: true,
          plugins: [plugin as never],
        });
        const { DynamoDB: dynamodb } = aws as unknown as { DynamoDB: DynamoDB };
        return {
          close() {
            // It has nothing to be closed: its idle sockets keep no process alive.
          },
          table: (TableName) => ({
            put: (order) => dynamodb.PutItem({ TableName, Item: form.itemOf(order) }),

            get: (key) => dynamodb.GetItem({ TableName, Key: form.keyOf(key) }),

            update: (key, value) =>
              dynamodb.UpdateItem({
                TableName,
                Key: form.keyOf(key),
                UpdateExpression: update.expression,
                ExpressionAttributeNames: update.names(),
                ExpressionAttributeValues: update.values(value),
              }),

            delete: (key) => dynamodb.DeleteItem({ TableName, Key: form.keyOf(key) }),

            query: (range) =>
              dynamodb.Query({
                TableName,
                ...between.condition(),
                ExpressionAttributeValues: between.values(range),
                ...pages,
              }),

            scan: () => dynamodb.Scan({ TableName, paginate: true }),

            toOrder: (result) => form.plain((result as { Item?: unknown }).Item),
            toOrders: (result) => ((result as { Items?: unknown[] }).Items ?? []).map(form.plain),
          }),
        };
      },
    };
  },
};
