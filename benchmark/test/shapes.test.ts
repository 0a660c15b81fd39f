// The shapes: what is pure of them, and every library with every shape against a real server.

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { notesOf, whyNot } from "../src/adapters/adapter.js";
import { findAdapter } from "../src/adapters/index.js";
import { AREA, type DataSet, dataSet, type Range, STREAM } from "../src/dataset.js";
import { difference, differenceFromRange, differenceFromSeeded } from "../src/difference.js";
import { prefixed, sizeOf } from "../src/form.js";
import { callLimit } from "../src/measure/limit.js";
import { type CallKind, type Data, OPERATIONS, type Operation } from "../src/protocol.js";
import { openTable } from "../src/table/bare-table.js";
import { clientConfig } from "../src/table/client.js";
import { compareTable } from "../src/table/seed.js";
import { attributesOf } from "../src/shape.js";
import { type Verdict, verify } from "../src/verify/verification.js";
import { Recorder } from "./recorder.js";
import { CALL_TIMEOUT_MS, LIBRARIES, SEED, settings, Tables } from "./support.js";
import { described, unequal } from "./wire.js";

const builtIn = (shape: string, queryItems = 20, queryBy: Data["queryBy"] = "table"): Data => ({
  shape,
  example: null,
  queryItems,
  queryBy,
});

/** Records that Query finds by an index. */
const INDEXED = builtIn("record", 20, "index");

/** An item as a user may have it: keys of the table's own names, every type, an attribute with an odd name. */
const OWN: Data = {
  shape: "own-item",
  queryItems: 20,
  queryBy: "table",
  example: {
    partition: "PK",
    sort: "SK",
    updated: "order status",
    item: {
      PK: { S: "CUSTOMER#8f14e45f" },
      SK: { S: "ORDER#2024-05-17T10:11:12Z" },
      "order status": { S: "Shipped" },
      created: { S: "2024-05-17T10:11:12.123Z" },
      total: { N: "-120.50" },
      nothing: { NULL: true },
      empty: { S: "" },
      mixed: { L: [{ S: "one" }, { N: "2" }, { M: { three: { BOOL: true } } }] },
      maps: { L: [{ M: { a: { S: "first" } } }, { M: { a: { S: "other" }, b: { N: "7" } } }] },
      tags: { SS: ["red", "green"] },
      sizes: { NS: ["38", "40.5"] },
      picture: { B: Buffer.from("a picture").toString("base64") },
      address: { M: { street: { S: "Mill Lane 3" }, none: { NULL: true }, parts: { L: [] }, more: { M: {} } } },
    },
  },
};

