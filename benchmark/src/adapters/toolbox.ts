// DynamoDB-Toolbox: tables and entities with a schema, and a command for each action. Its own calls, as its documentation
// shows them.

import type { Key } from "../dataset.js";
import { CUSTOMER_PREFIX, type Item, type ItemForm, ORDER_PREFIX, PREFIXED, without } from "../form.js";
import { type Attribute, mapShape, ORDER, type Shape } from "../shape.js";
import { type Adapter, call } from "./adapter.js";

const DOCS = "https://www.dynamodbtoolbox.com/docs";
const ENTITIES = `${DOCS}/entities/actions`;
const TABLES = `${DOCS}/tables/actions`;

/** Stands for the time of writing, which no two writes have in common. */
const SOME_TIME = "2026-01-01T00:00:00.000Z";

const timeless = (time: unknown) =>
  typeof time === "string" && new Date(time).toISOString() === time ? SOME_TIME : time;

/** What it writes by default: the entity's name, and the times of creation and of the last change. */
const MARKED: ItemForm = {
  ...PREFIXED,
  name: "toolbox",
  itemOf: (order) => ({ ...PREFIXED.itemOf(order), _et: "order", _ct: SOME_TIME, _md: SOME_TIME }),
  settled: (item): Item => ({ ...item, _ct: timeless(item._ct), _md: timeless(item._md) }),
};

/** What is used of an attribute's schema, and of an entity and a table: their own types are made for a known schema. */
interface Attr {
  key(): Attr;
}

interface Action {
  item(item: object): Action;
  key(key: object): Action;
  entities(entity: object): Action;
  query(query: object): Action;
  options(options: object): Action;
  send(): Promise<unknown>;
}

interface Buildable {
  build(action: object): Action;
}

const SCOPED = "adds a filter on its mark";

/** Calls of both kinds, which differ by the entity's switches. */
const UPDATE = "Order.build(UpdateItemCommand).item({ ...key, status }).send()";
const QUERY =
  "table.build(QueryCommand).entities(Order).query({ partition, range: { between: [first, last] } }).send()";
const SCAN = "table.build(ScanCommand).entities(Order).options({ maxPages: Infinity }).send()";

export const adapter: Adapter = {
  form: (calls) => (calls === "documented" ? MARKED : PREFIXED),
  calls: {
    documented: {
      PutItem: call("Order.build(PutItemCommand).item(order).send()", `${ENTITIES}/put-item`),
      GetItem: call("Order.build(GetItemCommand).key(key).send()", `${ENTITIES}/get-item`),
      UpdateItem: call(
        UPDATE,
        `${ENTITIES}/update-item`,
        "also sets its keys' attributes, its marks and the time of the change",
      ),
      DeleteItem: call("Order.build(DeleteItemCommand).key(key).send()", `${ENTITIES}/delete-item`),
      Query: call(QUERY, `${TABLES}/query`, SCOPED),
      Scan: call(SCAN, `${TABLES}/scan`, SCOPED),
    },
    // Of an entity with `entityAttribute` and `timestamps` switched off.
    sameRequest: {
      UpdateItem: call(UPDATE, `${ENTITIES}/update-item`, "also sets its keys' attributes, to what they are"),
      Query: call(QUERY, `${TABLES}/query`),
      Scan: call(SCAN, `${TABLES}/scan`),
    },
  },
  caveats: [
    {
      text: "By default it writes the entity's name and two times with each item; for same-request calls entityAttribute and timestamps are off.",
      link: `${DOCS}/entities/internal-attributes`,
    },
  ],

  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const { DynamoDBDocumentClient } = await import("@aws-sdk/lib-dynamodb");
    const { Entity } = await import("dynamodb-toolbox/entity");
    const { DeleteItemCommand } = await import("dynamodb-toolbox/entity/actions/delete");
    const { GetItemCommand } = await import("dynamodb-toolbox/entity/actions/get");
    const { PutItemCommand } = await import("dynamodb-toolbox/entity/actions/put");
    const { UpdateItemCommand } = await import("dynamodb-toolbox/entity/actions/update");
    const { boolean } = await import("dynamodb-toolbox/schema/boolean");
    const { item } = await import("dynamodb-toolbox/schema/item");
    const { list } = await import("dynamodb-toolbox/schema/list");
    const { map } = await import("dynamodb-toolbox/schema/map");
    const { number } = await import("dynamodb-toolbox/schema/number");
    const { string } = await import("dynamodb-toolbox/schema/string");
    const { Table } = await import("dynamodb-toolbox/table");
    const { QueryCommand } = await import("dynamodb-toolbox/table/actions/query");
    const { ScanCommand } = await import("dynamodb-toolbox/table/actions/scan");

    const scalars = { boolean, number, string } as unknown as Record<"boolean" | "number" | "string", () => Attr>;
    const typesOf = (shape: Shape) => mapShape(shape, (attribute) => typeOf(attribute)) as never;
    const typeOf = (attribute: Attribute): Attr => {
      if (typeof attribute === "string") {
        return scalars[attribute]();
      }
      return "list" in attribute ? list(typeOf(attribute.list) as never) : map(typesOf(attribute.map));
    };

    return {
      connect(config, calls) {
        const client = new DynamoDBClient(config);
        const documentClient = DynamoDBDocumentClient.from(client);
        const equally = calls === "same-request";
        return {
          close: () => client.destroy(),
          table(name) {
            const table = new Table({
              documentClient,
              name,
              partitionKey: { name: "pk", type: "string" },
              sortKey: { name: "sk", type: "string" },
            });
            const schema = item({
              ...mapShape(ORDER, typeOf),
              customerId: typeOf("string").key(),
              orderId: typeOf("string").key(),
            } as never);
            const orders = new Entity({
              name: "order",
              table,
              schema,
              computeKey: (key: object) => PREFIXED.keyOf(key as Key) as never,
              ...(equally ? { entityAttribute: false, timestamps: false } : {}),
            }) as unknown as Buildable;
            const all = table as unknown as Buildable;
            const toOrder = (found: unknown) => without(["entity", "created", "modified"], found);
            return {
              put: (order) => orders.build(PutItemCommand).item(order).send(),
              get: (key) => orders.build(GetItemCommand).key(key).send(),
              update: ({ customerId, orderId }, status) =>
                orders.build(UpdateItemCommand).item({ customerId, orderId, status }).send(),
              delete: (key) => orders.build(DeleteItemCommand).key(key).send(),
              query: ({ customerId, firstOrderId, lastOrderId }) =>
                all
                  .build(QueryCommand)
                  .entities(orders)
                  .query({
                    partition: CUSTOMER_PREFIX + customerId,
                    range: { between: [ORDER_PREFIX + firstOrderId, ORDER_PREFIX + lastOrderId] },
                  })
                  .send(),
              scan: () =>
                all.build(ScanCommand).entities(orders).options({ maxPages: Number.POSITIVE_INFINITY }).send(),

              toOrder: (result) => toOrder((result as { Item?: unknown }).Item),
              toOrders: (result) => ((result as { Items?: unknown[] }).Items ?? []).map(toOrder),
            };
          },
        };
      },
    };
  },
};
