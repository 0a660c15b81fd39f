// The real Mizzle, where it is installed: it isn't in package.json, so that this needs BENCH_MIZZLE_INSTALL, a folder
// whose node_modules holds it.

import assert from "node:assert/strict";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { OPERATIONS } from "../src/protocol.js";
import { findPackage } from "../src/versions.js";
import { DIST, openSuite, SEED, TWO_PAGES, talkTo, withTable } from "./support.js";

const install = process.env.BENCH_MIZZLE_INSTALL;
const there = install !== undefined && install !== "" && findPackage("@aurios/mizzle", resolve(install)) !== null;
const skip = there
  ? false
  : `SKIPPED: the real Mizzle is not here (BENCH_MIZZLE_INSTALL is ${install ? `${install}, without @aurios/mizzle` : "not set"})`;

describe("mizzle", () => {
  if (skip !== false) {
    console.error(skip);
  }
  it("does the six operations right, by its own ways", { skip }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "bench-mizzle-"));
    try {
      await cp(DIST, join(folder, "dist"), { recursive: true });
      await cp(join(DIST, "../package.json"), join(folder, "package.json"));
      await symlink(resolve(install ?? "", "node_modules"), join(folder, "node_modules"));
      await withTable(TWO_PAGES, async (table) => {
        const suite = talkTo("suite", join(folder, "dist"));
        await suite.until("ready", openSuite(table.name, TWO_PAGES, { target: "mizzle", adapter: "mizzle" }));
        const events = await suite.until("verified-all", { do: "verify", operations: OPERATIONS });
        const verified = events.filter((event) => event.event === "verified");
        assert.deepEqual(
          verified.map((event) => event.operation),
          [...OPERATIONS],
          JSON.stringify(events),
        );
        const query = verified.find((event) => event.operation === "Query")?.work;
        assert.equal(query?.itemsReturned, 20);
        assert.ok(query.itemsScanned === 20 || query.itemsScanned === 100);
        const scan = verified.find((event) => event.operation === "Scan")?.work;
        assert.equal(scan?.itemsReturned, TWO_PAGES);
        await suite.until("bye", { do: "end" });
        assert.equal(await suite.ended, 0);
        assert.equal(await table.compare(TWO_PAGES, SEED), null);
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
