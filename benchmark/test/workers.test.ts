// The two programs from outside, against a real server: commands in, events out, and what they do when things go
// wrong. The lines in fixtures/events.jsonl, which the other side's tests parse, are compared with those said here.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { findAdapter } from "../src/adapters/index.js";
import { tableOf } from "../src/form.js";
import { poolSize } from "../src/operations.js";
import type { Event } from "../src/protocol.js";
import { OPERATIONS } from "../src/protocol.js";
import { type BareTable, openTable } from "../src/table/bare-table.js";
import { compareTable } from "../src/table/seed.js";
import { Recorder } from "./recorder.js";
import {
  baseOf,
  endpoint,
  FIXTURES,
  REHEARSAL,
  last,
  measure,
  openKeeper,
  openSuite,
  SEED,
  settings,
  tableName,
  talkTo,
  NATURAL,
  ORDERS,
  withTable,
} from "./support.js";

/** One event of each kind and shape that was really said, for the comparison with the fixture. */
const said: { program: string; event: Event }[] = [];

/** What the whole protocol is gone through with: inputs in the pool, and calls of a window of a warm-up. */
const POOL = 12;
const WARM_UP_CALLS = 40;

describe("the suite", () => {
  it("verifies, records, warms up and measures on both grounds, and the keeper puts everything back", async () => {
    const table = tableName();
    const recorder = await Recorder.start(endpoint());
    const keeper = talkTo("keeper");
    const suite = talkTo("suite");
    try {
      await keeper.until("ready", openKeeper(table, 1000));
      last(await keeper.until("created", { do: "create" }), "created");
      await keeper.until("checked", { do: "check", enough: 1_000 });
      last(await keeper.until("warm", { do: "warm", calls: 300 }), "warm");
      await keeper.until("checked", { do: "check", enough: 1_000 });

      const more = { recordedEndpoint: recorder.endpoint, pool: POOL, handicap: { GetItem: 50 } };
      const ready = last(await suite.until("ready", openSuite(table, 1000, more)), "ready");
      assert.equal(ready.pid, suite.process.pid);
      assert.ok((ready.importMs ?? 0) > 0 && (ready.memoryMb ?? 0) > 10);
      const versionOf = (name: string) =>
        ready.sdkPackages
          .find((each) => each.startsWith(`${name}@`))
          ?.split("@")
          .at(-1);
      assert.equal(versionOf("@aws-sdk/lib-dynamodb"), versionOf("@aws-sdk/client-dynamodb"));
      assert.match(versionOf("@smithy/core") ?? "not loaded", /^\d+\.\d+\.\d+$/);
      const verified = await suite.until("verified-all", { do: "verify", operations: OPERATIONS, full: true });
      assert.deepEqual(
        verified.map(({ event }) => event),
        [...OPERATIONS.map(() => "verified"), "verified-all"],
      );
      assert.deepEqual(recorder.take(), [], "verification goes to the database");
      await keeper.until("checked", { do: "check", enough: 1_000 });

      const restore = { do: "restore", lanes: [3], round: 0, from: 0, count: 74 };
      for (const operation of OPERATIONS) {
        if (operation === "DeleteItem") {
          await keeper.until("prepared", { do: "prepare", lane: 3, from: 0, count: POOL, pool: true });
        }
        const recorded = last(await suite.until("recorded", { do: "record", operation }), "recorded");
        const calls = poolSize(operation, POOL);
        const items = operation === "Scan" ? 1000 : null;
        assert.deepEqual([recorded.operation, recorded.calls, recorded.items], [operation, calls, items]);
        await keeper.until("restored", { ...restore, operation });
        last(await keeper.until("checked", { do: "check", enough: 1_000 }), "checked");
      }
      recorder.passing = false;

      for (const operation of OPERATIONS) {
        if (operation === "DeleteItem") {
          await keeper.until("prepared", { do: "prepare", lane: 3, from: 0, count: 74 });
        }
        const window = operation === "Scan" ? 2 : WARM_UP_CALLS;
        for (const ground of ["recorded", "database"]) {
          recorder.take();
          const warm = await suite.until("end", { do: "warm-up", operation, calls: window, ground });
          const end = last(warm, "end");
          assert.deepEqual([end.calls, end.errors, end.samplesMs, end.allocation], [window, 0, [], null]);
          assert.ok(end.wallMs > 0 && end.cpuMs > 0);
          assert.equal(recorder.take().length, ground === "recorded" ? window : 0, ground);
        }

        const calls = operation === "Scan" ? 2 : 20;
        const leadIn = operation === "Scan" ? 0 : 4;
        for (const phase of ["client", "allocation"]) {
          const events = await suite.until("end", measure(operation, phase, calls, { leadIn, from: 7 }));
          assert.equal(events.length, 1, "nobody is told of anything while calls are timed");
          const end = last(events, "end");
          assert.deepEqual([end.phase, end.calls, end.errors, end.errorMessage], [phase, calls, 0, null]);
          assert.deepEqual(end.samplesMs, []);
          assert.equal(recorder.take().length, leadIn + calls, "each call is one request");
          if (phase === "allocation") {
            assert.ok(end.allocation !== null && end.allocation.bytes / calls > 10_000, JSON.stringify(end));
          }
        }

        const timed = await suite.until("end", measure(operation, "latency", calls, { leadIn }));
        assert.deepEqual(timed[0], { event: "start", operation, phase: "latency" });
        assert.deepEqual(timed[1], { event: "stopped", operation, phase: "latency" });
        const end = last(timed, "end");
        assert.equal(end.calls, calls);
        assert.equal(end.errors, 0, end.errorMessage ?? "");
        assert.equal(end.samplesMs.length, calls);
        const sum = end.samplesMs.reduce((total, ms) => total + ms, 0);
        assert.ok(sum <= end.wallMs, "calls one after the other take no longer than all of them");
        assert.ok(sum > end.wallMs * 0.5 && end.cpuMs > 0);

        if (operation !== "Scan") {
          const throughput = measure(operation, "throughput", 50, { concurrency: 8, from: 24 });
          const busy = last(await suite.until("end", throughput), "end");
          assert.deepEqual([busy.calls, busy.errors, busy.samplesMs], [50, 0, []]);
        }
        assert.deepEqual(recorder.take(), [], "latency and throughput are the database's");
        await keeper.until("restored", { ...restore, operation });
        last(await keeper.until("checked", { do: "check", enough: 1_000 }), "checked");
      }

      const tried = await suite.until("values-tried", { do: "values" });
      assert.equal(last(tried, "values-tried").untried, null);
      assert.ok(tried.length > 10 && tried.slice(0, -1).every(({ event }) => event === "value"));
      last(await keeper.until("checked", { do: "check", enough: 1_000 }), "checked");

      last(await suite.until("bye", { do: "end" }), "bye");
      assert.equal(await suite.ended, 0);
      await keeper.until("dropped", { do: "drop" });
      await keeper.until("bye", { do: "end" });
      assert.equal(await keeper.ended, 0);
      said.push(...suite.events.map((event) => ({ program: "suite", event })));
      said.push(...keeper.events.map((event) => ({ program: "keeper", event })));
    } finally {
      suite.process.kill("SIGKILL");
      keeper.process.kill("SIGKILL");
      recorder.close();
    }
  });

  const withRehearsal = (act: (rehearsal: BareTable) => Promise<void>) =>
    withTable(REHEARSAL.items, act, { data: REHEARSAL.data });
  const openWith = (table: BareTable, items: number, rehearsal: BareTable) =>
    openSuite(baseOf(table), items, { rehearsalTable: baseOf(rehearsal) });
  const verifyScan = { do: "verify", operations: ["Scan"], full: true };

  it("verifies scans on the rehearsal table alone, where the table itself is large", async () => {
    await withTable(1, (table) =>
      withRehearsal(async (rehearsal) => {
        const suite = talkTo("suite");
        // A scan of the table itself would find one item.
        await suite.until("ready", openWith(table, 10_001, rehearsal));
        const verified = await suite.until("verified-all", verifyScan);
        assert.deepEqual(verified[0], { event: "verified", operation: "Scan", firstCallMs: null });
        await suite.until("bye", { do: "end" });
        assert.equal(await compareTable(rehearsal, REHEARSAL.items, SEED), null);
      }),
    );
  });

  it("records the scan of a part that stands for a large table", async () => {
    await withTable(1, (table) =>
      withTable(30, async (part) => {
        const suite = talkTo("suite");
        const scanPart = { table: baseOf(part), items: 30 };
        await suite.until("ready", openSuite(baseOf(table), 10_001, { scanPart }));
        await suite.until("verified-all", { do: "verify", operations: ["GetItem"], full: false });
        const recorded = last(await suite.until("recorded", { do: "record", operation: "Scan" }), "recorded");
        assert.deepEqual([recorded.calls, recorded.items], [1, 30]);
        await suite.until("bye", { do: "end" });
      }),
    );
  });

  it("verifies scans on more than one page where the table itself has only one", async () => {
    await withTable(200, (table) =>
      withRehearsal(async (rehearsal) => {
        const suite = talkTo("suite");
        await suite.until("ready", openWith(table, 200, rehearsal));
        const verified = await suite.until("verified-all", verifyScan);
        const scan = verified[0];
        assert.ok(scan?.event === "verified" && (scan.firstCallMs ?? 0) > 0, "the cold call is of the table itself");
        await suite.until("bye", { do: "end" });
        assert.equal(await compareTable(rehearsal, REHEARSAL.items, SEED), null);
      }),
    );
  });

  it("says what is wrong instead of an end, when the last result of a slice is wrong", async () => {
    await withTable(100, async (table) => {
      const suite = talkTo("suite");
      await suite.until("ready", openSuite(baseOf(table), 100, { seed: SEED + 1 }));
      const wrong = last(await suite.until("wrong-work", measure("GetItem", "latency", 3)), "wrong-work");
      assert.match(wrong.expected, /order \d+/);
      await suite.until("bye", { do: "end" });
      said.push({ program: "suite", event: wrong });
    });
  });

  it("counts calls that throw, and keeps the samples of the others", async () => {
    await withTable(
      100,
      async (table) => {
        const suite = talkTo("suite");
        await suite.until("ready", openSuite(baseOf(table), 100, { target: "dynamoose", adapter: "dynamoose" }));
        // Dynamoose's create refuses to write an item that is there: half of these are.
        await suite.until("end", measure("PutItem", "latency", 10));
        const end = last(await suite.until("end", measure("PutItem", "latency", 10, { from: 5 })), "end");
        assert.deepEqual([end.calls, end.errors, end.samplesMs.length], [10, 5, 5]);
        assert.match(end.errorMessage ?? "", /ConditionalCheckFailed/);
        const all = measure("PutItem", "throughput", 10, { concurrency: 4, from: 5 });
        const none = last(await suite.until("end", all), "end");
        assert.deepEqual([none.calls, none.errors, none.samplesMs], [10, 10, []]);
        const leadIn = measure("PutItem", "latency", 6, { leadIn: 5, from: 10 });
        const fresh = last(await suite.until("end", leadIn), "end");
        assert.deepEqual(
          [fresh.calls, fresh.errors, fresh.samplesMs.length],
          [6, 5, 6],
          "the first five are not timed",
        );
        await suite.until("bye", { do: "end" });
      },
      { form: NATURAL },
    );
  });

  it("gives up calls without an answer, and soon the whole slice", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    try {
      await new Promise((resolve) => silent.once("listening", resolve));
      const address = silent.address();
      const port = typeof address === "object" ? address?.port : 0;
      const suite = talkTo("suite");
      const open = openSuite("nothing", 100, { endpoint: `http://127.0.0.1:${port}`, callTimeoutMs: 100 });
      await suite.until("ready", open);
      const end = last(await suite.until("end", measure("GetItem", "latency", 50)), "end");
      assert.deepEqual([end.calls, end.errors, end.samplesMs], [3, 3, []]);
      assert.match(end.errorMessage ?? "", /no answer within 100 ms|Timeout/i);
      await suite.until("bye", { do: "end" });
      assert.equal(await suite.ended, 0);
    } finally {
      silent.close();
      silent.unref();
    }
  });

  for (const [name, line, message] of [
    ["a command it doesn't know", '{"do":"dance"}', /unknown command "dance"/],
    ["a line that is no JSON", "what?", /not JSON: what\?/],
    ["a command before open", '{"do":"verify","operations":[]}', /nothing is open/],
    ["an adapter it doesn't have", openLine({ adapter: "toString" }), /no adapter named "toString"/],
    ["a number that isn't one", openLine({ items: "many" }), /"items" must be a whole number/],
    ["a pool larger than can be restored", openLine({ pool: 5000 }), /"pool" must be a whole number from 1 to 64/],
    ["a handicap that is no number", openLine({ handicap: { Scan: "2%" } }), /"Scan" must be a whole number/],
  ] as const) {
    it(`fails with exit code 1 at ${name}`, async () => {
      const suite = talkTo("suite");
      await assert.rejects(suite.until("ready", line));
      assert.equal(await suite.ended, 1);
      const failed = last(suite.events, "failed");
      assert.match(failed.message, message);
      said.push({ program: "suite", event: failed });
    });
  }

  it("names the operation that failed", async () => {
    const suite = talkTo("suite");
    await suite.until("ready", openSuite(tableName(), 100));
    await assert.rejects(suite.until("verified-all", { do: "verify", operations: ["GetItem"], full: true }));
    const failed = last(suite.events, "failed");
    assert.deepEqual([failed.stage, failed.operation], ["verify", "GetItem"]);
    assert.match(failed.message, /ResourceNotFound/);
    assert.equal(await suite.ended, 1);
  });

  it("ends by itself when its parent is gone, opened or not, and at an end while nothing is open", async () => {
    const unopened = talkTo("suite");
    unopened.hangUp();
    assert.equal(await unopened.ended, 0);
    const opened = talkTo("suite");
    await opened.until("ready", openSuite("nothing", 100));
    opened.hangUp();
    assert.equal(await opened.ended, 0);
    const ended = talkTo("suite");
    await ended.until("bye", { do: "end" });
    assert.equal(await ended.ended, 0);
  });

  it("says nothing but events on standard output", async () => {
    // Each line was parsed as an event; the SDK's own warnings and the like are on standard error.
    const suite = talkTo("suite");
    await suite.until("ready", openSuite("nothing", 100));
    suite.process.stdout?.destroy();
    suite.process.stdin?.write('{"do":"end"}\n');
    assert.equal(await suite.ended, 0, "a closed standard output ends it quietly");
  });
});

