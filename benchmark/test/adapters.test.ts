// Against a real server: every adapter does every operation right, and every saboteur is found out. Its name comes first
// since it takes longest: Node runs two files at a time, in the order of their names.

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { Connection, OrderTable } from "../src/adapters/adapter.js";
import { findAdapter } from "../src/adapters/index.js";
import { callLimit } from "../src/measure/limit.js";
import { type CallKind, OPERATIONS, type Operation } from "../src/protocol.js";
import { type BareTable, openTable } from "../src/table/bare-table.js";
import { clientConfig } from "../src/table/client.js";
import { compareTable } from "../src/table/seed.js";
import { type Verdict, verify } from "../src/verify/verification.js";
import { Recorder } from "./recorder.js";
import { described, unequal } from "./wire.js";
import { CALL_TIMEOUT_MS, LIBRARIES, ORDERS, SEED, settings, TWO_PAGES, Tables } from "./support.js";

const tables = new Tables(TWO_PAGES);
let lane = 0;

after(() => tables.drop());

async function connect(
  library: string,
  endpoint = settings().endpoint,
  calls: CallKind = "documented",
): Promise<Connection> {
  const loaded = await (await findAdapter(library)).load();
  return await loaded.connect(clientConfig({ ...settings(), endpoint }), calls, ORDERS.shape);
}

async function verdicts(
  bare: BareTable,
  table: OrderTable,
  operations: readonly Operation[] = OPERATIONS,
  full = true,
): Promise<Verdict[]> {
  const { data } = bare;
  const found: Verdict[] = [];
  const limit = callLimit(CALL_TIMEOUT_MS);
  try {
    await verify(
      {
        operations,
        full,
        table,
        rehearsal: null,
        tableName: bare.name,
        context: { data, items: TWO_PAGES, seed: SEED, round: 0, lane: lane++ },
        limit,
        openBare: (name) => openTable(settings(), name, bare.form, data),
      },
      (verdict) => found.push(verdict),
    );
  } finally {
    limit.close();
  }
  return found;
}

/** Whether a library has other calls for the bare SDK's request; where it has not, its two kinds are the same calls. */
const HAS_TWO_KINDS = new Map(
  await Promise.all(
    LIBRARIES.map(async (library) => {
      const { sameRequest } = (await findAdapter(library)).calls;
      return [library, Object.keys(sameRequest).length > 0] as const;
    }),
  ),
);

describe("every library", () => {
  for (const library of LIBRARIES) {
    const twoKinds = HAS_TWO_KINDS.get(library) === true;
    for (const calls of twoKinds ? (["documented", "same-request"] as const) : (["documented"] as const)) {
      it(`${library} does the six operations right in ${calls} calls, which ask for what its adapter says`, async () => {
        const bare = await tables.of(library, calls);
        const recorder = await Recorder.start(settings().endpoint);
        const connection = await connect(library, recorder.endpoint, calls);
        try {
          const found = await verdicts(bare, connection.table(bare.name));
          assert.deepEqual(
            found.map(({ operation, wrong }) => ({ operation, wrong })),
            OPERATIONS.map((operation) => ({ operation, wrong: null })),
          );
          assert.ok(found.every((verdict) => verdict.wrong === null && (verdict.firstCallMs ?? 0) > 0));
          const asked = recorder.take();
          const count = (operation: string) => asked.filter((each) => each.operation === operation).length;
          const further = 4;
          assert.equal(count("PutItem"), 1 + further + 1, "one more is put to be deleted");
          assert.equal(count("GetItem"), 1 + further + 3, "read before and after a change, and where nothing is");
          assert.equal(count("UpdateItem"), 1 + further);
          assert.equal(count("DeleteItem"), 1 + further);
          assert.equal(count("Query"), 1 + further + 2);
          assert.equal(count("Scan"), 2 * 2, "two scans of two pages");
          assert.deepEqual(unequal(asked), described(await findAdapter(library), calls));
          assert.equal(await compareTable(bare, TWO_PAGES, SEED), null, "verification leaves no trace");
        } finally {
          connection.close();
          recorder.close();
        }
      });
    }

    // Where both kinds are the same calls, in the one that was not tried above.
    const calls = twoKinds ? "documented" : "same-request";
    it(`${library} is verified shortly by one call of each operation, in ${calls} calls`, async () => {
      const bare = await tables.of(library, calls);
      const recorder = await Recorder.start(settings().endpoint);
      const connection = await connect(library, recorder.endpoint, calls);
      try {
        const found = await verdicts(bare, connection.table(bare.name), OPERATIONS, false);
        assert.ok(found.length === OPERATIONS.length && found.every(({ wrong }) => wrong === null));
        const requests = recorder.take();
        assert.deepEqual(unequal(requests), described(await findAdapter(library), calls));
        const asked = requests.map((each) => each.operation);
        const expected = ["PutItem", "GetItem", "UpdateItem", "PutItem", "DeleteItem", "Query", "Scan", "Scan"];
        assert.deepEqual(asked, expected);
        assert.equal(await compareTable(bare, TWO_PAGES, SEED), null, "verification leaves no trace");
      } finally {
        connection.close();
        recorder.close();
      }
    });
  }
});

