// What the tests share: the server they talk to, tables that go away again, and workers that are talked to as their
// parent does.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { adapterNames, findAdapter } from "../src/adapters/index.js";
import { DataSet } from "../src/dataset.js";
import { type ItemForm, natural, prefixed, tableOf } from "../src/form.js";
import type { CallKind, Data, Event } from "../src/protocol.js";
import { order } from "../src/shapes/order.js";
import { type BareTable, openTable } from "../src/table/bare-table.js";
import { seedTable } from "../src/table/seed.js";

export const SEED = 7;

/** The data set of a default run, and its description in a command. */
export const ORDERS = new DataSet(order);
/** Of more than a page in few items. */
export const REHEARSAL = ORDERS.rehearsal();
export const ORDER_DATA: Data = { shape: "order", example: null, queryItems: 20, queryBy: "table" };
export const PREFIXED = prefixed(ORDERS.shape);
export const NATURAL = natural(ORDERS.shape);
export const CALL_TIMEOUT_MS = 30_000;

/** How long a worker may be silent. */
const PATIENCE_MS = 60_000;

/** More than a page (1 MB) of a scan. */
export const TWO_PAGES = 3000;

export const DIST = join(dirname(fileURLToPath(import.meta.url)), "../..");
export const FIXTURES = join(DIST, "../test/fixtures");

export function endpoint(): string {
  const url = process.env.BENCH_ENDPOINT;
  assert.ok(url, "BENCH_ENDPOINT is not set: these tests need a running DynamoDB Local; `cargo xtask test` starts one");
  return url;
}

export const settings = () => ({ endpoint: endpoint(), callTimeoutMs: CALL_TIMEOUT_MS });

export function tableName(): string {
  return `test-${randomBytes(6).toString("hex")}`;
}

/** What a table's name begins with: what a suite or a keeper is given. */
export function baseOf(table: BareTable): string {
  return table.name.slice(0, -`-${table.form.name}`.length);
}

/** Opens a table that doesn't exist yet, of a form. */
export function newTable(form: ItemForm = PREFIXED, data = ORDERS): Promise<BareTable> {
  return openTable(settings(), tableOf(tableName(), form), form, data);
}

/** Gives a new table with so many items, and drops it afterwards. */
export async function withTable<T>(
  items: number,
  act: (table: BareTable) => Promise<T>,
  { form = PREFIXED, data = ORDERS }: { form?: ItemForm; data?: DataSet } = {},
): Promise<T> {
  const table = await newTable(form, data);
  await table.create();
  try {
    await seedTable(table, items, SEED);
    return await act(table);
  } finally {
    await table.drop();
    table.close();
  }
}

/** The libraries of package.json, each of which has an adapter: all but Mizzle. */
export const LIBRARIES = adapterNames().filter((name) => name !== "mizzle");

/** One table of so many items for each form, made when it is first asked for. */
export class Tables {
  private readonly made = new Map<string, Promise<BareTable>>();

  constructor(
    readonly items: number,
    readonly data = ORDERS,
  ) {}

  /** The table that a library finds, by its kind of call. */
  async of(library: string, calls: CallKind = "documented"): Promise<BareTable> {
    const form = (await findAdapter(library)).form(calls, this.data.shape);
    const found = this.made.get(form.name) ?? this.make(form);
    this.made.set(form.name, found);
    return found;
  }

  async drop(): Promise<void> {
    for (const made of this.made.values()) {
      const table = await made;
      await table.drop();
      table.close();
    }
  }

  private async make(form: ItemForm): Promise<BareTable> {
    const table = await newTable(form, this.data);
    await table.create();
    await seedTable(table, this.items, SEED);
    return table;
  }
}

export interface Talk {
  process: ChildProcess;
  /** All events so far. */
  events: Event[];
  /** Says a command, if one is given, and gives the events up to the one of a name. */
  until(name: Event["event"], command?: object | string): Promise<Event[]>;
  /** Closes standard input. */
  hangUp(): void;
  /** Waits for the end and gives the exit code. */
  ended: Promise<number | null>;
  stderr(): string;
}

const children = new Set<ChildProcess>();

// A test that failed may have left its worker running.
after(() => {
  for (const child of children) {
    child.kill("SIGKILL");
  }
});

/** Starts suite.js or keeper.js of `folder` and talks to it. A line that is no JSON object fails the test. */
export function talkTo(program: "suite" | "keeper", folder = DIST): Talk {
  const child = spawn(process.execPath, [join(folder, `${program}.js`)], { stdio: ["pipe", "pipe", "pipe"] });
  children.add(child);
  const events: Event[] = [];
  let stderr = "";
  let wake = () => {};
  let over = false;
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    events.push(JSON.parse(line) as Event);
    wake();
  });
  const ended = new Promise<number | null>((resolve) => {
    child.on("close", (code) => {
      over = true;
      children.delete(child);
      wake();
      resolve(code);
    });
  });
  child.stdin.on("error", () => {});
  let read = 0;
  return {
    process: child,
    events,
    ended,
    stderr: () => stderr,
    hangUp: () => child.stdin.end(),
    async until(name, command) {
      if (command !== undefined) {
        child.stdin.write(`${typeof command === "string" ? command : JSON.stringify(command)}\n`);
      }
      const first = read;
      for (;;) {
        while (read < events.length) {
          const event = events[read++] as Event;
          if (event.event === name) {
            return events.slice(first, read);
          }
          assert.notEqual(event.event, "failed", JSON.stringify(event));
        }
        assert.ok(!over, `${program} ended before ${name}: ${stderr}`);
        await new Promise<void>((resolve, reject) => {
          const since = JSON.stringify(events.slice(first));
          const late = setTimeout(
            () => reject(new Error(`no ${name} from the ${program}, only ${since}`)),
            PATIENCE_MS,
          );
          wake = () => {
            clearTimeout(late);
            resolve();
          };
        });
      }
    },
  };
}

/** The last of a list of events, which is of this name. */
export function last<N extends Event["event"]>(events: Event[], name: N): Extract<Event, { event: N }> {
  const event = events.at(-1);
  assert.equal(event?.event, name);
  return event as Extract<Event, { event: N }>;
}

export function openSuite(table: string, items: number, more: object = {}) {
  return {
    do: "open",
    target: "aws-sdk",
    adapter: "aws-sdk",
    calls: "documented",
    data: ORDER_DATA,
    endpoint: endpoint(),
    recordedEndpoint: endpoint(),
    table,
    rehearsalTable: null,
    scanPart: null,
    items,
    seed: SEED,
    round: 0,
    lane: 3,
    pool: 16,
    callTimeoutMs: CALL_TIMEOUT_MS,
    handicap: {},
    twice: {},
    ...more,
  };
}

/** A measure command with no call before those that are measured. */
export function measure(operation: string, phase: string, calls: number, more: object = {}) {
  return { do: "measure", operation, phase, calls, leadIn: 0, from: 0, ...more };
}

export function openKeeper(table: string, items: number, more: object = {}) {
  return {
    do: "open",
    endpoint: endpoint(),
    calls: "documented",
    data: ORDER_DATA,
    lanes: [{ lane: 3, adapter: "aws-sdk" }],
    table,
    rehearsalTable: null,
    scanPart: null,
    items,
    seed: SEED,
    ...more,
  };
}
