// The recorded ground: what a library sends for an input of the pool, where it sends it, and what is refused.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { OrderTable } from "../src/adapters/adapter.js";
import { findAdapter } from "../src/adapters/index.js";
import { AREA, keyOf, laneOrder, stored } from "../src/dataset.js";
import { type CallLimit, callLimit } from "../src/measure/limit.js";
import { keyInput, preparePool } from "../src/operations.js";
import { OPERATIONS, type Operation } from "../src/protocol.js";
import { type BareTable, openTable } from "../src/table/bare-table.js";
import { putAll } from "../src/table/batch.js";
import { clientConfig } from "../src/table/client.js";
import { restore } from "../src/table/restore.js";
import { compareTable, seedTable } from "../src/table/seed.js";
import { recordPool } from "../src/verify/recording.js";
import { Recorder } from "./recorder.js";
import { CALL_TIMEOUT_MS, SEED, settings, tableName } from "./support.js";

const LIBRARIES = ["aws-sdk", "dynamoose", "electrodb"];
const ITEMS = 300;
const POOL = 16;

let bare: BareTable;
let limit: CallLimit;
let recorder: Recorder;

before(async () => {
  limit = callLimit(CALL_TIMEOUT_MS);
  recorder = await Recorder.start(settings().endpoint);
  bare = await openTable(settings(), tableName());
  await bare.create();
  await seedTable(bare, ITEMS, SEED);
});

after(async () => {
  limit?.close();
  recorder?.close();
  await bare?.drop();
  bare?.close();
});

const context = (lane: number, round = 0) => ({ items: ITEMS, seed: SEED, round, lane });

async function open(library: string, endpoint: string) {
  const loaded = await (await findAdapter(library)).load();
  return await loaded.connect(clientConfig({ ...settings(), endpoint }), "documented");
}

function record(operation: Operation, table: OrderTable, lane: number) {
  const pool = preparePool(operation, table, context(lane), POOL);
  return recordPool(operation, pool, table, limit, () => openTable(settings(), bare.name));
}

/** Writes what the pool of DeleteItem deletes, as the keeper does. */
async function prepareDeletions(lane: number): Promise<void> {
  let i = 0;
  await putAll(bare, () => (i < POOL ? stored(laneOrder(lane, AREA.deletePool, i++, SEED, 0)) : undefined));
}

async function putBack(operation: Operation, lane: number): Promise<void> {
  const dataSet = { do: "open", endpoint: "", table: "", rehearsalTable: null, rehearsalItems: 0 } as const;
  const wanted = { operation, lanes: [lane], round: 0, from: 0, count: 0 };
  await restore(bare, { ...dataSet, items: ITEMS, seed: SEED }, wanted);
}

describe("two connections of one library", () => {
  for (const library of LIBRARIES) {
    it(`talk to their own endpoints, through ${library}`, async () => {
      const other = await Recorder.start(settings().endpoint);
      const [one, two] = [await open(library, recorder.endpoint), await open(library, other.endpoint)];
      const again = await open(library, recorder.endpoint);
      try {
        const tables = [one.table(bare.name), two.table(bare.name), again.table(bare.name)] as const;
        const counts = () => [recorder.take().length, other.take().length];
        recorder.take();
        await tables[0].get(keyInput(keyOf(1)));
        assert.deepEqual(counts(), [1, 0]);
        await tables[1].get(keyInput(keyOf(2)));
        assert.deepEqual(counts(), [0, 1]);
        await Promise.all([tables[0].scan(), tables[1].get(keyInput(keyOf(3))), tables[2].get(keyInput(keyOf(4)))]);
        assert.deepEqual(counts(), [2, 1]);
        one.close();
        await tables[1].get(keyInput(keyOf(5)));
        assert.deepEqual(counts(), [0, 1], "one is closed without the other");
      } finally {
        one.close();
        two.close();
        again.close();
        other.close();
      }
    });
  }
});

