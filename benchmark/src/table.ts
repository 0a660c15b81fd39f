// The table through the bare SDK: what the keeper works with, and what verification reads back with. It uses neither
// the DocumentClient nor any of the measured libraries, and imports the SDK only when a table is opened, so that the
// suite can time that import.

import type {
  AttributeValue,
  BatchWriteItemCommandOutput,
  DescribeTableCommandOutput,
  DynamoDBClient,
  WriteRequest,
} from "@aws-sdk/client-dynamodb";
import { type ConnectionSettings, clientConfig } from "./client.js";
import {
  CUSTOMER_PREFIX,
  type Key,
  MOST_ITEMS,
  ORDER_PREFIX,
  ORDERS_PER_CUSTOMER,
  orderOf,
  type StoredOrder,
  stored,
  storedKey,
} from "./dataset.js";
import { type Difference, differ, difference } from "./difference.js";

/** BatchWriteItem takes no more. */
const BATCH = 25;
/** Batches and queries in flight: more don't make DynamoDB Local faster. */
const IN_FLIGHT = 8;
/** How long a table may take to come up, milliseconds. */
const TABLE_TIMEOUT_MS = 60_000;
/** How often a batch that the server leaves unfinished is sent again. */
const BATCH_ATTEMPTS = 10;

type Item = Record<string, AttributeValue>;

export interface BareTable {
  readonly name: string;
  create(): Promise<void>;
  drop(): Promise<void>;
  put(order: StoredOrder): Promise<void>;
  get(key: Key): Promise<StoredOrder | undefined>;
  /** Sets the status of an item that is there. */
  setStatus(key: Key, status: string): Promise<void>;
  delete(key: Key): Promise<void>;
  /** All orders of one customer, in order. */
  customer(customerId: string): Promise<StoredOrder[]>;
  /** Some of one customer's orders, and the whole table, left as they come: for warming the server. */
  range(customerId: string, firstOrderId: string, lastOrderId: string): Promise<void>;
  scanItems(): Promise<void>;
  /** The keys of all orders of one customer. */
  customerKeys(customerId: string): Promise<Key[]>;
  /** Puts as many orders as `next` gives until it gives undefined; never holds more than a few batches. */
  putAll(next: () => StoredOrder | undefined, onProgress?: (done: number) => void): Promise<number>;
  deleteAll(keys: readonly Key[]): Promise<void>;
  seed(items: number, seed: number, onProgress?: (done: number) => void): Promise<void>;
  /** Compares all that is in the table with the data set; null where they are the same. */
  compare(items: number, seed: number): Promise<Difference | null>;
  /** Reads the whole table, all pages, and says how many items there are. */
  scanCount(): Promise<number>;
  close(): void;
}

