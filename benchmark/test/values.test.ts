// What comes back of values that libraries treat differently: what is pure of it, and the libraries of a default run against
// a real server (Mizzle's are in mizzle.test.ts).

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Adapter, type Library } from "../src/adapters/adapter.js";
import { findAdapter } from "../src/adapters/index.js";
import type { ValueKind, ValueOutcome } from "../src/protocol.js";
import { TRIED_VALUES } from "../src/values/kinds.js";
import { firstLine, outcomeOf, outcomeOfNumber, storedOf } from "../src/values/outcome.js";
import { openValuesTable, tryValues } from "../src/values/try.js";
import { endpoint, tableName } from "./support.js";

describe("what comes back of a value", () => {
  const bytes = [1, 2, 3];

  it("is the same only where type and content are", () => {
    for (const { kind, make } of TRIED_VALUES.filter(({ kind }) => !kind.startsWith("undefined"))) {
      assert.deepEqual(outcomeOf(make(), make()), { outcome: "same", detail: null }, kind);
    }
    assert.equal(outcomeOf(new Set(["a", "b"]), new Set(["b", "a"])).outcome, "same");
    assert.equal(outcomeOf(Uint8Array.from(bytes), Buffer.from(bytes)).outcome, "same", "a Buffer is a Uint8Array");
    class Own {
      kept = "text";
    }
    assert.equal(outcomeOf({ kept: "text" }, new Own()).outcome, "same");
  });

  it("is described in few words where it is something else", () => {
    for (const [given, returned, detail] of [
      [Buffer.from(bytes), Uint8Array.from(bytes), "Uint8Array"],
      [Buffer.from(bytes), Buffer.from([1]), "Buffer"],
      [Buffer.from(bytes), "AQID", '"AQID"'],
      [new Set(["a", "b"]), ["a", "b"], "[ 'a', 'b' ]"],
      [2 ** 53 + 2, 2n ** 53n + 2n, "9007199254740994n"],
      [2n ** 53n + 1n, 2 ** 53, "9007199254740992"],
      ["", null, "null"],
      [Number.NaN, null, "null"],
      [[], {}, "{}"],
      [new Date(1_500), new Date(1_000), "Date, −500 ms"],
      ["", "x".repeat(99), `"${"x".repeat(38)}…`],
    ] as const) {
      assert.deepEqual(outcomeOf(given, returned), { outcome: "changed", detail });
    }
  });

  it("is left out where nothing is there, or nothing of what was undefined", () => {
    assert.equal(outcomeOf("", undefined).outcome, "left-out");
    assert.equal(outcomeOf(undefined, undefined).outcome, "left-out");
    assert.deepEqual(outcomeOf(undefined, null), { outcome: "changed", detail: "null" });
    const map = { kept: "text", gone: undefined };
    assert.equal(outcomeOf(map, { kept: "text" }).outcome, "left-out");
    assert.deepEqual(outcomeOf(map, undefined), { outcome: "changed", detail: "nothing" });
    assert.equal(outcomeOf(map, { kept: "text", gone: null }).outcome, "changed");
  });

  it("of a number with many digits is the same as a text, a bigint or the SDK's own class", () => {
    const digits = "3.1415926535897932384626433832795028842";
    assert.equal(outcomeOfNumber(digits, digits).outcome, "same");
    assert.equal(outcomeOfNumber(digits, { value: digits }).outcome, "same");
    assert.equal(outcomeOfNumber("12345678901234567890", 12345678901234567890n).outcome, "same");
    assert.deepEqual(outcomeOfNumber(digits, Number(digits)), { outcome: "changed", detail: "3.141592653589793" });
  });

  it("and what is stored and said is short", () => {
    assert.deepEqual(storedOf({ SS: ["a"] }), { storedType: "SS", stored: '["a"]' });
    assert.deepEqual(storedOf({ B: Uint8Array.from(bytes) }), { storedType: "B", stored: "AQID" });
    assert.deepEqual(storedOf(undefined), { storedType: null, stored: null });
    assert.equal(firstLine("Error: no\nmore"), "Error: no");
    assert.equal(firstLine("x".repeat(1000)).length, 160);
  });
});