describe("a pool", () => {
  for (const [lane, library] of LIBRARIES.entries()) {
    it(`is called with the same bytes each time and in every round, through ${library}`, async () => {
      const connection = await open(library, recorder.endpoint);
      try {
        const table = connection.table(bare.name);
        for (const operation of OPERATIONS) {
          if (operation === "DeleteItem") {
            await prepareDeletions(lane);
          }
          recorder.passing = true;
          recorder.take();
          const { calls, wrong } = await record(operation, table, lane);
          assert.deepEqual([calls, wrong], [operation === "Scan" ? 1 : POOL, null], operation);
          const first = recorder.take(operation);
          assert.equal(first.length, calls, operation);
          await putBack(operation, lane);
          assert.equal(await compareTable(bare, ITEMS, SEED), null, `${operation} is put back`);

          // From here on nothing but what was recorded is answered.
          recorder.passing = false;
          for (const round of [0, 5]) {
            const pool = preparePool(operation, table, context(lane, round), POOL);
            for (let i = 0; i < pool.count; i += 1) {
              assert.equal(pool.wrongResult(i, await pool.make(i)), null);
            }
            assert.deepEqual(recorder.take(operation), first, `${operation}, round ${round}`);
          }
          assert.equal(await compareTable(bare, ITEMS, SEED), null, `${operation} was not done again`);
        }
      } finally {
        recorder.passing = true;
        connection.close();
      }
    });
  }

  it("is the same for every library, but for the lane of what is written and deleted", async () => {
    const asked: string[] = [];
    const table = {
      put: async ({ order }) => asked.push(JSON.stringify({ ...order, customerId: "" })),
      get: async ({ storedKey }) => asked.push(JSON.stringify(storedKey)),
      update: async (input) => asked.push(JSON.stringify(input)),
      delete: async ({ key }) => asked.push(key.orderId),
      query: async (input) => asked.push(JSON.stringify(input)),
      scan: async () => asked.push("scan"),
    } as Partial<OrderTable> as OrderTable;
    const ask = async (lane: number) => {
      for (const operation of OPERATIONS) {
        const pool = preparePool(operation, table, context(lane), POOL);
        for (let i = 0; i < pool.count; i += 1) {
          await pool.make(i);
        }
      }
      return asked.splice(0);
    };
    assert.deepEqual(await ask(1), await ask(2));
  });
});

describe("recording", () => {
  const lane = 20;
  const sabotaged: Array<{
    name: string;
    operation: Operation;
    sabotage: (real: OrderTable) => Partial<OrderTable>;
  }> = [
    {
      name: "one wrong result of many",
      operation: "GetItem",
      sabotage(real) {
        let calls = 0;
        return { get: (input) => real.get(++calls === 13 ? keyInput(keyOf(0)) : input) };
      },
    },
    {
      name: "one wrong range of many",
      operation: "Query",
      sabotage(real) {
        let calls = 0;
        return { query: (input) => real.query(++calls === POOL ? { ...input, lastSk: input.firstSk } : input) };
      },
    },
    { name: "a put that isn't done", operation: "PutItem", sabotage: () => ({ put: async () => ({}) }) },
    { name: "an update that isn't done", operation: "UpdateItem", sabotage: () => ({ update: async () => ({}) }) },
    { name: "a deletion that isn't done", operation: "DeleteItem", sabotage: () => ({ delete: async () => ({}) }) },
    {
      name: "an item of a scan that comes twice",
      operation: "Scan",
      sabotage: (real) => ({
        toOrders(result) {
          const [first, ...rest] = real.toOrders(result);
          return [first, first, ...rest];
        },
      }),
    },
    {
      name: "an item of a scan without an attribute",
      operation: "Scan",
      sabotage: (real) => ({
        toOrders: (result) =>
          [...real.toOrders(result)].map((order, i) => (i === 200 ? { ...(order as object), note: "" } : order)),
      }),
    },
  ];
  for (const { name, operation, sabotage } of sabotaged) {
    it(`refuses ${name}`, async () => {
      const connection = await open("aws-sdk", recorder.endpoint);
      try {
        if (operation === "DeleteItem") {
          await prepareDeletions(lane);
        }
        const real = connection.table(bare.name);
        const { wrong } = await record(operation, { ...real, ...sabotage(real) }, lane);
        assert.ok(wrong !== null && wrong.expected !== wrong.actual, "it was not found out");
      } finally {
        connection.close();
        await putBack(operation, lane);
      }
    });
  }

  it("is done by several processes at the same time, each operation of all of them", async () => {
    const connections = await Promise.all([1, 2].map(() => open("aws-sdk", recorder.endpoint)));
    const lanes = connections.map((_, i) => lane + i);
    try {
      await Promise.all(lanes.map(prepareDeletions));
      for (const operation of OPERATIONS.filter((name) => name !== "Scan")) {
        const recorded = await Promise.all(
          connections.map((connection, i) => record(operation, connection.table(bare.name), lane + i)),
        );
        assert.deepEqual(
          recorded.map(({ calls, wrong }) => ({ calls, wrong })),
          lanes.map(() => ({ calls: POOL, wrong: null })),
          operation,
        );
      }
    } finally {
      for (const connection of connections) {
        connection.close();
      }
      for (const operation of OPERATIONS) {
        await Promise.all(lanes.map((each) => putBack(operation, each)));
      }
    }
    assert.equal(await compareTable(bare, ITEMS, SEED), null);
  });

  it("takes a scan that was cut off for what it is, and counts its items", async () => {
    const connection = await open("aws-sdk", recorder.endpoint);
    try {
      const real = connection.table(bare.name);
      const part = { ...real, toOrders: (result: unknown) => [...real.toOrders(result)].slice(0, 120) };
      const { items, wrong } = await record("Scan", part, lane);
      assert.deepEqual([items, wrong], [120, null]);
    } finally {
      connection.close();
    }
  });

  it("doesn't delete what nobody prepared", async () => {
    const connection = await open("aws-sdk", recorder.endpoint);
    try {
      await assert.rejects(record("DeleteItem", connection.table(bare.name), lane), /prepare it first/);
    } finally {
      connection.close();
    }
  });
});
