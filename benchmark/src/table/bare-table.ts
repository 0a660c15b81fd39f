// A table of one form through the bare SDK: what the keeper works with, and what verification reads back with. It uses neither
// the DocumentClient nor any of the measured libraries, and imports the SDK only when a table is opened, so that the
// suite can time that import.

import type {
  AttributeValue,
  DynamoDBClient,
  DynamoDBClientConfig,
  KeySchemaElement,
  QueryCommandInput,
  TableDescription,
  WriteRequest,
} from "@aws-sdk/client-dynamodb";
import type { DataSet, Key, Order, Range, Updated } from "../dataset.js";
import { type Item, type ItemForm, placeholder } from "../form.js";
import { type ConnectionSettings, clientConfig } from "./client.js";
import { isSameOnWire, Wire, wireText } from "./wire.js";

/** How long a table may take to come up, milliseconds. */
const TABLE_TIMEOUT_MS = 60_000;
/** How often it is looked at meanwhile, milliseconds. */
const TABLE_LOOK_MS = 100;

export type Marshalled = Record<string, AttributeValue>;
type Sdk = typeof import("@aws-sdk/client-dynamodb");
type Marshalling = typeof import("@aws-sdk/util-dynamodb");

export async function openTable(
  settings: ConnectionSettings,
  name: string,
  form: ItemForm,
  data: DataSet,
  maxAttempts = 1,
): Promise<BareTable> {
  const sdk = await import("@aws-sdk/client-dynamodb");
  const marshalling = await import("@aws-sdk/util-dynamodb");
  const client = new sdk.DynamoDBClient({ ...clientConfig(settings, maxAttempts), logger: silent() });
  return new BareTable(name, form, data, client, new Wire(settings), sdk, marshalling);
}

/** Without a logger the SDK makes what it would log of each call, a fifth of what writing a batch costs it. */
function silent(): NonNullable<DynamoDBClientConfig["logger"]> {
  return {} as NonNullable<DynamoDBClientConfig["logger"]>;
}

export class BareTable {
  constructor(
    readonly name: string,
    readonly form: ItemForm,
    readonly data: DataSet,
    private readonly client: DynamoDBClient,
    private readonly wire: Wire,
    private readonly sdk: Sdk,
    private readonly marshalling: Marshalling,
  ) {}

  keyOf(key: Key): Marshalled {
    return this.marshalling.marshall(this.form.keyOf(key));
  }

  itemOf(order: Order): Marshalled {
    return this.marshalling.marshall(this.form.itemOf(order));
  }

  async create(): Promise<void> {
    if (await this.isThere()) {
      throw new Error(`there is a table named ${this.name} already; it was not touched`);
    }
    const { index } = this.form;
    const indexes = index === undefined ? [] : [index];
    const names = [this.form, ...indexes].flatMap(({ partition, sort }) => [partition, sort]);
    const GlobalSecondaryIndexes = indexes.map((each) => ({
      IndexName: each.name,
      KeySchema: keySchema(each),
      Projection: { ProjectionType: "ALL" as const },
    }));
    await this.client.send(
      new this.sdk.CreateTableCommand({
        TableName: this.name,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
        KeySchema: keySchema(this.form),
        ...(indexes.length === 0 ? {} : { GlobalSecondaryIndexes }),
      }),
    );
    await this.until(async () => isActive(await this.describe()), "active");
  }

  async isThere(): Promise<boolean> {
    return (await this.describe()) !== null;
  }

