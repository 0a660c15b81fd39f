// The table through the bare SDK: what the keeper works with, and what verification reads back with. It uses neither
// the DocumentClient nor any of the measured libraries, and imports the SDK only when a table is opened, so that the
// suite can time that import.

import type { AttributeValue, DynamoDBClient, TableDescription, WriteRequest } from "@aws-sdk/client-dynamodb";
import { CUSTOMER_PREFIX, type Key, ORDER_PREFIX, type StoredOrder, storedKey } from "../dataset.js";
import { type ConnectionSettings, clientConfig } from "./client.js";

/** How long a table may take to come up, milliseconds. */
const TABLE_TIMEOUT_MS = 60_000;
/** How often it is looked at meanwhile, milliseconds. */
const TABLE_LOOK_MS = 100;

type Item = Record<string, AttributeValue>;
type Sdk = typeof import("@aws-sdk/client-dynamodb");
type Marshalling = typeof import("@aws-sdk/util-dynamodb");

export async function openTable(settings: ConnectionSettings, name: string, maxAttempts = 1): Promise<BareTable> {
  const sdk = await import("@aws-sdk/client-dynamodb");
  const marshalling = await import("@aws-sdk/util-dynamodb");
  return new BareTable(name, new sdk.DynamoDBClient(clientConfig(settings, maxAttempts)), sdk, marshalling);
}

export class BareTable {
  constructor(
    readonly name: string,
    private readonly client: DynamoDBClient,
    private readonly sdk: Sdk,
    private readonly marshalling: Marshalling,
  ) {}

  keyOf(key: Key): Item {
    return this.marshalling.marshall(storedKey(key));
  }

  itemOf(order: StoredOrder): Item {
    return this.marshalling.marshall(order);
  }

  async create(): Promise<void> {
    if ((await this.describe()) !== null) {
      throw new Error(`there is a table named ${this.name} already; it was not touched`);
    }
    await this.client.send(
      new this.sdk.CreateTableCommand({
        TableName: this.name,
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
    await this.until(async () => (await this.describe())?.TableStatus === "ACTIVE", "active");
  }

  /** Deletes the table; one that isn't there is no error. */
  async drop(): Promise<void> {
    try {
      await this.client.send(new this.sdk.DeleteTableCommand({ TableName: this.name }));
    } catch (error) {
      if (!(error instanceof this.sdk.ResourceNotFoundException)) {
        throw error;
      }
    }
    await this.until(async () => (await this.describe()) === null, "deleted");
  }

  async put(order: StoredOrder): Promise<void> {
    await this.client.send(new this.sdk.PutItemCommand({ TableName: this.name, Item: this.itemOf(order) }));
  }

  async get(key: Key): Promise<StoredOrder | undefined> {
    const command = new this.sdk.GetItemCommand({
      TableName: this.name,
      Key: this.keyOf(key),
      ConsistentRead: true,
    });
    const { Item } = await this.client.send(command);
    return Item === undefined ? undefined : this.orderOf(Item);
  }

  /** Sets the status of an item that is there. */
  async setStatus(key: Key, status: string): Promise<void> {
    await this.client.send(
      new this.sdk.UpdateItemCommand({
        TableName: this.name,
        Key: this.keyOf(key),
        UpdateExpression: "SET #status = :status",
        ConditionExpression: "attribute_exists(pk)",
        ExpressionAttributeNames: { "#status": "status" },
        ExpressionAttributeValues: { ":status": { S: status } },
      }),
    );
  }

  async delete(key: Key): Promise<void> {
    await this.client.send(new this.sdk.DeleteItemCommand({ TableName: this.name, Key: this.keyOf(key) }));
  }

  /** All orders of one customer, in order. */
  async customer(customerId: string): Promise<StoredOrder[]> {
    const orders: StoredOrder[] = [];
    for await (const page of this.customerPages(customerId)) {
      orders.push(...page.map((item) => this.orderOf(item)));
    }
    return orders;
  }

  /** The keys of all orders of one customer. */
  async customerKeys(customerId: string): Promise<Key[]> {
    const keys: Key[] = [];
    for await (const page of this.customerPages(customerId, "pk, sk")) {
      for (const item of page) {
        keys.push({ customerId, orderId: (item.sk?.S ?? "").slice(ORDER_PREFIX.length) });
      }
    }
    return keys;
  }

  /** Asks for some of one customer's orders and leaves the answer as it comes: for warming the server. */
  async range(customerId: string, firstOrderId: string, lastOrderId: string): Promise<void> {
    await this.client.send(
      new this.sdk.QueryCommand({
        TableName: this.name,
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
        ExpressionAttributeValues: {
          ":pk": { S: CUSTOMER_PREFIX + customerId },
          ":first": { S: ORDER_PREFIX + firstOrderId },
          ":last": { S: ORDER_PREFIX + lastOrderId },
        },
      }),
    );
  }

  /** Asks for the whole table, likewise. */
  async scanItems(): Promise<void> {
    for await (const _page of this.sdk.paginateScan({ client: this.client }, { TableName: this.name })) {
      // Only the server's work is wanted.
    }
  }

  /** Reads the whole table, all pages, and counts its items. */
  async scanCount(): Promise<number> {
    let count = 0;
    for await (const page of this.sdk.paginateScan(
      { client: this.client },
      { TableName: this.name, Select: "COUNT" },
    )) {
      count += page.Count ?? 0;
    }
    return count;
  }

  /** How many items the server says there are. */
  async itemCount(): Promise<number> {
    return (await this.describe())?.ItemCount ?? 0;
  }

  /** Writes up to 25 items and gives back what the server left undone. */
  async writeBatch(requests: WriteRequest[]): Promise<WriteRequest[]> {
    const answer = await this.client.send(
      new this.sdk.BatchWriteItemCommand({ RequestItems: { [this.name]: requests } }),
    );
    return answer.UnprocessedItems?.[this.name] ?? [];
  }

  close(): void {
    this.client.destroy();
  }

  private orderOf(item: Item): StoredOrder {
    return this.marshalling.unmarshall(item) as StoredOrder;
  }

  private async *customerPages(customerId: string, projection?: string): AsyncGenerator<Item[]> {
    const pages = this.sdk.paginateQuery(
      { client: this.client },
      {
        TableName: this.name,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": { S: CUSTOMER_PREFIX + customerId } },
        ConsistentRead: true,
        ...(projection === undefined ? {} : { ProjectionExpression: projection }),
      },
    );
    for await (const page of pages) {
      yield page.Items ?? [];
    }
  }

  private async describe(): Promise<TableDescription | null> {
    try {
      return (await this.client.send(new this.sdk.DescribeTableCommand({ TableName: this.name }))).Table ?? null;
    } catch (error) {
      if (error instanceof this.sdk.ResourceNotFoundException) {
        return null;
      }
      throw error;
    }
  }

  private async until(done: () => Promise<boolean>, what: string): Promise<void> {
    const deadline = performance.now() + TABLE_TIMEOUT_MS;
    while (!(await done())) {
      if (performance.now() > deadline) {
        throw new Error(`table ${this.name} is not ${what} after ${TABLE_TIMEOUT_MS / 1000} s`);
      }
      await new Promise((resolve) => setTimeout(resolve, TABLE_LOOK_MS));
    }
  }
}