describe("the keeper", () => {
  it("compares every so-manieth partition of a large table", async () => {
    await withTable(250, async (table) => {
      const keeper = talkTo("keeper");
      await keeper.until("ready", openKeeper(baseOf(table), 250, { lanes: [{ lane: 12, adapter: "aws-sdk" }] }));
      await table.set({ customerId: "00000001", orderId: "00000029" }, "unlucky");
      last(await keeper.until("checked", { do: "check", enough: 125 }), "checked");
      await table.set({ customerId: "00000002", orderId: "00000049" }, "unlucky");
      const differs = last(await keeper.until("differs", { do: "check", enough: 125 }), "differs");
      assert.match(differs.actual, /partition 00000002.*unlucky/);
      await keeper.until("bye", { do: "end" });
    });
  });

  it("finds a difference in one attribute, and an item too many", async () => {
    await withTable(250, async (table) => {
      const keeper = talkTo("keeper");
      await keeper.until("ready", openKeeper(baseOf(table), 250, { lanes: [{ lane: 12, adapter: "aws-sdk" }] }));
      last(await keeper.until("checked", { do: "check", enough: 1_000 }), "checked");
      await table.set({ customerId: "00000002", orderId: "00000049" }, "unlucky");
      const differs = last(await keeper.until("differs", { do: "check", enough: 1_000 }), "differs");
      assert.match(differs.actual, /partition 00000002.*unlucky/);
      await keeper.until("prepared", { do: "prepare", lane: 12, from: 150, count: 60 });
      // The items that a warm-up or the pool may have updated are restored, which are all of so small a table.
      const restore = { do: "restore", lanes: [12], round: 0, from: 0, count: 2000 };
      await keeper.until("restored", { ...restore, operation: "UpdateItem" });
      assert.match(last(await keeper.until("differs", { do: "check", enough: 1_000 }), "differs").actual, /310 items/);
      await keeper.until("restored", { ...restore, operation: "DeleteItem", from: 150, count: 60 });
      last(await keeper.until("checked", { do: "check", enough: 1_000 }), "checked");
      await keeper.until("bye", { do: "end" });
      said.push({ program: "keeper", event: differs });
    });
  });

  it("keeps a table for each form, which libraries of one form share", async () => {
    const base = tableName();
    const adapters = ["aws-sdk", "mizzle", "dynamoose", "electrodb", "dynamoose"];
    const keeper = talkTo("keeper");
    const lanes = adapters.map((adapter, lane) => ({ lane, adapter }));
    await keeper.until(
      "ready",
      openKeeper(base, 120, { lanes, rehearsalTable: `${base}-r`, scanPart: { table: `${base}-p`, items: 40 } }),
    );
    const created = await keeper.until("created", { do: "create" });
    assert.ok(created.some((event) => event.event === "progress" && event.total === 3 * (120 + REHEARSAL.items + 40)));
    const forms = await Promise.all(
      adapters.map(async (name) => (await findAdapter(name)).form("documented", ORDERS.shape)),
    );
    const tables = await Promise.all(forms.map((form) => openTable(settings(), tableOf(base, form), form, ORDERS)));
    assert.equal(new Set(tables.map(({ name }) => name)).size, 3);
    for (const [lane, table] of tables.entries()) {
      assert.equal(await compareTable(table, 120, SEED), null);
      await keeper.until("prepared", { do: "prepare", lane, from: 0, count: 5 });
      assert.equal(await table.itemCount("table"), 125, `${adapters[lane]} has its items in its own table`);
      const restore = { do: "restore", lanes: [lane], round: 0, from: 0, count: 5 };
      await keeper.until("restored", { ...restore, operation: "DeleteItem" });
      last(await keeper.until("checked", { do: "check", enough: 1_000 }), "checked");
      table.close();
    }
    await keeper.until("dropped", { do: "drop" });
    await keeper.until("bye", { do: "end" });
  });

  it("never touches a table that is there already", async () => {
    await withTable(5, async (table) => {
      const keeper = talkTo("keeper");
      await keeper.until("ready", openKeeper(baseOf(table), 5));
      await assert.rejects(keeper.until("created", { do: "create" }));
      const failed = last(keeper.events, "failed");
      assert.match(failed.message, /there is a table named .* already/);
      assert.equal(await keeper.ended, 1);
      assert.equal(await compareTable(table, 5, SEED), null);
    });
  });

  it("makes only the tables that a kept database doesn't hold, and finds what changed in the others", async () => {
    const natural = (await findAdapter("dynamoose")).form("documented", ORDERS.shape);
    await withTable(120, async (table) => {
      const keeper = talkTo("keeper");
      const lanes = ["aws-sdk", "dynamoose"].map((adapter, lane) => ({ lane, adapter }));
      await keeper.until("ready", openKeeper(baseOf(table), 120, { lanes }));
      const created = await keeper.until("created", { do: "create", kept: true });
      assert.equal(last(created, "created").made, 1);
      last(await keeper.until("checked", { do: "check", enough: 1_000 }), "checked");
      await table.put(ORDERS.with(ORDERS.orderOf(7, SEED), "changed"));
      assert.match(last(await keeper.until("differs", { do: "check", enough: 1_000 }), "differs").actual, /changed/);
      const other = await openTable(settings(), tableOf(baseOf(table), natural), natural, ORDERS);
      await other.drop();
      other.close();
      await keeper.until("bye", { do: "end" });
    });
  });

  it("drops the tables that it made when its parent is gone", async () => {
    const table = tableName();
    const keeper = talkTo("keeper");
    await keeper.until("ready", openKeeper(table, 10));
    await keeper.until("created", { do: "create" });
    keeper.hangUp();
    assert.equal(await keeper.ended, 0);
    const again = talkTo("keeper");
    await again.until("ready", openKeeper(table, 10));
    await again.until("created", { do: "create" });
    await again.until("dropped", { do: "drop" });
    await again.until("bye", { do: "end" });
  });

  it("says so when there is no server", async () => {
    const keeper = talkTo("keeper");
    await keeper.until("ready", openKeeper("nothing", 10, { endpoint: "http://127.0.0.1:1" }));
    await assert.rejects(keeper.until("created", { do: "create" }));
    assert.match(last(keeper.events, "failed").message, /ECONNREFUSED/);
    assert.equal(await keeper.ended, 1);
  });
});

