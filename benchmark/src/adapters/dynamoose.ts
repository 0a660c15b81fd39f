// Dynamoose: models with a schema. Its own calls, as its guide shows them.

import { natural } from "../form.js";
import { type Attribute, mapAttributes, type Place, places, type Shape } from "../shape.js";
import { type Adapter, call, untyped } from "./adapter.js";

/** The attributes of an instance of a model: its `toJSON` would make an empty object of a set. */
const plain = (document: unknown) => ({ ...(document as object) });

const GUIDE = "https://dynamoosejs.com/guide";

/** What stands for the types that are no classes. */
interface Special {
  ANY: unknown;
  NULL: unknown;
}

/** The type of an attribute, as a schema has it. */
function typeOf(attribute: Attribute, special: Special): unknown {
  switch (attribute) {
    case "string":
      return String;
    case "number":
      return Number;
    case "boolean":
      return Boolean;
    case "binary":
      return Buffer;
    case "null":
      return special.NULL;
    case "date":
      return Date;
    case "any":
    case "bigint":
      return special.ANY;
  }
  if ("list" in attribute) {
    return { type: Array, schema: attribute.list === "any" ? special.ANY : [typeOf(attribute.list, special)] };
  }
  if ("set" in attribute) {
    return { type: Set, schema: [typeOf(attribute.set, special)] };
  }
  return "record" in attribute
    ? { type: Object, schema: special.ANY }
    : { type: Object, schema: mapAttributes(attribute.map, (entry) => typeOf(entry, special)) };
}

const hasNoTypeFor = (attribute: Attribute) => attribute === "any" || attribute === "bigint";

/** Whether a path is that of the elements of a list of an attribute that has a name. */
function isElement(path: string, all: readonly Place[]): boolean {
  const list = all.find((place) => `${place.path}[]` === path)?.attribute;
  return typeof list === "object" && "list" in list && !path.endsWith("[][]");
}

/** The schema of a shape: its keys, and the indexes whose keys are attributes as they are. */
function schemaOf(shape: Shape, special: Special): Record<string, unknown> {
  const indexed = shape.indexes.map(({ name, partition, sort }): [string, unknown] => [
    partition,
    { type: String, index: { type: "global", name, rangeKey: sort } },
  ]);
  return {
    ...mapAttributes(shape.attributes, (attribute) => typeOf(attribute, special)),
    ...Object.fromEntries(indexed),
    [shape.partition]: { type: String, hashKey: true },
    [shape.sort]: { type: String, rangeKey: true },
  };
}

export const adapter: Adapter = {
  form: (_calls, shape) => natural(shape),
  calls: {
    documented: {
      PutItem: call(
        "Model.create(item)",
        `${GUIDE}/Model#modelcreateitem-settings-callback`,
        "adds a condition that the item is not there",
      ),
      GetItem: call("Model.get(key)", `${GUIDE}/Model#modelgetkey-settings-callback`),
      UpdateItem: call(
        "Model.update(key, { status })",
        `${GUIDE}/Model#modelupdatekey-updateobj-settings-callback`,
        "asks for the whole new item back",
      ),
      DeleteItem: call("Model.delete(key)", `${GUIDE}/Model#modeldeletekey-settings-callback`),
      Query: call('Model.query("customerId").eq(id).where("orderId").between(first, last).exec()', `${GUIDE}/Query`),
      Scan: call("Model.scan().all().exec()", `${GUIDE}/Scan`),
    },
    sameRequest: {
      PutItem: call("Model.create(item, { overwrite: true })", `${GUIDE}/Model#modelcreateitem-settings-callback`),
      UpdateItem: call(
        'Model.update(key, { status }, { returnValues: "NONE" })',
        `${GUIDE}/Model#modelupdatekey-updateobj-settings-callback`,
      ),
    },
    longQuery: {
      code: 'Model.query("customerId").eq(id).where("orderId").between(first, last).all().exec()',
      indexCode: 'Model.query("ownerId").eq(id).where("dueAt").between(first, last).using("gsi1").all().exec()',
      where: "longQueries",
    },
    indexQuery: {
      documented: call(
        'Model.query("ownerId").eq(id).where("dueAt").between(first, last).using("gsi1").exec()',
        `${GUIDE}/Query#queryusingindex`,
      ),
    },
  },
  caveats: [
    {
      text: "It answers with instances of its models. An application that sends them on as JSON pays for toJSON too, which no figure here holds.",
      link: `${GUIDE}/Item`,
    },
    {
      text: "That it is slow with items of many attributes is known to its maintainers; a change that speeds reads up is proposed.",
      link: "https://github.com/dynamoose/dynamoose/issues/1719",
    },
  ],

  caveatsOf: (shape) => untyped(shape, hasNoTypeFor, "dynamoose.type.ANY stands for it, which checks nothing"),
  hasNoTypeFor,
  cannot(shape) {
    const found = places(shape.attributes);
    const dotted = found.find(({ path, top }) => top && path.includes("."));
    if (dotted !== undefined) {
      return `takes the point in the name ${dotted.path} for a path`;
    }
    // Of a list's elements it keeps everything; of another attribute of any type what is in it is lost.
    const mixed = found.find(({ path, attribute }) => attribute === "any" && !isElement(path, found));
    return mixed === undefined ? null : `loses what is inside of ${mixed.path}, which is of several types`;
  },

  async load() {
    const { default: dynamoose } = await import("dynamoose");

    return {
      connect(config, calls, shape) {
        const equally = calls === "same-request";
        // Its way to more than one endpoint: an instance has a client of its own, and so have the tables made by it.
        const instance = new dynamoose.Instance();
        const client = new instance.aws.ddb.DynamoDB(config);
        instance.aws.ddb.set(client);

        const schema = new dynamoose.Schema(schemaOf(shape, dynamoose.type) as never);
        const updated = shape.updated ?? "";
        const { queryIndex } = shape;
        const asked = queryIndex ?? shape;

        return {
          close: () => client.destroy(),
          table(name) {
            const Model = dynamoose.model(name, schema);
            // The table is there: without these, the first call would look whether it is, and make it.
            new instance.Table(name, [Model], { create: false, update: false, waitForActive: false });
            return {
              put: (order) => (equally ? Model.create(order, { overwrite: true }) : Model.create(order)),
              get: (key) => Model.get(key),
              update: (key, value) =>
                equally
                  ? Model.update(key, { [updated]: value }, { returnValues: "NONE" })
                  : Model.update(key, { [updated]: value }),
              delete: (key) => Model.delete(key),
              query({ partition, first, last }) {
                const range = Model.query(asked.partition).eq(partition).where(asked.sort).between(first, last);
                const query = queryIndex === null ? range : range.using(queryIndex.name);
                return shape.longQueries ? query.all().exec() : query.exec();
              },
              scan: () => Model.scan().all().exec(),

              toOrder: (result) => (result === undefined ? null : plain(result)),
              *toOrders(result) {
                for (const document of result as Iterable<unknown>) {
                  yield plain(document);
                }
              },
            };
          },
        };
      },
    };
  },
};
