// The real Mizzle, where it is installed: it isn't in package.json, so that this needs BENCH_MIZZLE_INSTALL, a folder
// whose node_modules holds it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { findAdapter } from "../src/adapters/index.js";
import { dataSet } from "../src/dataset.js";
import { poolSize } from "../src/operations.js";
import { OPERATIONS } from "../src/protocol.js";
import { compareTable } from "../src/table/seed.js";
import { type Asked, Recorder } from "./recorder.js";
import { baseOf, DIST, endpoint, last, openSuite, ORDER_DATA, SEED, TWO_PAGES, talkTo, withTable } from "./support.js";
import { described, unequal } from "./wire.js";

const install = process.env.BENCH_MIZZLE_INSTALL;
const there = install !== undefined && install !== "" && existsSync(resolve(install, "node_modules/@aurios/mizzle"));
const skip = there
  ? false
  : `SKIPPED: the real Mizzle is not here (BENCH_MIZZLE_INSTALL is ${install ? `${install}, without @aurios/mizzle` : "not set"})`;

/** Enough for the range of a query. */
const RECORDS = 120;

describe("mizzle", () => {
  if (skip !== false) {
    console.error(skip);
  }
  for (const calls of ["documented", "same-request"] as const) {
    it(`does the six operations right in ${calls} calls, which ask for what its adapter says`, { skip }, async () => {
      await withMizzle(async (dist, recorder) => {
        await withTable(TWO_PAGES, async (table) => {
          const suite = talkTo("suite", dist);
          const open = openSuite(baseOf(table), TWO_PAGES, {
            target: "mizzle",
            adapter: "mizzle",
            calls,
            recordedEndpoint: recorder.endpoint,
          });
          await suite.until("ready", open);
          const events = await suite.until("verified-all", { do: "verify", operations: OPERATIONS, full: true });
          const verified = events.filter((event) => event.event === "verified");
          assert.deepEqual(
            verified.map((event) => event.operation),
            [...OPERATIONS],
            JSON.stringify(events),
          );
          assert.deepEqual(recorder.take(), []);
          assert.equal(await compareTable(table, TWO_PAGES, SEED), null, "verification leaves no trace");
          const sent: Asked[] = [];
          for (const operation of ["GetItem", "UpdateItem", "Query", "Scan"] as const) {
            const pool = poolSize(operation, open.pool);
            const [calls, requests, items] = operation === "Scan" ? [1, 2, TWO_PAGES] : [pool, pool, null];
            const recorded = last(await suite.until("recorded", { do: "record", operation }), "recorded");
            assert.deepEqual([recorded.calls, recorded.items], [calls, items]);
            const first = recorder.take(operation);
            assert.equal(first.length, requests);
            await suite.until("end", { do: "warm-up", operation, calls, ground: "recorded" });
            assert.deepEqual(recorder.take(operation), first, "the same bodies each time");
            sent.push(...first);
          }
          assert.deepEqual(unequal(sent), described(await findAdapter("mizzle"), calls));
          const tried = await suite.until("values-tried", { do: "values" });
          const values = new Map(tried.flatMap((event) => (event.event === "value" ? [[event.kind, event]] : [])));
          assert.deepEqual(
            [values.get("string-set")?.outcome, values.get("buffer")?.detail, values.get("date")?.untyped],
            ["same", "Uint8Array", true],
          );
          await suite.until("bye", { do: "end" });
          assert.equal(await suite.ended, 0);
        });
      });
    });
  }

  it("queries by a secondary index as its adapter says", { skip }, async () => {
    const description = { ...ORDER_DATA, shape: "record", queryBy: "index" as const };
    const data = dataSet(description);
    const adapter = await findAdapter("mizzle");
    await withMizzle((dist, recorder) =>
      withTable(
        RECORDS,
        async (table) => {
          const suite = talkTo("suite", dist);
          await suite.until(
            "ready",
            openSuite(baseOf(table), RECORDS, {
              target: "mizzle",
              adapter: "mizzle",
              data: description,
              recordedEndpoint: recorder.endpoint,
            }),
          );
          const events = await suite.until("verified-all", { do: "verify", operations: ["Query"], full: true });
          assert.equal(events[0]?.event, "verified", JSON.stringify(events));
          await suite.until("recorded", { do: "record", operation: "Query" });
          const asked = recorder.take();
          assert.ok(asked.length > 0 && asked.every(({ body }) => body.includes('"IndexName":"gsi1"')));
          assert.ok(unequal(asked).every((operation) => described(adapter, "documented", data).includes(operation)));
          await suite.until("bye", { do: "end" });
        },
        { form: adapter.form("documented", data.shape), data },
      ),
    );
  });
});

/** Makes a program of which Mizzle can be imported, and a server between it and the database. */
async function withMizzle(act: (dist: string, recorder: Recorder) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bench-mizzle-"));
  const recorder = await Recorder.start(endpoint());
  try {
    await cp(DIST, join(folder, "dist"), { recursive: true });
    await cp(join(DIST, "../package.json"), join(folder, "package.json"));
    await symlink(resolve(install ?? "", "node_modules"), join(folder, "node_modules"));
    await act(join(folder, "dist"), recorder);
  } finally {
    // Left open, it would keep the tests from ending.
    recorder.close();
    await rm(folder, { recursive: true, force: true });
  }
}