describe("several processes", () => {
  it("verify at the same time without seeing wrong work in each other's", async () => {
    const bare = await tables.of("electrodb");
    const connections = await Promise.all(["electrodb", "electrodb", "electrodb"].map((name) => connect(name)));
    try {
      const found = await Promise.all(connections.map((connection) => verdicts(bare, connection.table(bare.name))));
      const wrong = found.flat().filter((verdict) => verdict.wrong !== null);
      assert.deepEqual(wrong, []);
      assert.equal(await compareTable(bare, TWO_PAGES, SEED), null);
    } finally {
      for (const connection of connections) {
        connection.close();
      }
    }
  });
});

describe("a saboteur", () => {
  const saboteurs: Array<{
    name: string;
    operations: Operation[];
    remembers?: boolean;
    sabotage: (real: OrderTable) => Partial<OrderTable>;
  }> = [
    {
      name: "that drops the range",
      operations: ["Query"],
      sabotage: (real) => ({
        query: (range) => real.query({ ...range, first: "00000000", last: "00000099" }),
      }),
    },
    {
      name: "whose range is one short",
      operations: ["Query"],
      sabotage: (real) => ({
        query: (range) => real.query({ ...range, last: `${range.last.slice(0, -1)}/` }),
      }),
    },
    {
      name: "that returns a range backwards",
      operations: ["Query"],
      sabotage: (real) => ({ toOrders: (result) => [...real.toOrders(result)].toReversed() }),
    },
    {
      name: "that returns one page of a scan",
      operations: ["Scan"],
      sabotage: (real) => ({ toOrders: (result) => [...real.toOrders(result)].slice(0, 2300) }),
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
        put: (order) => {
          const { note: _, ...without } = order;
          return real.put(without);
        },
      }),
    },
    {
      name: "that writes a mark of its own",
      operations: ["PutItem"],
      sabotage: (real) => ({ put: (order) => real.put({ ...order, __edb_e__: "order" }) }),
    },
    {
      name: "that writes a number as a text",
      operations: ["PutItem"],
      sabotage: (real) => ({
        put: (order) => real.put({ ...order, total: String(order.total) }),
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
        update: (key, status) => real.put({ ...key, status }),
      }),
    },
    { name: "that deletes nothing", operations: ["DeleteItem"], sabotage: () => ({ delete: async () => ({}) }) },
    {
      name: "that answers every read with its first answer",
      operations: ["GetItem"],
      remembers: true,
      sabotage: (real) => {
        let kept: Promise<unknown> | undefined;
        return {
          get: (key) => {
            kept ??= real.get(key);
            return kept;
          },
        };
      },
    },
    {
      name: "that keeps what it has read",
      operations: ["GetItem"],
      remembers: true,
      sabotage: (real) => cached(real, "get"),
    },
    {
      name: "that keeps what it was asked for",
      operations: ["Query"],
      remembers: true,
      sabotage: (real) => cached(real, "query"),
    },
    {
      name: "that keeps the scan",
      operations: ["Scan"],
      remembers: true,
      sabotage: (real) => cached(real, "scan"),
    },
  ];

  const cases = saboteurs.flatMap((each) => [
    { ...each, full: true },
    // One call of each operation can't see what was remembered from an earlier one.
    ...(each.remembers === true ? [] : [{ ...each, full: false }]),
  ]);
  for (const { name, operations, sabotage, full } of cases) {
    it(`${name} is found out by ${full ? "a full" : "a short"} verification`, async () => {
      const bare = await tables.of("aws-sdk");
      const connection = await connect("aws-sdk");
      try {
        const real = connection.table(bare.name);
        const found = await verdicts(bare, { ...real, ...sabotage(real) }, operations, full);
        assert.equal(found.length, 1);
        const wrong = found[0]?.wrong;
        assert.ok(wrong != null, "it was not found out");
        assert.ok(
          wrong.expected !== "" && wrong.actual !== "" && wrong.expected !== wrong.actual,
          JSON.stringify(wrong),
        );
      } finally {
        connection.close();
      }
    });
  }

  it("of whatever kind leaves no trace: what it did was put back", async () => {
    assert.equal(await compareTable(await tables.of("aws-sdk"), TWO_PAGES, SEED), null);
  });
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
