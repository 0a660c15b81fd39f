// Against a real server: every adapter does every operation right, and every saboteur is found out.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Connection, OrderTable } from "../src/adapter.js";
import { findAdapter } from "../src/adapters.js";
import { clientConfig } from "../src/client.js";
import { keyOf, orderOf, type stored } from "../src/dataset.js";
import { callLimit } from "../src/limit.js";
import { OPERATIONS, type OperationName } from "../src/protocol.js";
import { type BareTable, openTable } from "../src/table.js";
import { type Verdict, verify } from "../src/verification.js";
import { meter } from "../src/wire.js";
import { CALL_TIMEOUT_MS, SEED, settings, TWO_PAGES, tableName } from "./support.js";

const LIBRARIES = ["aws-sdk", "dynamoose", "electrodb"];

let bare: BareTable;
let lane = 0;

before(async () => {
  bare = await openTable(settings(), tableName());
  await bare.create();
  await bare.seed(TWO_PAGES, SEED);
});

after(async () => {
  await bare?.drop();
  bare?.close();
});

async function connect(library: string): Promise<Connection> {
  return (await (await findAdapter(library)).load()).connect(clientConfig(settings()));
}

async function verdicts(
  connection: Connection,
  table: OrderTable,
  operations: readonly OperationName[] = OPERATIONS,
): Promise<Verdict[]> {
  const found: Verdict[] = [];
  const limit = callLimit(CALL_TIMEOUT_MS);
  try {
    await verify(
      {
        operations,
        client: connection.client,
        table,
        rehearsal: null,
        tableName: bare.name,
        context: { items: TWO_PAGES, seed: SEED, round: 0, lane: lane++ },
        limit,
        openBare: (name) => openTable(settings(), name),
      },
      (verdict) => found.push(verdict),
    );
  } finally {
    limit.close();
  }
  return found;
}

function workOf(found: Verdict[], operation: OperationName) {
  const verdict = found.find((each) => each.operation === operation);
  assert.ok(verdict !== undefined && verdict.wrong === null);
  assert.ok(verdict.work !== null && verdict.firstCallMs !== null && verdict.firstCallMs > 0);
  return verdict.work;
}

describe("every library", () => {
  for (const library of LIBRARIES) {
    it(`${library} does the six operations right, each in the requests it should take`, async () => {
      const connection = await connect(library);
      try {
        const found = await verdicts(connection, connection.table(bare.name));
        assert.deepEqual(
          found.map(({ operation, wrong }) => ({ operation, wrong })),
          OPERATIONS.map((operation) => ({ operation, wrong: null })),
        );
        for (const operation of OPERATIONS.filter((name) => name !== "Scan")) {
          const work = workOf(found, operation);
          assert.equal(work.requests, 1, operation);
          assert.ok((work.capacityUnits ?? 0) > 0, operation);
          assert.ok(work.requestBytes > 50 && (work.responseBytes ?? 0) >= 2, operation);
        }
        const query = workOf(found, "Query");
        assert.equal(query.itemsReturned, 20);
        assert.equal(query.itemsScanned, 20);
        assert.ok((query.responseBytes ?? 0) > 20 * 450);
        const scan = workOf(found, "Scan");
        assert.equal(scan.itemsReturned, TWO_PAGES);
        assert.equal(scan.requests, 2, "a scan of two pages");
        assert.equal(await bare.compare(TWO_PAGES, SEED), null, "verification leaves no trace");
      } finally {
        connection.close();
      }
    });
  }

  it("writes the same bytes, asks for no more than it must", async () => {
    const bytes = new Map<string, number>();
    for (const library of LIBRARIES) {
      const connection = await connect(library);
      bytes.set(
        library,
        workOf(await verdicts(connection, connection.table(bare.name), ["GetItem"]), "GetItem").requestBytes,
      );
      connection.close();
    }
    assert.equal(new Set(bytes.values()).size, 1, JSON.stringify([...bytes]));
  });
});

describe("the wire meter", () => {
  for (const library of LIBRARIES) {
    it(`counts ${library}'s requests only while it is there`, async () => {
      const connection = await connect(library);
      const table = connection.table(bare.name);
      const input = { key: keyOf(5), storedKey: { pk: "CUSTOMER#00000000", sk: "ORDER#00000005" } };
      try {
        await table.get(input);
        const running = meter(connection.client);
        await table.get(input);
        const counted = running.stop();
        assert.equal(counted.requests, 1);
        assert.equal(counted.itemsReturned, 1);
        assert.equal(counted.capacityUnits, 0.5);
        const bytes = counted.requestBytes;
        assert.equal(
          bytes,
          Buffer.byteLength(
            JSON.stringify({
              TableName: bare.name,
              Key: { pk: { S: input.storedKey.pk }, sk: { S: input.storedKey.sk } },
            }),
          ),
        );
        await table.get(input);
        assert.equal(counted.requests, 1, "the middleware is gone");
        assert.deepEqual(table.toOrder(await table.get(input)), orderOf(5, SEED));
      } finally {
        connection.close();
      }
    });
  }

  it("counts an answer's bytes without what asking for the capacity adds", async () => {
    const connection = await connect("aws-sdk");
    try {
      const running = meter(connection.client);
      await connection.table(bare.name).get({ key: keyOf(0), storedKey: { pk: "none", sk: "none" } });
      assert.equal(running.stop().responseBytes, Buffer.byteLength("{}"));
    } finally {
      connection.close();
    }
  });
});

