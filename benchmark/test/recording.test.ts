// The recorded ground: what a library sends for an input of the pool, where it sends it, and what is refused.

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Agent, ClientRequest } from "node:http";
import { after, before, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { OrderTable } from "../src/adapters/adapter.js";
import { findAdapter } from "../src/adapters/index.js";
import { AREA } from "../src/dataset.js";
import { type CallLimit, callLimit } from "../src/measure/limit.js";
import { poolSize, preparePool } from "../src/operations.js";
import { type CallKind, OPERATIONS, type Operation } from "../src/protocol.js";
import { type BareTable, openTable } from "../src/table/bare-table.js";
import { putAll } from "../src/table/batch.js";
import { clientConfig } from "../src/table/client.js";
import { IDLE_MS } from "../src/table/idle.js";
import { restore } from "../src/table/restore.js";
import { compareTable } from "../src/table/seed.js";
import { recordPool } from "../src/verify/recording.js";
import { Recorder } from "./recorder.js";
import { CALL_TIMEOUT_MS, LIBRARIES, ORDER_DATA, ORDERS, SEED, settings, Tables } from "./support.js";

const ITEMS = 300;
const POOL = 16;

const tables = new Tables(ITEMS);
let bare: BareTable;
let limit: CallLimit;
let recorder: Recorder;

before(async () => {
  limit = callLimit(CALL_TIMEOUT_MS);
  recorder = await Recorder.start(settings().endpoint);
  bare = await tables.of("aws-sdk");
});

after(async () => {
  limit?.close();
  recorder?.close();
  await tables.drop();
});

const context = (lane: number, round = 0) => ({ data: ORDERS, items: ITEMS, seed: SEED, round, lane });

async function open(library: string, endpoint: string) {
  const loaded = await (await findAdapter(library)).load();
  return await loaded.connect(clientConfig({ ...settings(), endpoint }), "documented", ORDERS.shape);
}

function record(operation: Operation, table: OrderTable, lane: number, at = bare) {
  const pool = preparePool(operation, table, context(lane), POOL);
  return recordPool(operation, pool, table, limit, () => openTable(settings(), at.name, at.form, at.data));
}

/** Writes what the pool of DeleteItem deletes, as the keeper does. */
async function prepareDeletions(lane: number, at = bare): Promise<void> {
  let i = 0;
  await putAll(at, () => (i < POOL ? ORDERS.laneOrder(lane, AREA.deletePool, i++, SEED, 0) : undefined));
}

async function putBack(operation: Operation, lane: number, at = bare): Promise<void> {
  const calls: CallKind = "documented";
  const dataSet = {
    do: "open",
    endpoint: "",
    calls,
    lanes: [],
    table: "",
    rehearsalTable: null,
    scanPart: null,
    data: ORDER_DATA,
  } as const;
  const wanted = { operation, lanes: [lane], round: 0, from: 0, count: 0 };
  await restore(at, { ...dataSet, lanes: [], items: ITEMS, seed: SEED }, wanted);
}

describe("two connections of one library", () => {
  for (const library of LIBRARIES) {
    it(`talk to their own endpoints, through ${library}`, async () => {
      const other = await Recorder.start(settings().endpoint);
      const [one, two] = [await open(library, recorder.endpoint), await open(library, other.endpoint)];
      const again = await open(library, recorder.endpoint);
      try {
        const { name } = await tables.of(library);
        const opened = [one.table(name), two.table(name), again.table(name)] as const;
        const counts = () => [recorder.take().length, other.take().length];
        recorder.take();
        await opened[0].get(ORDERS.keyOf(1));
        assert.deepEqual(counts(), [1, 0]);
        await opened[1].get(ORDERS.keyOf(2));
        assert.deepEqual(counts(), [0, 1]);
        await Promise.all([opened[0].scan(), opened[1].get(ORDERS.keyOf(3)), opened[2].get(ORDERS.keyOf(4))]);
        assert.deepEqual(counts(), [2, 1]);
        one.close();
        await opened[1].get(ORDERS.keyOf(5));
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

describe("a connection that is not used", () => {
  // DynamoDB Local closes it after 30 s, and resets it if a call is sent just then.
  const closesItInTime = async (act: (endpoint: string) => Promise<() => void>) => {
    const own = await Recorder.start(settings().endpoint);
    const port = Number(new URL(own.endpoint).port);
    const agents = new Set<Agent>();
    const note = (message: unknown) => {
      agents.add((message as { request: ClientRequest & { agent: Agent } }).request.agent);
    };
    const unused = () =>
      [...agents]
        .flatMap((agent) => Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []))
        .filter((socket) => socket.remotePort === port);
    subscribe("http.client.request.start", note);
    try {
      const close = await act(own.endpoint);
      while (unused().length === 0) {
        await setImmediate();
      }
      assert.deepEqual([...new Set(unused().map((socket) => socket.timeout))], [IDLE_MS]);
      close();
    } finally {
      unsubscribe("http.client.request.start", note);
      own.close();
    }
  };

  for (const library of LIBRARIES) {
    it(`is closed before the database does it, by ${library}`, () =>
      closesItInTime(async (at) => {
        const connection = await open(library, at);
        await connection.table((await tables.of(library)).name).get(ORDERS.keyOf(1));
        return () => connection.close();
      }));
  }

  it("is closed before the database does it, by what seeds and compares tables", () =>
    closesItInTime(async (at) => {
      const own = await openTable({ ...settings(), endpoint: at }, bare.name, bare.form, bare.data);
      await own.get(ORDERS.keyOf(1));
      assert.ok(!(await own.holds(ORDERS.keyOf(1), [])));
      return () => own.close();
    }));
});

describe("a pool", () => {
  for (const [lane, library] of LIBRARIES.entries()) {
    it(`is called with the same bytes each time and in every round, through ${library}`, async () => {
      const connection = await open(library, recorder.endpoint);
      try {
        const at = await tables.of(library);
        const table = connection.table(at.name);
        for (const operation of OPERATIONS) {
          if (operation === "DeleteItem") {
            await prepareDeletions(lane, at);
          }
          recorder.passing = true;
          recorder.take();
          const { calls, wrong } = await record(operation, table, lane, at);
          assert.deepEqual([calls, wrong], [poolSize(operation, POOL), null], operation);
          const first = recorder.take(operation);
          assert.equal(first.length, calls, operation);
          await putBack(operation, lane, at);
          assert.equal(await compareTable(at, ITEMS, SEED), null, `${operation} is put back`);

          if (at.form.settled !== undefined && ["PutItem", "UpdateItem"].includes(operation)) {
            // Its requests hold the time, so that the conductor recognises them by their keys (xtask/answers).
            continue;
          }
          // From here on nothing but what was recorded is answered.
          recorder.passing = false;
          for (const round of [0, 5]) {
            const pool = preparePool(operation, table, context(lane, round), POOL);
            for (let i = 0; i < pool.count; i += 1) {
              assert.equal(pool.wrongResult(i, await pool.make(i)), null);
            }
            assert.deepEqual(recorder.take(operation), first, `${operation}, round ${round}`);
          }
          assert.equal(await compareTable(at, ITEMS, SEED), null, `${operation} was not done again`);
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
      put: async (order) => asked.push(JSON.stringify({ ...order, customerId: "" })),
      get: async (key) => asked.push(JSON.stringify(key)),
      update: async (key, status) => asked.push(JSON.stringify([key, status])),
      delete: async (key) => asked.push(key.orderId ?? ""),
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
        return { get: (key) => real.get(++calls === 13 ? ORDERS.keyOf(0) : key) };
      },
    },
    {
      name: "one wrong range of many",
      operation: "Query",
      sabotage(real) {
        let calls = 0;
        return {
          query: (range) => real.query(++calls === poolSize("Query", POOL) ? { ...range, last: range.first } : range),
        };
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
      await Promise.all(lanes.map((each) => prepareDeletions(each)));
      for (const operation of OPERATIONS.filter((name) => name !== "Scan")) {
        const recorded = await Promise.all(
          connections.map((connection, i) => record(operation, connection.table(bare.name), lane + i)),
        );
        assert.deepEqual(
          recorded.map(({ calls, wrong }) => ({ calls, wrong })),
          lanes.map(() => ({ calls: poolSize(operation, POOL), wrong: null })),
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
