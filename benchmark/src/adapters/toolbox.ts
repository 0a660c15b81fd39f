// DynamoDB-Toolbox: tables and entities with a schema, and a command for each action. Its own calls, as its documentation
// shows them.

import type { Key, Order } from "../dataset.js";
import { indexFields, type Item, type ItemForm, prefixed, prefixOf, without } from "../form.js";
import { type Attribute, type Attributes, mapAttributes, type Shape } from "../shape.js";
import { type Adapter, call, untyped } from "./adapter.js";

const DOCS = "https://www.dynamodbtoolbox.com/docs";
const ENTITIES = `${DOCS}/entities/actions`;
const TABLES = `${DOCS}/tables/actions`;

/** Stands for the time of writing, which no two writes have in common. */
const SOME_TIME = "2026-01-01T00:00:00.000Z";

const timeless = (time: unknown) =>
  typeof time === "string" && new Date(time).toISOString() === time ? SOME_TIME : time;

/** What it writes by default: the entity's name, and the times of creation and of the last change. */
const MARKS = ["_et", "_ct", "_md"];

function marked(shape: Shape): ItemForm {
  const form = prefixed(shape);
  return {
    ...form,
    name: "toolbox",
    itemOf: (order) => ({ ...form.itemOf(order), _et: shape.name, _ct: SOME_TIME, _md: SOME_TIME }),
    settled: (item): Item => ({ ...item, _ct: timeless(item._ct), _md: timeless(item._md) }),
  };
}

/** The names by which an entity has its marks; where a shape has one of them itself, another. */
function markNames(shape: Shape): { entity: string; created: string; modified: string } {
  const free = (name: string): string => (name in shape.attributes ? free(`${name}_`) : name);
  return { entity: free("entity"), created: free("created"), modified: free("modified") };
}

/** An entity's switches where its marks have other names than they have by default. */
function renamed({ entity, created, modified }: ReturnType<typeof markNames>): object {
  const isDefault = entity === "entity" && created === "created" && modified === "modified";
  const timestamps = { created: { name: created }, modified: { name: modified } };
  return isDefault ? {} : { entityAttribute: { name: entity }, timestamps };
}

/** A key of a table or an index. */
const stringKey = (name: string) => ({ name, type: "string" }) as const;

/** What is used of an attribute's schema, and of an entity and a table: their own types are made for a known schema. */
interface Attr {
  key(): Attr;
  optional(): Attr;
  hidden(): Attr;
  putLink(link: (item: object) => string): Attr;
}

interface Schema {
  and(more: (schema: unknown) => unknown): Schema;
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

const hasNoTypeFor = (attribute: Attribute) => attribute === "any" || attribute === "date";

const SCOPED = "adds a filter on its mark";

/** Calls of both kinds, which differ by the entity's switches. */
const UPDATE = "Order.build(UpdateItemCommand).item({ ...key, status }).send()";
const QUERY =
  "table.build(QueryCommand).entities(Order).query({ partition, range: { between: [first, last] } }).send()";
const INDEX_QUERY =
  'table.build(QueryCommand).entities(Order).query({ index: "gsi1", partition, range: { between: [first, last] } }).send()';
const inPages = (query: string) => query.replace(".send()", ".options({ maxPages: Infinity }).send()");
const SCAN = "table.build(ScanCommand).entities(Order).options({ maxPages: Infinity }).send()";

export const adapter: Adapter = {
  form: (calls, shape) => (calls === "documented" ? marked(shape) : prefixed(shape)),
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
    longQuery: {
      code: inPages(QUERY),
      indexCode: inPages(INDEX_QUERY),
      where: "longQueries",
    },
    indexQuery: {
      documented: call(INDEX_QUERY, `${TABLES}/query`, SCOPED),
      sameRequest: call(INDEX_QUERY, `${TABLES}/query`),
    },
  },
  caveats: [
    {
      text: "By default it writes the entity's name and two times with each item; for same-request calls entityAttribute and timestamps are off.",
      link: `${DOCS}/entities/internal-attributes`,
    },
  ],

  caveatsOf: (shape) => untyped(shape, hasNoTypeFor, "any() stands for it, which checks nothing"),
  hasNoTypeFor,
  cannot(shape) {
    const taken = MARKS.find((mark) => mark in shape.attributes);
    return taken === undefined ? null : `writes an attribute of its own named ${taken}`;
  },

