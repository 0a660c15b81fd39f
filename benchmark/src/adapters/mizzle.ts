// Mizzle: entities mapped to a physical table by key strategies, with a query builder. Its own calls, as its
// reference shows them. It isn't in package.json, since it is installed as it is asked for, so that what is used of it
// is declared here.

import { CUSTOMER_PREFIX, ORDER_PREFIX, PREFIXED, unprefixed } from "../form.js";
import { mapShape, ORDER } from "../shape.js";
import { type Adapter, call } from "./adapter.js";

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
  dynamoTable(this: void, name: string, columns: Record<string, Column>): object;
  dynamoEntity(
    this: void,
    table: object,
    name: string,
    columns: Record<string, Column>,
    keys: (columns: Record<string, Column>) => { pk: object; sk: object },
  ): object & Record<string, Column>;
  prefixKey(this: void, prefix: string, column: Column | undefined): object;
  string(this: void, name?: string): Column;
  number(this: void): Column;
  boolean(this: void): Column;
  list(this: void): Column;
  map(this: void): Column;
  eq(this: void, column: Column | undefined, value: unknown): Expression;
  and(this: void, ...expressions: Expression[]): Expression;
  between(this: void, column: Column | undefined, range: [unknown, unknown]): Expression;
}

const PACKAGE = "@aurios/mizzle";

const DOCS = "https://mizzle-docs.vercel.app/reference";
const REFERENCE = `${DOCS}/querying`;
const SOURCE = "https://github.com/realfakenerd/mizzle/blob/main/packages/mizzle/src";

export const adapter: Adapter = {
  form: () => PREFIXED,
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

  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const library = (await import(PACKAGE)) as Mizzle;
    const { and, between, dynamoEntity, dynamoTable, eq, prefixKey, string } = library;
    const columns = () =>
      mapShape(ORDER, (attribute) =>
        typeof attribute === "string" ? library[attribute]() : "list" in attribute ? library.list() : library.map(),
      );

    return {
      connect(config, calls) {
        const client = new DynamoDBClient(config);
        const db = openDatabase(library, client);

        return {
          close: () => client.destroy(),
          table(name) {
            const orders = dynamoEntity(
              dynamoTable(name, { pk: string("pk"), sk: string("sk") }),
              "Order",
              columns(),
              (columns) => ({
                pk: prefixKey(CUSTOMER_PREFIX, columns.customerId),
                sk: prefixKey(ORDER_PREFIX, columns.orderId),
              }),
            );
            const { customerId: customer, orderId: order } = orders;
            const isOrder = (key: { customerId: string; orderId: string }) =>
              and(eq(customer, key.customerId), eq(order, key.orderId));
            // The source takes the keys as an argument; the reference shows a `where`.
            const deletesWhere = db.delete(orders, {}).where !== undefined;

            return {
              put: (placed) => db.insert(orders).values(placed).execute(),

              get: (key) => db.select().from(orders).where(isOrder(key)).execute(),

              update: (key, status) =>
                calls === "same-request"
                  ? db.update(orders).key(PREFIXED.keyOf(key)).set({ status }).execute()
                  : db.update(orders).set({ status }).where(isOrder(key)).execute(),

              delete(key) {
                const deletion = db.delete(orders, key);
                return deletesWhere
                  ? (deletion as Conditional<Executable>).where(isOrder(key)).execute()
                  : deletion.execute();
              },

              query: ({ customerId, firstOrderId, lastOrderId }) =>
                db
                  .select()
                  .from(orders)
                  .where(and(eq(customer, customerId), between(order, [firstOrderId, lastOrderId])))
                  .execute(),

              async scan() {
                const found: unknown[] = [];
                for await (const item of db.select().from(orders).iterator()) {
                  found.push(item);
                }
                return found;
              },

              toOrder: (result) => unprefixed((result as unknown[])[0]),
              toOrders: (result) => (result as unknown[]).map(unprefixed),
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