  /** Whether its keys and those of its index are those of its form; false where there is no such table. */
  async hasItsKeys(): Promise<boolean> {
    const table = await this.describe();
    const [index, ...more] = table?.GlobalSecondaryIndexes ?? [];
    const types = keysOf(table).map(
      (key) => table?.AttributeDefinitions?.find((one) => one.AttributeName === key)?.AttributeType,
    );
    const { partition, sort, index: wanted } = this.form;
    return (
      isSameOnWire([partition, sort], keysOf(table)) &&
      types.every((type) => type === "S") &&
      index?.IndexName === wanted?.name &&
      isSameOnWire(wanted === undefined ? [] : [wanted.partition, wanted.sort], keysOf(index)) &&
      more.length === 0
    );
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

  async put(order: Order): Promise<void> {
    await this.client.send(new this.sdk.PutItemCommand({ TableName: this.name, Item: this.itemOf(order) }));
  }

  /** An item as it lies there. */
  async get(key: Key): Promise<Item | undefined> {
    const command = new this.sdk.GetItemCommand({
      TableName: this.name,
      Key: this.keyOf(key),
      ConsistentRead: true,
    });
    const { Item } = await this.client.send(command);
    return Item === undefined ? undefined : this.read(Item);
  }

  /** An item as the server gives it, with the types of its values. */
  async getTyped(key: Key): Promise<Marshalled | undefined> {
    const command = new this.sdk.GetItemCommand({ TableName: this.name, Key: this.keyOf(key), ConsistentRead: true });
    return (await this.client.send(command)).Item;
  }

  /** Writes one attribute of an item. */
  async setTyped(key: Key, name: string, value: AttributeValue): Promise<void> {
    await this.client.send(
      new this.sdk.UpdateItemCommand({
        TableName: this.name,
        Key: this.keyOf(key),
        UpdateExpression: "SET #name = :value",
        ExpressionAttributeNames: { "#name": name },
        ExpressionAttributeValues: { ":value": value },
      }),
    );
  }

  /** Sets what UpdateItem sets of an item that is there. */
  async set(key: Key, value: Updated): Promise<void> {
    const name = this.data.updatedName;
    await this.client.send(
      new this.sdk.UpdateItemCommand({
        TableName: this.name,
        Key: this.keyOf(key),
        UpdateExpression: `SET ${placeholder(name)} = :value`,
        ConditionExpression: "attribute_exists(#key)",
        ExpressionAttributeNames: { [placeholder(name)]: name, "#key": this.form.partition },
        ExpressionAttributeValues: this.marshalling.marshall({ ":value": value }),
      }),
    );
  }

  async delete(key: Key): Promise<void> {
    await this.client.send(new this.sdk.DeleteItemCommand({ TableName: this.name, Key: this.keyOf(key) }));
  }

  /** All items of the partition of a key, in order. */
  async partition(key: Key): Promise<Item[]> {
    const items: Item[] = [];
    for await (const page of this.partitionPages(key)) {
      items.push(...page.map((item) => this.read(item)));
    }
    return items;
  }

  /** The keys of all items of the partition of a key. */
  async partitionKeys(key: Key): Promise<Key[]> {
    const { partition, sort } = this.data.shape;
    const keys: Key[] = [];
    for await (const page of this.partitionPages(key, sort)) {
      for (const item of page) {
        keys.push({ [partition]: key[partition] as string, [sort]: item[sort]?.S ?? "" });
      }
    }
    return keys;
  }

  /** Asks for some items as Query does, and leaves the answer as it comes: for warming the server. */
  async range({ firstItem, step, span }: Range, seed: number): Promise<void> {
    const { index } = this.form;
    const { partition, sort } = index ?? this.form;
    const [first, last] = [firstItem, firstItem + step * (span - 1)].map((n) =>
      this.itemOf(this.data.orderOf(n, seed)),
    ) as [Marshalled, Marshalled];
    await this.client.send(
      new this.sdk.QueryCommand({
        TableName: this.name,
        ...(index === undefined ? {} : { IndexName: index.name }),
        KeyConditionExpression: "#partition = :partition AND #sort BETWEEN :first AND :last",
        ExpressionAttributeNames: { "#partition": partition, "#sort": sort },
        ExpressionAttributeValues: {
          ":partition": first[partition] as AttributeValue,
          ":first": first[sort] as AttributeValue,
          ":last": last[sort] as AttributeValue,
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

  /** Reads the whole table, or its index, all pages, and counts the items. */
  async scanCount(of: "table" | "index"): Promise<number> {
    const { index } = this.form;
    const asked = of === "index" && index !== undefined ? { IndexName: index.name } : {};
    let count = 0;
    for await (const page of this.sdk.paginateScan(
      { client: this.client },
      { TableName: this.name, ...asked, Select: "COUNT" },
    )) {
      count += page.Count ?? 0;
    }
    return count;
  }

  /** How many items the server says there are in the table, or in its index. */
  async itemCount(of: "table" | "index"): Promise<number> {
    const table = await this.describe();
    return (of === "table" ? table : table?.GlobalSecondaryIndexes?.[0])?.ItemCount ?? 0;
  }

  /** Writes up to 25 items and gives back what the server left undone. */
  async writeBatch(requests: WriteRequest[]): Promise<WriteRequest[]> {
    const answer = await this.client.send(
      new this.sdk.BatchWriteItemCommand({ RequestItems: { [this.name]: requests } }),
    );
    return answer.UnprocessedItems?.[this.name] ?? [];
  }

  /** Puts up to 25 items at once, and says whether the server did all of it. */
  async putTogether(items: readonly Marshalled[]): Promise<boolean> {
    const requests = items.map((Item) => ({ PutRequest: { Item } }));
    const answer = await this.wire.call("BatchWriteItem", wireText({ RequestItems: { [this.name]: requests } }));
    const left = (answer as { UnprocessedItems?: object } | null)?.UnprocessedItems;
    return answer !== null && Object.keys(left ?? {}).length === 0;
  }

  /** Whether the partition of a key plainly holds these items in their order; false where that is not plain. */
  async holds(key: Key, items: readonly Marshalled[]): Promise<boolean> {
    const answer = await this.wire.call("Query", wireText(this.partitionQuery(key)));
    const { Items, LastEvaluatedKey } = (answer ?? {}) as { Items?: unknown; LastEvaluatedKey?: unknown };
    return LastEvaluatedKey === undefined && isSameOnWire(items, Items);
  }

  close(): void {
    this.client.destroy();
    this.wire.close();
  }

  private partitionOf(value: string): AttributeValue {
    const { partition, sort } = this.data.shape;
    return this.keyOf({ [partition]: value, [sort]: "" })[this.form.partition] as AttributeValue;
  }

  private read(item: Marshalled): Item {
    const plain = this.marshalling.unmarshall(item);
    return this.form.settled?.(plain) ?? plain;
  }

  private async *partitionPages(key: Key, projection?: string): AsyncGenerator<Marshalled[]> {
    for await (const page of this.sdk.paginateQuery({ client: this.client }, this.partitionQuery(key, projection))) {
      yield page.Items ?? [];
    }
  }

  private partitionQuery(key: Key, projection?: string): QueryCommandInput {
    return {
      TableName: this.name,
      KeyConditionExpression: "#partition = :partition",
      ExpressionAttributeNames: {
        "#partition": this.form.partition,
        ...(projection === undefined ? {} : { "#wanted": projection }),
      },
      ExpressionAttributeValues: {
        ":partition": this.partitionOf(key[this.data.shape.partition] as string),
      },
      ConsistentRead: true,
      ...(projection === undefined ? {} : { ProjectionExpression: "#wanted" }),
    };
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

function keySchema({ partition, sort }: { partition: string; sort: string }): KeySchemaElement[] {
  return [
    { AttributeName: partition, KeyType: "HASH" },
    { AttributeName: sort, KeyType: "RANGE" },
  ];
}

/** The names of the key attributes of a table or an index; none where there is no such. */
function keysOf(described: { KeySchema?: KeySchemaElement[] | undefined } | null | undefined): (string | undefined)[] {
  return (described?.KeySchema ?? []).map((key) => key.AttributeName);
}

/** Whether a table and its indexes can be used. */
function isActive(table: TableDescription | null): boolean {
  const indexes = table?.GlobalSecondaryIndexes ?? [];
  return table?.TableStatus === "ACTIVE" && indexes.every((index) => index.IndexStatus === "ACTIVE");
}