/** Runs `IN_FLIGHT` workers until each has come to its end; the first error ends all of them. */
async function inFlight(worker: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

export async function openTable(settings: ConnectionSettings, name: string, maxAttempts = 1): Promise<BareTable> {
  const sdk = await import("@aws-sdk/client-dynamodb");
  const { marshall, unmarshall } = await import("@aws-sdk/util-dynamodb");
  const client: DynamoDBClient = new sdk.DynamoDBClient(clientConfig(settings, maxAttempts));
  const TableName = name;
  const keyOfItem = (key: Key): Item => marshall(storedKey(key));
  const orderOfItem = (item: Item): StoredOrder => unmarshall(item) as StoredOrder;

  async function describe(): Promise<DescribeTableCommandOutput["Table"] | null> {
    try {
      return (await client.send(new sdk.DescribeTableCommand({ TableName }))).Table;
    } catch (error) {
      if (error instanceof sdk.ResourceNotFoundException) {
        return null;
      }
      throw error;
    }
  }

  async function until(done: () => Promise<boolean>, what: string): Promise<void> {
    const deadline = performance.now() + TABLE_TIMEOUT_MS;
    while (!(await done())) {
      if (performance.now() > deadline) {
        throw new Error(`table ${name} is not ${what} after ${TABLE_TIMEOUT_MS / 1000} s`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async function writeBatch(requests: WriteRequest[]): Promise<void> {
    let left = requests;
    for (let attempt = 0; left.length > 0; attempt++) {
      if (attempt === BATCH_ATTEMPTS) {
        throw new Error(`the server left ${left.length} writes undone after ${BATCH_ATTEMPTS} attempts`);
      }
      if (attempt > 0) {
        await new Promise((resolve) => setTimeout(resolve, Math.min(2000, 25 * 2 ** attempt)));
      }
      const answer: BatchWriteItemCommandOutput = await client.send(
        new sdk.BatchWriteItemCommand({ RequestItems: { [name]: left } }),
      );
      left = answer.UnprocessedItems?.[name] ?? [];
    }
  }

  async function* customerPages(customerId: string, projection?: string): AsyncGenerator<Item[]> {
    let start: Item | undefined;
    do {
      const page = await client.send(
        new sdk.QueryCommand({
          TableName,
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": { S: CUSTOMER_PREFIX + customerId } },
          ConsistentRead: true,
          ...(projection === undefined ? {} : { ProjectionExpression: projection }),
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        }),
      );
      yield page.Items ?? [];
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
  }

  const table: BareTable = {
    name,

    async create() {
      if ((await describe()) !== null) {
        throw new Error(`there is a table named ${name} already; it was not touched`);
      }
      await client.send(
        new sdk.CreateTableCommand({
          TableName,
          BillingMode: "PAY_PER_REQUEST",
          AttributeDefinitions: [
            { AttributeName: "pk", AttributeType: "S" },
            { AttributeName: "sk", AttributeType: "S" },
          ],
          KeySchema: [
            { AttributeName: "pk", KeyType: "HASH" },
            { AttributeName: "sk", KeyType: "RANGE" },
          ],
        }),
      );
      await until(async () => (await describe())?.TableStatus === "ACTIVE", "ready");
    },

    async drop() {
      try {
        await client.send(new sdk.DeleteTableCommand({ TableName }));
      } catch (error) {
        if (error instanceof sdk.ResourceNotFoundException) {
          return;
        }
        throw error;
      }
      await until(async () => (await describe()) === null, "gone");
    },

    async put(order) {
      await client.send(new sdk.PutItemCommand({ TableName, Item: marshall(order) }));
    },

    async get(key) {
      const answer = await client.send(
        new sdk.GetItemCommand({ TableName, Key: keyOfItem(key), ConsistentRead: true }),
      );
      return answer.Item === undefined ? undefined : orderOfItem(answer.Item);
    },

    async setStatus(key, status) {
      await client.send(
        new sdk.UpdateItemCommand({
          TableName,
          Key: keyOfItem(key),
          UpdateExpression: "SET #status = :status",
          ConditionExpression: "attribute_exists(pk)",
          ExpressionAttributeNames: { "#status": "status" },
          ExpressionAttributeValues: { ":status": { S: status } },
        }),
      );
    },

    async delete(key) {
      await client.send(new sdk.DeleteItemCommand({ TableName, Key: keyOfItem(key) }));
    },

    async customer(customerId) {
      const orders: StoredOrder[] = [];
      for await (const page of customerPages(customerId)) {
        orders.push(...page.map(orderOfItem));
      }
      return orders;
    },

    async range(customerId, firstOrderId, lastOrderId) {
      await client.send(
        new sdk.QueryCommand({
          TableName,
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
          ExpressionAttributeValues: {
            ":pk": { S: CUSTOMER_PREFIX + customerId },
            ":first": { S: ORDER_PREFIX + firstOrderId },
            ":last": { S: ORDER_PREFIX + lastOrderId },
          },
        }),
      );
    },

    async scanItems() {
      for await (const _page of sdk.paginateScan({ client }, { TableName })) {
        // Only the server's work is wanted.
      }
    },

    async customerKeys(customerId) {
      const keys: Key[] = [];
      for await (const page of customerPages(customerId, "pk, sk")) {
        for (const item of page) {
          keys.push({ customerId, orderId: (item.sk?.S ?? "").slice(-8) });
        }
      }
      return keys;
    },

    async putAll(next, onProgress) {
      let done = 0;
      await inFlight(async () => {
        for (;;) {
          const requests: WriteRequest[] = [];
          while (requests.length < BATCH) {
            const order = next();
            if (order === undefined) {
              break;
            }
            requests.push({ PutRequest: { Item: marshall(order) } });
          }
          if (requests.length === 0) {
            return;
          }
          await writeBatch(requests);
          done += requests.length;
          onProgress?.(done);
        }
      });
      return done;
    },

    async deleteAll(keys) {
      let at = 0;
      await inFlight(async () => {
        while (at < keys.length) {
          const batch = keys.slice(at, at + BATCH);
          at += BATCH;
          await writeBatch(batch.map((key) => ({ DeleteRequest: { Key: keyOfItem(key) } })));
        }
      });
    },

    async seed(items, seed, onProgress) {
      if (items > MOST_ITEMS) {
        throw new RangeError(`${items} items: at most ${MOST_ITEMS} can be told apart from the lanes`);
      }
      let n = 0;
      await table.putAll(() => (n < items ? stored(orderOf(n++, seed)) : undefined), onProgress);
    },

    async compare(items, seed) {
      const customers = Math.ceil(items / ORDERS_PER_CUSTOMER);
      let customer = 0;
      let found: Difference | null = null;
      await inFlight(async () => {
        while (customer < customers && found === null) {
          const first = customer++ * ORDERS_PER_CUSTOMER;
          const expected = Array.from({ length: Math.min(ORDERS_PER_CUSTOMER, items - first) }, (_, order) =>
            stored(orderOf(first + order, seed)),
          );
          const customerId = expected[0]?.customerId ?? "";
          const actual = await table.customer(customerId);
          // Not `found ??= …await…`: that looks at `found` before the wait, and would forget what others find meanwhile.
          found ??= difference(expected, actual, `customer ${customerId} of table ${name}`);
        }
      });
      if (found !== null) {
        return found;
      }
      // DynamoDB Local counts as it goes; a server that doesn't is asked to count by reading everything.
      let count = (await describe())?.ItemCount ?? 0;
      if (count !== items) {
        count = await table.scanCount();
      }
      return count === items ? null : differ(`table ${name}`, `${items} items`, `${count} items`);
    },

    async scanCount() {
      let count = 0;
      let start: Item | undefined;
      do {
        const page = await client.send(
          new sdk.ScanCommand({
            TableName,
            Select: "COUNT",
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          }),
        );
        count += page.Count ?? 0;
        start = page.LastEvaluatedKey;
      } while (start !== undefined);
      return count;
    },

    close() {
      client.destroy();
    },
  };
  return table;
}