  async load() {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const { DynamoDBDocumentClient } = await import("@aws-sdk/lib-dynamodb");
    const { Entity } = await import("dynamodb-toolbox/entity");
    const { DeleteItemCommand } = await import("dynamodb-toolbox/entity/actions/delete");
    const { GetItemCommand } = await import("dynamodb-toolbox/entity/actions/get");
    const { PutItemCommand } = await import("dynamodb-toolbox/entity/actions/put");
    const { UpdateItemCommand } = await import("dynamodb-toolbox/entity/actions/update");
    const { any } = await import("dynamodb-toolbox/schema/any");
    const { binary } = await import("dynamodb-toolbox/schema/binary");
    const { boolean } = await import("dynamodb-toolbox/schema/boolean");
    const { item } = await import("dynamodb-toolbox/schema/item");
    const { list } = await import("dynamodb-toolbox/schema/list");
    const { map } = await import("dynamodb-toolbox/schema/map");
    const { nul } = await import("dynamodb-toolbox/schema/nul");
    const { number } = await import("dynamodb-toolbox/schema/number");
    const { record } = await import("dynamodb-toolbox/schema/record");
    const { set } = await import("dynamodb-toolbox/schema/set");
    const { string } = await import("dynamodb-toolbox/schema/string");
    const { Table } = await import("dynamodb-toolbox/table");
    const { QueryCommand } = await import("dynamodb-toolbox/table/actions/query");
    const { ScanCommand } = await import("dynamodb-toolbox/table/actions/scan");

    const bigint = () => number().big();
    const scalars = { any, bigint, binary, boolean, date: any, null: nul, number, string } as unknown as Record<
      Extract<Attribute, string>,
      () => Attr
    >;
    const typesOf = (attributes: Attributes, partial = false) =>
      mapAttributes(attributes, (attribute) => (partial ? typeOf(attribute).optional() : typeOf(attribute))) as never;
    const typeOf = (attribute: Attribute): Attr => {
      if (typeof attribute === "string") {
        return scalars[attribute]();
      }
      if ("list" in attribute) {
        return list(typeOf(attribute.list) as never) as unknown as Attr;
      }
      if ("set" in attribute) {
        return set(scalars[attribute.set]() as never) as unknown as Attr;
      }
      return ("record" in attribute
        ? record(string(), typeOf(attribute.record) as never)
        : map(typesOf(attribute.map, attribute.partial))) as unknown as Attr;
    };
    const schemaOf = (shape: Shape): Schema => {
      const schema = item({
        ...mapAttributes(shape.attributes, (attribute, name) =>
          shape.optional?.includes(name) ? typeOf(attribute).optional() : typeOf(attribute),
        ),
        [shape.partition]: typeOf("string").key(),
        [shape.sort]: typeOf("string").key(),
      } as never) as unknown as Schema;
      const linked = shape.indexes.flatMap((index) => {
        const fields = indexFields(index);
        return [
          [fields.partition, linkTo(index.partition)],
          [fields.sort, linkTo(index.sort)],
        ];
      });
      return linked.length === 0 ? schema : schema.and(() => Object.fromEntries(linked) as unknown);
    };
    const linkTo = (attribute: string) =>
      typeOf("string")
        .hidden()
        .optional()
        .putLink((order) => prefixOf(attribute) + ((order as Order)[attribute] as string));

    return {
      connect(config, calls, shape) {
        const client = new DynamoDBClient(config);
        const documentClient = DynamoDBDocumentClient.from(client);
        const equally = calls === "same-request";
        const schema = schemaOf(shape);
        const form = prefixed(shape);
        const updated = shape.updated ?? "";
        const names = markNames(shape);
        const indexes = Object.fromEntries(
          shape.indexes.map((index) => {
            const { partition, sort } = indexFields(index);
            return [
              index.name,
              { type: "global", partitionKey: stringKey(partition), sortKey: stringKey(sort) } as const,
            ];
          }),
        );
        const asked = shape.queryIndex === null ? {} : { index: shape.queryIndex.name };
        const switches = equally ? { entityAttribute: false, timestamps: false } : renamed(names);
        const queryOptions = shape.longQueries ? { maxPages: Number.POSITIVE_INFINITY } : null;
        return {
          close: () => client.destroy(),
          table(name) {
            const table = new Table({
              documentClient,
              name,
              partitionKey: stringKey(form.partition),
              sortKey: stringKey(form.sort),
              indexes,
            });
            const orders = new Entity({
              name: shape.name,
              table,
              schema: schema as never,
              computeKey: (key: object) => form.keyOf(key as Key),
              ...switches,
            }) as unknown as Buildable;
            const all = table as unknown as Buildable;
            const toOrder = (found: unknown) => without(equally ? [] : Object.values(names), found);
            return {
              put: (order) => orders.build(PutItemCommand).item(order).send(),
              get: (key) => orders.build(GetItemCommand).key(key).send(),
              update: (key, value) =>
                orders
                  .build(UpdateItemCommand)
                  .item({ ...key, [updated]: value })
                  .send(),
              delete: (key) => orders.build(DeleteItemCommand).key(key).send(),
              query({ partition, first, last }) {
                const query = all
                  .build(QueryCommand)
                  .entities(orders)
                  .query({
                    ...asked,
                    partition: form.partitionOf(partition),
                    range: { between: [form.sortOf(first), form.sortOf(last)] },
                  });
                return (queryOptions === null ? query : query.options(queryOptions)).send();
              },
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