async function outcomes(
  adapter: Adapter,
  library: Library,
): Promise<{ untried: string | null; found: ValueOutcome[] }> {
  const of = { adapter, calls: "documented", endpoint: endpoint() } as const;
  const bare = await openValuesTable(of, tableName());
  const found: ValueOutcome[] = [];
  const untried = await tryValues({ ...of, library, bare }, (outcome) => found.push(outcome));
  await assert.rejects(async () => bare.scanCount("table"), "the table is gone");
  return { untried, found };
}

/** An outcome in a few words, as `changed B Uint8Array`. */
const inShort = ({ outcome, storedType, detail }: ValueOutcome) =>
  [outcome, storedType, outcome === "changed" ? detail : null].filter((word) => word !== null).join(" ");

/** What is known of some libraries, by their documentation and their code. */
const KNOWN: Record<string, Partial<Record<ValueKind, string>>> = {
  "aws-sdk": {
    "string-set": "same SS",
    buffer: "changed B Uint8Array",
    "large-number": "refused",
    "large-bigint": "same N",
    "long-number": "changed N 3.141592653589793",
    "empty-string": "same S",
    "empty-set": "refused",
    "undefined-in-map": "refused",
    date: "refused",
  },
  dynamoose: { "string-set": "same SS", buffer: "same B", "uint8-array": "refused", null: "same NULL", date: "same N" },
  electrodb: { "string-set": "changed SS [ 'a', 'b' ]", "uint8-array": "same B", "undefined-in-map": "left-out M" },
};

describe("a library", () => {
  for (const [name, known] of Object.entries(KNOWN)) {
    it(`${name} has an outcome for every value, and those that are known`, async () => {
      const adapter = await findAdapter(name);
      const { untried, found } = await outcomes(adapter, await adapter.load());
      assert.equal(untried, null);
      assert.deepEqual(
        found.map(({ kind }) => kind),
        TRIED_VALUES.map(({ kind }) => kind),
      );
      const isKnown = (kind: ValueKind) => kind in known;
      assert.deepEqual(
        Object.fromEntries(found.filter(({ kind }) => isKnown(kind)).map((each) => [each.kind, inShort(each)])),
        known,
      );
      for (const { kind, outcome, detail } of found) {
        assert.equal(detail === null, ["same", "left-out"].includes(outcome), `${name}, ${kind}`);
      }
    });
  }

  it("that throws anywhere has outcomes, and one that loses a plain text is not tried", async () => {
    const adapter = await findAdapter("aws-sdk");
    const honest = await adapter.load();
    const with_ = (change: (kind: unknown, table: object) => object): Library => ({
      async connect(config, calls, shape) {
        const connection = await honest.connect(config, calls, shape);
        const { content } = shape.attributes;
        if (content === "null") {
          throw new TypeError("no type for null");
        }
        return { ...connection, table: (name) => change(content, connection.table(name)) as never };
      },
    });
    const throws = with_((content, table) =>
      content === "date"
        ? {
            ...table,
            put() {
              throw new TypeError("not a promise");
            },
          }
        : content === "binary"
          ? { ...table, get: async () => Promise.reject(new Error("unreadable")) }
          : table,
    );
    const { found } = await outcomes(adapter, throws);
    const of = (kind: ValueKind) => found.find((each) => each.kind === kind);
    assert.deepEqual([of("null")?.outcome, of("null")?.detail], ["no-type", "TypeError: no type for null"]);
    assert.deepEqual([of("date")?.outcome, of("date")?.detail], ["refused", "TypeError: not a promise"]);
    assert.deepEqual([of("buffer")?.outcome, of("buffer")?.storedType], ["unreadable", "B"]);
    const loses = with_((_content, table) => ({ ...table, toOrder: () => ({}) }));
    assert.deepEqual(await outcomes(adapter, loses), {
      untried: "a plain text was not kept: it was left out",
      found: [],
    });
  });
});