describe("a saboteur", () => {
  const saboteurs: Array<{
    name: string;
    operations: OperationName[];
    sabotage: (real: OrderTable) => Partial<OrderTable>;
  }> = [
    {
      name: "that drops the range",
      operations: ["Query"],
      sabotage: (real) => ({
        query: (input) => real.query({ ...input, firstSk: "ORDER#00000000", lastSk: "ORDER#00000099" }),
      }),
    },
    {
      name: "whose range is one short",
      operations: ["Query"],
      sabotage: (real) => ({ query: (input) => real.query({ ...input, lastSk: `${input.lastSk.slice(0, -1)}/` }) }),
    },
    {
      name: "that returns a range backwards",
      operations: ["Query"],
      sabotage: (real) => ({ toOrders: (result) => [...real.toOrders(result)].toReversed() }),
    },
    {
      name: "that returns one page of a scan",
      operations: ["Scan"],
      sabotage: (real) => ({ toOrders: (result) => real.toOrders((result as unknown[]).slice(0, 1)) }),
    },
    {
      name: "that returns an item of a scan twice",
      operations: ["Scan"],
      sabotage: (real) => ({
        *toOrders(result) {
          const [first, , ...rest] = real.toOrders(result);
          yield* [first, first, ...rest];
        },
      }),
    },
    {
      name: "that forgets an attribute while writing",
      operations: ["PutItem"],
      sabotage: (real) => ({
        put: (input) => {
          const { note: _, ...without } = input.stored;
          return real.put({ ...input, stored: without as typeof input.stored });
        },
      }),
    },
    {
      name: "that forgets the marks",
      operations: ["PutItem"],
      sabotage: (real) => ({
        put: (input) => {
          const { __edb_e__: _, ...without } = input.stored;
          return real.put({ ...input, stored: without as typeof input.stored });
        },
      }),
    },
    {
      name: "that writes a number as a text",
      operations: ["PutItem"],
      sabotage: (real) => ({
        put: (input) =>
          real.put({ ...input, stored: { ...input.stored, total: String(input.stored.total) as unknown as number } }),
      }),
    },
    {
      name: "that forgets an attribute while reading",
      operations: ["GetItem"],
      sabotage: (real) => ({
        toOrder: (result) => {
          const { gift: _, ...without } = (real.toOrder(result) ?? {}) as Record<string, unknown>;
          return without;
        },
      }),
    },
    { name: "that doesn't really write", operations: ["PutItem"], sabotage: () => ({ put: async () => ({}) }) },
    { name: "that doesn't really update", operations: ["UpdateItem"], sabotage: () => ({ update: async () => ({}) }) },
    {
      name: "that updates by overwriting the item",
      operations: ["UpdateItem"],
      sabotage: (real) => ({
        update: ({ key, storedKey, status }) => {
          const item = { ...storedKey, ...key, status } as ReturnType<typeof stored>;
          return real.put({ order: item, marked: item, stored: item });
        },
      }),
    },
    { name: "that deletes nothing", operations: ["DeleteItem"], sabotage: () => ({ delete: async () => ({}) }) },
    {
      name: "that answers every read with its first answer",
      operations: ["GetItem"],
      sabotage: (real) => {
        let kept: Promise<unknown> | undefined;
        return {
          get: (input) => {
            kept ??= real.get(input);
            return kept;
          },
        };
      },
    },
    {
      name: "that keeps what it has read",
      operations: ["GetItem"],
      sabotage: (real) => cached(real, "get"),
    },
    {
      name: "that keeps what it was asked for",
      operations: ["Query"],
      sabotage: (real) => cached(real, "query"),
    },
    {
      name: "that keeps the scan",
      operations: ["Scan"],
      sabotage: (real) => cached(real, "scan"),
    },
  ];

  for (const { name, operations, sabotage } of saboteurs) {
    it(`${name} is found out`, async () => {
      const connection = await connect("aws-sdk");
      try {
        const real = connection.table(bare.name);
        const found = await verdicts(connection, { ...real, ...sabotage(real) }, operations);
        assert.equal(found.length, 1);
        const wrong = found[0]?.wrong;
        assert.ok(wrong != null, "it was not found out");
        assert.ok(
          wrong.expected !== "" && wrong.actual !== "" && wrong.expected !== wrong.actual,
          JSON.stringify(wrong),
        );
        assert.equal(await bare.compare(TWO_PAGES, SEED), null, "what it did was put back");
      } finally {
        connection.close();
      }
    });
  }
});

/** Answers from memory what was asked before with the same input. */
function cached(real: OrderTable, operation: "get" | "query" | "scan"): Partial<OrderTable> {
  const answers = new Map<string, Promise<unknown>>();
  return {
    [operation]: (input: never) => {
      const key = JSON.stringify(input ?? null);
      const answer = answers.get(key) ?? real[operation](input);
      answers.set(key, answer);
      return answer;
    },
  };
}
