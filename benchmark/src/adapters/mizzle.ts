// Mizzle: entities mapped to a physical table by key strategies, with a query builder. Its own calls, as its
// reference shows them. It isn't in package.json, since it is installed as it is asked for, so that what is used of it
// is declared here.

import type { Key } from "../dataset.js";
import { indexFields, prefixed, type PrefixedForm, prefixOf, withMadeKeys } from "../form.js";
import { type Attribute, mapAttributes, type Shape } from "../shape.js";
import { type Adapter, call, untyped } from "./adapter.js";

type Column = object;
type Expression = object;

interface Executable {
  execute(): Promise<unknown>;
}

interface Conditional<T> extends Executable {
  where(expression: Expression): T;
}

interface Select extends Conditional<Select> {
  iterator(): AsyncIterable<unknown>;
}

interface Update extends Conditional<Update> {
  set(values: object): Update;
  key(keys: object): Update;
}

interface Database {
  insert(entity: object): { values(values: object): Executable };
  select(): { from(entity: object): Select };
  update(entity: object): Update;
  delete(entity: object, keys?: object): Executable & Partial<Conditional<Executable>>;
}

interface Mizzle {
  mizzle(this: void, config: object): Database;
  dynamoTable(this: void, name: string, columns: { pk: Column; sk: Column; indexes?: Record<string, object> }): object;
  dynamoEntity(
    this: void,
    table: object,
    name: string,
    columns: Record<string, Column>,
    keys: (columns: Record<string, Column>) => Record<string, object>,
  ): object & Record<string, Column>;
  prefixKey(this: void, prefix: string, column: Column | undefined): object;
  string(this: void, name?: string): Column;
  number(this: void): Column;
  boolean(this: void): Column;
  list(this: void): Column;
  map(this: void): Column;
  binary(this: void): Column;
  stringSet(this: void): Column;
  numberSet(this: void): Column;
  binarySet(this: void): Column;
  gsi(this: void, pk: string, sk: string): object;
  eq(this: void, column: Column | undefined, value: unknown): Expression;
  and(this: void, ...expressions: Expression[]): Expression;
  between(this: void, column: Column | undefined, range: [unknown, unknown]): Expression;
}

const PACKAGE = "@aurios/mizzle";

const DOCS = "https://mizzle-docs.vercel.app/reference";
const REFERENCE = `${DOCS}/querying`;
const SOURCE = "https://github.com/realfakenerd/mizzle/blob/main/packages/mizzle/src";

/** The name of the function that makes a column of an attribute. */
function columnOf(
  attribute: Attribute,
): "string" | "number" | "boolean" | "list" | "map" | "binary" | `${"string" | "number" | "binary"}Set` {
  switch (attribute) {
    case "string":
    case "number":
    case "boolean":
    case "binary":
      return attribute;
    case "bigint":
      return "number";
    case "null":
    case "any":
    case "date":
      return "map";
  }
  if ("set" in attribute) {
    return `${attribute.set}Set`;
  }
  return "list" in attribute ? "list" : "map";
}

const hasNoTypeFor = (attribute: Attribute) =>
  typeof attribute === "string" && ["null", "any", "bigint", "date"].includes(attribute);

/**
 * Its keys are made of attributes also where those are the table's keys for others: of a key itself it can't ask for a
 * range.
 */
function formOf(shape: Shape): PrefixedForm {
  return shape.ownKeys ? withMadeKeys(shape, "mizzle") : prefixed(shape);
}

/** The physical table of a shape, and the entity in it. */
function entityOf(library: Mizzle, name: string, shape: Shape): object & Record<string, Column> {
  const { dynamoEntity, dynamoTable, gsi, prefixKey, string } = library;
  const { partition, sort } = shape;
  const form = formOf(shape);
  const indexes = shape.indexes.map((index) => {
    const fields = indexFields(index);
    return { ...index, declared: gsi(fields.partition, fields.sort) };
  });
  const declared = Object.fromEntries(indexes.map((index) => [index.name, index.declared]));
  const physical = {
    pk: string(form.partition),
    sk: string(form.sort),
    ...(indexes.length === 0 ? {} : { indexes: declared }),
  };
  const columns = mapAttributes(shape.attributes, (attribute) => library[columnOf(attribute)]());
  const key = (columns: Record<string, Column>, attribute: string) =>
    prefixKey(prefixOf(attribute), columns[attribute]);
  return dynamoEntity(dynamoTable(name, physical), "Order", columns, (columns) => ({
    pk: key(columns, partition),
    sk: key(columns, sort),
    ...Object.fromEntries(
      indexes.map((index) => [index.name, { pk: key(columns, index.partition), sk: key(columns, index.sort) }]),
    ),
  }));
}

