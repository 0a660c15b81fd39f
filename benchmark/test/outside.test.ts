// Adapters outside this repository: what is said of one that isn't whole, which packages of the SDK it loads, and how an
// adapter's imports become those of an application. Needs no server.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { adapter as sdk } from "../src/adapters/aws-sdk.js";
import { withStaticImports } from "../src/bundling/static-imports.js";
import { isSameForm } from "../src/form.js";
import { type OutsideAdapter, problemOf } from "../src/outside/adapter.js";
import { sdkPackages } from "../src/suite/sdk.js";
import { NATURAL, ORDERS, PREFIXED } from "./support.js";

const whole: OutsideAdapter = { ...sdk, name: "Mine", package: "mine" };

describe("an adapter outside this repository", () => {
  it("is one where it is whole", () => {
    assert.equal(problemOf(whole), null);
  });

  it("is refused with the first thing that is wrong", () => {
    const { Scan: _, ...without } = whole.calls.documented;
    const form = (name: string, more: object = {}) => ({ ...whole, form: () => ({ ...PREFIXED, name, ...more }) });
    for (const [found, words] of [
      [undefined, "it exports no adapter"],
      ["text", "its adapter is no object"],
      [{ ...whole, name: "" }, "adapter.name is missing"],
      [{ ...whole, package: undefined }, "adapter.package is missing"],
      [{ ...whole, load: {} }, "adapter.load is missing"],
      [{ ...whole, calls: { documented: {} } }, "adapter.calls is missing or not whole"],
      [{ ...whole, calls: { ...whole.calls, documented: without } }, "adapter.calls.documented.Scan"],
      [{ ...whole, calls: { ...whole.calls, sameRequest: { Query: {} } } }, "adapter.calls.sameRequest.Query"],
      [{ ...whole, calls: { ...whole.calls, indexQuery: {} } }, "adapter.calls.indexQuery"],
      [{ ...whole, caveats: ["slow"] }, "adapter.caveats"],
      [{ ...whole, form: () => ({}) }, 'adapter.form("documented"): it gives no form'],
      [form("my form"), "its name is no part of a table's name"],
      [form("mine", { partition: "id" }), "keyOf gives an item without id"],
      [form("natural"), "natural, is that of another form"],
    ] as const) {
      assert.match(problemOf(found) ?? "nothing", new RegExp(words.replace(/[.()]/g, "\\$&")));
    }
  });

  it("may write items as a library of this repository does", () => {
    assert.ok(isSameForm(PREFIXED, { ...PREFIXED }, ORDERS));
    assert.ok(!isSameForm(PREFIXED, { ...NATURAL, name: PREFIXED.name }, ORDERS));
  });
});

describe("the packages of the SDK that were loaded", () => {
  it("are named once each, wherever they lie", () => {
    const root = mkdtempSync(join(tmpdir(), "sdk-"));
    try {
      const install = (path: string, version: string) => {
        const folder = join(root, path);
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, "package.json"), JSON.stringify({ version }));
        return ["dist-cjs/index.js", "dist-cjs/submodules/more.js"].map((file) => join(folder, file));
      };
      const modules = [
        ...install("node_modules/@smithy/core", "3.41.0"),
        ...install("node_modules/@aws-sdk/core", "3.9.0"),
        ...install("node_modules/library", "1.0.0"),
        ...install("node_modules/library/node_modules/@smithy/core", "3.41.1"),
        ...install("node_modules/other/node_modules/@smithy/core", "3.41.0"),
      ];
      assert.deepEqual(sdkPackages(modules), ["@aws-sdk/core@3.9.0", "@smithy/core@3.41.0", "@smithy/core@3.41.1"]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe("an adapter's imports for a bundle", () => {
  it("stand at the top where they were inside a function", () => {
    const text = [
      'const PACKAGE: string = "mizzle";',
      "async function load() {",
      '  const { Client, default: Lib } = await import("a");',
      "  const {\n    get: read,\n  } = await import('b/c');",
      "  const library = (await import(PACKAGE)) as Mizzle;",
      "}",
    ].join("\n");
    const made = withStaticImports(text);
    assert.match(made, /^import \{ Client as imported0__, default as imported1__ \} from "a"; import \{ get as/);
    assert.match(made, /import \* as imported3__ from "mizzle";/);
    assert.match(made, /const Client = imported0__, Lib = imported1__;/);
    assert.match(made, /const read = imported2__;/);
    assert.match(made, /const library = \(imported3__\) as Mizzle;/);
  });

  it("stay where they are if they are not understood", () => {
    for (const text of [
      "const { a = 1 } = await import('x');",
      "const { ...all } = await import('x');",
      "const found = condition ? await import('x') : null;",
      "for (const name of names) await import(name);",
    ]) {
      assert.equal(withStaticImports(text), text);
    }
  });
});