describe("a shape", () => {
  for (const [name, attributes, bytes] of [
    ["session", 5, 200],
    ["record", 57, 2000],
    ["document", 10, 10_000],
  ] as const) {
    it(`${name} has items of one size that are functions of number and seed`, () => {
      const data = dataSet(builtIn(name));
      assert.equal(Object.keys(data.shape.attributes).length, attributes);
      const sizes = Array.from({ length: 50 }, (_, n) => sizeOf(data.orderOf(n, SEED)));
      const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
      assert.ok(least > bytes * 0.9 && most < bytes * 1.1 && most - least < bytes * 0.01, `${least} to ${most} bytes`);
      assert.deepEqual(data.orderOf(7, SEED), data.orderOf(7, SEED));
      assert.notDeepEqual(data.orderOf(7, SEED), data.orderOf(7, SEED + 1));
      for (const n of [0, 99, 100, 12_345]) {
        assert.equal(data.numberOf(data.keyOf(n), 20_000), n);
        const order = data.orderOf(n, SEED);
        const { [data.shape.partition]: _p, [data.shape.sort]: _s, ...rest } = order;
        const { labels, ...expected } = data.shape.attributes;
        const found = attributesOf({ ...data.keyOf(n), ...rest });
        assert.deepEqual({ ...found, labels: null }, { ...expected, labels: null });
        assert.equal(Object.keys((order.labels as object) ?? {}).length, labels === undefined ? 0 : 8);
        const updated = data.updatedOf(n, SEED, 3);
        assert.notEqual(updated, order[data.updatedName]);
        assert.equal(String(updated).length, String(order[data.updatedName]).length);
      }
    });
  }

  it("stays as it is: results of different days must be comparable", () => {
    assert.deepEqual(dataSet(builtIn("session")).orderOf(1, 42), {
      userId: "00000000",
      sessionId: "00000001",
      token: "9d87p08pnnmz630y6d7i9a2e1i30j8o2k8o84b40",
      userAgent: "Bjnlzcn/6.2 (I33; Jjtia b91_89; lq:061.4) Ttync/04948342 Ejvsttu/009.1 fxtjnepmi/4.2",
      expiresAt: 7728927765,
    });
  });

  it("of an example keeps types, lengths, dates and what is no letter and no digit", () => {
    const data = dataSet(OWN);
    assert.equal(data.shape.ownKeys, true);
    const bytes = new Set<number>();
    for (let n = 0; n < 200; n += 1) {
      const order = data.orderOf(n, SEED);
      bytes.add(sizeOf(order));
      assert.match(String(order.PK), /^CUSTOMER#\d{8}$/);
      assert.match(String(order.SK), /^ORDER#2024-05-17T1\d{8}$/);
      assert.match(String(order["order status"]), /^[A-Z][a-z]{6}$/);
      assert.equal(new Date(String(order.created)).toISOString(), order.created);
      assert.match(String(order.total), /^-[1-9]\d\d\.[1-9]$/);
      const { PK: _p, SK: _s, created: _c, ...rest } = order;
      assert.deepEqual(attributesOf(rest).mixed, { list: "any" });
      assert.equal((order.tags as Set<string>).size, 2);
    }
    assert.ok(bytes.size <= 2, [...bytes].join());
  });

  it("of an example has a number that can be updated where there is no text", () => {
    const item = { id: { S: "a" }, at: { S: "b" }, count: { N: "1020" } };
    const data = dataSet({ ...OWN, example: { item, partition: "id", sort: "at", updated: "count" } });
    for (let n = 0; n < 100; n += 1) {
      const [seeded, updated] = [data.orderOf(n, SEED).count, data.updatedOf(n, SEED, 1)];
      assert.ok(
        seeded !== updated && String(seeded).length === 4 && String(updated).length === 4,
        `${seeded} ${updated}`,
      );
    }
    assert.deepEqual(data.keyOf(5), { id: "00000000", at: "00000005" });
  });
});

describe("the items of a query", () => {
  const call = (index: number, items: number) => ({ items, seed: 42, round: 1, stream: STREAM.measured, index });

  for (const [queryItems, perPartition] of [
    [1, 100],
    [20, 100],
    [36, 100],
    [37, 200],
    [100, 200],
    [1000, 2000],
  ] as const) {
    it(`are ${queryItems} of the ${perPartition} of a partition`, () => {
      const data = dataSet(builtIn("order", queryItems));
      assert.equal(data.perPartition, perPartition);
      for (let i = 0; i < 2000 / queryItems; i += 1) {
        const range = data.rangeOfCall(call(i, 10_000));
        const orders = Array.from({ length: queryItems }, (_, k) => data.orderOf(range.firstItem + k, 42));
        assert.equal(range.span, queryItems);
        assert.deepEqual([orders[0]?.orderId, orders.at(-1)?.orderId], [range.first, range.last]);
        const compare = (n: number, order: unknown) => differenceFromSeeded(n, order, { data, seed: 42, round: 0 });
        assert.equal(differenceFromRange(range, orders, compare), null);
      }
    });
  }

  it("are all that there are where a table has fewer", () => {
    assert.equal(dataSet(builtIn("order", 1000)).rangeOfCall(call(0, 700)).span, 700);
  });
});

describe("the items of a query by index", () => {
  const draw = (data: DataSet, index: number, items: number) =>
    data.rangeOfCall({ items, seed: SEED, round: 1, stream: STREAM.measured, index });
  const numbersOf = ({ firstItem, step, span }: Range) => Array.from({ length: span }, (_, i) => firstItem + i * step);

  for (const [queryItems, items] of [
    [20, 30],
    [36, 120],
    [100, 1000],
    [1000, 3000],
  ] as const) {
    it(`are the ${queryItems} of ${items} between its keys, in the order of the index`, () => {
      const data = dataSet(builtIn("record", queryItems, "index"));
      const all = Array.from({ length: items }, (_, n) => data.orderOf(n, SEED));
      for (let i = 0; i < 50; i += 1) {
        const range = draw(data, i, items);
        const among = all.flatMap(({ ownerId, dueAt }, n) =>
          ownerId === range.partition && String(dueAt) >= range.first && String(dueAt) <= range.last ? [n] : [],
        );
        assert.deepEqual(
          among.toSorted((a, b) => (String(all[a]?.dueAt) < String(all[b]?.dueAt) ? -1 : 1)),
          [...numbersOf(range)],
        );
        assert.equal(range.span, queryItems);
      }
    });
  }

  it("lie in two partitions of the table, and those of a lane among themselves", () => {
    const data = dataSet(INDEXED);
    const owners = Array.from({ length: 1000 }, (_, n) => String(data.orderOf(n, SEED).ownerId));
    assert.equal(owners[49], owners[0]);
    assert.notEqual(owners[50], owners[0]);
    assert.equal(owners[149], owners[50]);
    const ofLane = Array.from({ length: 100 }, (_, n) => String(data.laneOrder(0, AREA.verify, n, SEED, 0).ownerId));
    assert.equal(new Set(ofLane).size, 1);
    assert.ok(!owners.includes(ofLane[0] as string));
  });

  it("are the same items as without an index but for the index's keys, of the same size", () => {
    const [usual, indexed] = [dataSet(builtIn("record")), dataSet(INDEXED)];
    const { ownerId, dueAt, ...rest } = usual.orderOf(7, SEED);
    const { ownerId: owner, dueAt: due, ...same } = indexed.orderOf(7, SEED);
    assert.deepEqual(same, rest);
    assert.deepEqual([owner, due], ["user-00000000", "2025-01-02T18:00:00.000Z"]);
    assert.notDeepEqual([owner, due], [ownerId, dueAt]);
    assert.equal(String(due).length, String(dueAt).length);
  });

  it("can't be of a shape without one, nor of a library whose adapter has none", async () => {
    assert.throws(() => dataSet(builtIn("session", 20, "index")), /session has no index/);
    const adapter = await findAdapter("aws-sdk");
    const { indexQuery: _, ...calls } = adapter.calls;
    const { shape } = dataSet(INDEXED);
    assert.match(whyNot({ ...adapter, calls }, shape) ?? "", /no query by a secondary index/);
    assert.equal(whyNot({ ...adapter, calls }, dataSet(builtIn("record")).shape), null);
    const form: typeof adapter.form = (...of) => {
      const { index: _, ...rest } = adapter.form(...of);
      return rest;
    };
    assert.match(whyNot({ ...adapter, form }, shape) ?? "", /no secondary index in the form/);
    assert.equal(whyNot(adapter, shape), null);
  });
});

describe("a comparison of sets and binaries", () => {
  it("looks at elements and bytes, not at classes", () => {
    const set = new Set(["a", "b"]);
    assert.equal(difference(set, ["b", "a"]), null);
    assert.equal(difference(set, { wrapperName: "Set", values: ["a", "b"] }), null);
    assert.match(difference({ set }, { set: ["a", "a"] })?.expected ?? "", /result\.set/);
    assert.notEqual(difference(set, new Set(["a"])), null);
    assert.notEqual(difference(["a"], new Set(["a"])), null);
    const bytes = Buffer.from("bytes");
    assert.equal(difference(bytes, Uint8Array.from(bytes)), null);
    assert.equal(difference(new Set([bytes]), [Uint8Array.from(bytes)]), null);
    assert.notEqual(difference(bytes, Buffer.from("byte!")), null);
    assert.notEqual(difference(bytes, "bytes"), null);
  });
});

/** Items whose pages are filled by ten of them. */
const LONG: Data = {
  shape: "long",
  queryItems: 20,
  queryBy: "table",
  example: {
    partition: "id",
    sort: "at",
    updated: "state",
    item: { id: { S: "a" }, at: { S: "b" }, state: { S: "new" }, text: { S: "é".repeat(50_000) } },
  },
};

/** Which libraries can't have which items. */
const UNABLE: Partial<Record<string, string[]>> = {
  "aws-lite": ["documents", "an item of the user's own"],
  "nova-odm": ["an item of the user's own"],
};

/** Enough for the range of a query. */
const ITEMS = 30;

describe("every library", () => {
  const cases: [string, Data, readonly Operation[], boolean][] = [
    ["sessions", builtIn("session"), OPERATIONS, false],
    ["records", builtIn("record"), OPERATIONS, false],
    ["documents", builtIn("document"), OPERATIONS, false],
    ["an item of the user's own", OWN, OPERATIONS, true],
    ["a query of several pages", LONG, ["Query"], false],
    ["a query by index", INDEXED, ["PutItem", "Query"], true],
  ];
  for (const [at, [title, description, operations, full]] of cases.entries()) {
    const data = dataSet(description);
    const tables = new Tables(ITEMS, data);
    after(() => tables.drop());
    for (const [lane, library] of LIBRARIES.entries()) {
      const calls: CallKind = (at + lane) % 2 === 0 ? "documented" : "same-request";
      it(`${library} does right with ${title} in ${calls} calls`, async () => {
        const adapter = await findAdapter(library);
        const why = whyNot(adapter, data.shape);
        if (why !== null) {
          assert.ok(UNABLE[library]?.includes(title), `${library}: ${why}`);
          return;
        }
        assert.ok(notesOf(adapter, calls, data).itemBytes > 0);
        const bare = await tables.of(library, calls);
        const loaded = await adapter.load();
        const connection = await loaded.connect(clientConfig(settings()), calls, data.shape);
        const limit = callLimit(CALL_TIMEOUT_MS);
        const found: Verdict[] = [];
        try {
          await verify(
            {
              operations,
              full,
              table: connection.table(bare.name),
              rehearsal: null,
              tableName: bare.name,
              context: { data, items: ITEMS, seed: SEED, round: 0, lane },
              limit,
              openBare: (name) => openTable(settings(), name, bare.form, data),
            },
            (verdict) => found.push(verdict),
          );
        } finally {
          limit.close();
          connection.close();
        }
        const wrong = found.filter((verdict) => verdict.wrong !== null);
        assert.deepEqual([found.length, wrong], [operations.length, []]);
        assert.equal(await compareTable(bare, ITEMS, SEED), null, "verification leaves no trace");
      });
    }
  }

  it("asks the index, in requests that are as its adapter says", async () => {
    const data = dataSet(INDEXED);
    const tables = new Tables(ITEMS, data);
    const recorder = await Recorder.start(settings().endpoint);
    const connected = clientConfig({ ...settings(), endpoint: recorder.endpoint });
    const range = data.rangeOfCall({ items: ITEMS, seed: SEED, round: 0, stream: STREAM.measured, index: 0 });
    try {
      for (const library of LIBRARIES) {
        for (const calls of ["documented", "same-request"] as const) {
          const adapter = await findAdapter(library);
          const connection = await (await adapter.load()).connect(connected, calls, data.shape);
          const table = connection.table((await tables.of(library, calls)).name);
          assert.equal([...table.toOrders(await table.query(range))].length, range.span);
          connection.close();
          const asked = recorder.take();
          const said = described(adapter, calls, data).filter((operation) => operation === "Query");
          assert.deepEqual(unequal(asked), said, `${library}, ${calls}`);
          assert.deepEqual(
            asked.map(({ body }) => (JSON.parse(body) as { IndexName?: string }).IndexName),
            ["gsi1"],
          );
        }
      }
    } finally {
      recorder.close();
      await tables.drop();
    }
  });

  it("writes the keys of a record's indexes where it makes keys", () => {
    const data = dataSet(builtIn("record"));
    const item = prefixed(data.shape).itemOf(data.orderOf(3, SEED));
    assert.equal(item.gsi1pk, `OWNER#${String(item.ownerId)}`);
    assert.equal(item.gsi2sk, `UPDATEDAT#${String(item.updatedAt)}`);
  });
});