describe("the fixture", () => {
  after(() => endpoint());

  it("has one line for each event of both programs, each of the shape that is really said", () => {
    const fixture = readFileSync(join(FIXTURES, "events.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Event);
    for (const { program, event } of said) {
      assert.ok(
        fixture.some((line) => sameShape(line, event)),
        `nothing in the fixture is like the ${program}'s ${JSON.stringify(event).slice(0, 300)}`,
      );
    }
    for (const line of fixture) {
      assert.ok(
        said.some(({ event }) => sameShape(event, line)),
        `nothing is said like the fixture's ${JSON.stringify(line).slice(0, 300)}`,
      );
    }
  });
});

/** Whether two values have the same names and the same types; null is like anything, and a list like one of its kind. */
function sameShape(a: unknown, b: unknown, top = true): boolean {
  if (!top && (a === null || b === null)) {
    return true;
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    const kinds = new Set([a, b].flat().map((each) => typeof each));
    return Array.isArray(a) && Array.isArray(b) && kinds.size <= 1 && !kinds.has("object");
  }
  if (typeof a === "object" && typeof b === "object") {
    const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
    return (
      Object.keys(x).sort().join() === Object.keys(y).sort().join() &&
      x.event === y.event &&
      Object.keys(x).every((name) => sameShape(x[name], y[name], false))
    );
  }
  return typeof a === typeof b;
}

function openLine(more: object): string {
  return JSON.stringify({ ...openSuite("nothing", 10), ...more });
}