export const adapter: Adapter = {
  form: (_calls, shape) => formOf(shape),
  calls: {
    documented: {
      PutItem: call("db.insert(orders).values(order).execute()", `${REFERENCE}/insert/`),
      GetItem: call("db.select().from(orders).where(and(eq(customer), eq(order))).execute()", `${REFERENCE}/select/`),
      UpdateItem: call(
        "db.update(orders).set({ status }).where(and(eq(customer), eq(order))).execute()",
        `${REFERENCE}/update/`,
        "adds a condition on the attributes that its keys are made of",
      ),
      DeleteItem: call("db.delete(orders).where(and(eq(customer), eq(order))).execute()", `${REFERENCE}/delete/`),
      Query: call(
        "db.select().from(orders).where(and(eq(customer), between(order, [first, last]))).execute()",
        `${REFERENCE}/select/`,
        "reads all of the customer's orders and filters them: a range of the sort key can't be a key condition",
      ),
      Scan: call("for await (const order of db.select().from(orders).iterator())", `${DOCS}/unified-select/`),
    },
    sameRequest: {
      UpdateItem: call("db.update(orders).key({ pk, sk }).set({ status }).execute()", `${SOURCE}/builders/update.ts`),
    },
    longQuery: {
      code: "for await (const order of db.select().from(orders).where(and(eq(customer), between(order, …))).iterator())",
      indexCode:
        "for await (const order of db.select().from(orders).where(and(eq(owner), between(dueAt, …))).iterator())",
      where: "longPartitions",
    },
    // Its select finds the index by the attributes that are asked for.
    indexQuery: {
      documented: call(
        "db.select().from(orders).where(and(eq(owner), between(dueAt, [first, last]))).execute()",
        `${REFERENCE}/select/`,
        "reads all of the owner's records and filters them: a range of the sort key can't be a key condition",
      ),
    },
  },
  caveats: [
    {
      text: "Its select reads one page where it is awaited, so that a scan goes through iterator, with a step for each item.",
      link: `${DOCS}/unified-select/`,
    },
    {
      text: "Its authors develop on Bun; these figures are Node's.",
      link: null,
    },
  ],

  caveatsOf: (shape) => [
    ...untyped(shape, hasNoTypeFor, "a column of maps stands for it"),
    ...(shape.ownKeys
      ? [{ text: "It can't ask for a range of a table's sort key: its table has keys made of the item's.", link: null }]
      : []),
  ],
  hasNoTypeFor,

  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const library = (await import(PACKAGE)) as Mizzle;
    const { and, between, eq } = library;

    return {
      connect(config, calls, shape) {
        const form = formOf(shape);
        const { partition, sort } = shape;
        const updated = shape.updated ?? "";
        const client = new DynamoDBClient(config);
        const db = openDatabase(library, client);

        return {
          close: () => client.destroy(),
          table(name) {
            const orders = entityOf(library, name, shape);
            const [customer, order] = [orders[partition], orders[sort]];
            const asked = shape.queryIndex ?? shape;
            const [askedPartition, askedSort] = [orders[asked.partition], orders[asked.sort]];
            const isOrder = (key: Key) => and(eq(customer, key[partition]), eq(order, key[sort]));
            const iterated = async (select: Select) => {
              const found: unknown[] = [];
              for await (const item of select.iterator()) {
                found.push(item);
              }
              return found;
            };
            // The source takes the keys as an argument; the reference shows a `where`.
            const deletesWhere = db.delete(orders, {}).where !== undefined;

            return {
              put: (placed) => db.insert(orders).values(placed).execute(),

              get: (key) => db.select().from(orders).where(isOrder(key)).execute(),

              update: (key, value) =>
                calls === "same-request"
                  ? db
                      .update(orders)
                      .key(form.keyOf(key))
                      .set({ [updated]: value })
                      .execute()
                  : db
                      .update(orders)
                      .set({ [updated]: value })
                      .where(isOrder(key))
                      .execute(),

              delete(key) {
                const deletion = db.delete(orders, key);
                return deletesWhere
                  ? (deletion as Conditional<Executable>).where(isOrder(key)).execute()
                  : deletion.execute();
              },

              query({ partition, first, last }) {
                const select = db
                  .select()
                  .from(orders)
                  .where(and(eq(askedPartition, partition), between(askedSort, [first, last])));
                return shape.longPartitions ? iterated(select) : select.execute();
              },

              scan: () => iterated(db.select().from(orders)),

              toOrder: (result) => form.plain((result as unknown[])[0]),
              toOrders: (result) => (result as unknown[]).map(form.plain),
            };
          },
        };
      },
    };
  },
};

/**
 * Mizzle tries again by itself, which would hide an error inside a slow call as the SDK's retries would, so that it is
 * given one attempt. A version that takes nothing but the client says so here, since the rest isn't one.
 */
function openDatabase(library: Mizzle, client: object): Database {
  try {
    return library.mizzle({ client, retry: { maxAttempts: 1 } });
  } catch (error) {
    try {
      return library.mizzle(client);
    } catch {
      throw error;
    }
  }
}
