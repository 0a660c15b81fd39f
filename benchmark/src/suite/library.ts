// Opens a library: imports it, which is timed, and connects it twice, to the database and to the parent's server that
// records and answers.

import { findAdapter } from "../adapters/index.js";
import { type Adapter, type Library, notesOf, type OrderTable } from "../adapters/adapter.js";
import { type DataSet, dataSet, LARGEST_POOL } from "../dataset.js";
import { type ItemForm, tableOf } from "../form.js";
import { type CallLimit, callLimit } from "../measure/limit.js";
import type { OpenSuite, Operation, Ready } from "../protocol.js";
import { OPERATIONS } from "../protocol.js";
import type { Shape } from "../shape.js";
import { clientConfig } from "../table/client.js";
import type { Rehearsal } from "../verify/subject.js";
import {
  CALL_KINDS,
  type Command,
  oneOf,
  optionalText,
  readData,
  readFilled,
  text,
  wholeNumber,
} from "../worker/command.js";
import { roundMs } from "../worker/events.js";
import { sdkPackages } from "./sdk.js";

const MIB = 1024 * 1024;

export interface OpenedLibrary {
  adapter: Adapter;
  library: Library;
  ready: Ready;
  data: DataSet;
  form: ItemForm;
  /** The name of its table. */
  table: string;
  /** The table at the database, the rehearsal table there, and the table through the parent's server. */
  database: OrderTable;
  rehearsal: Rehearsal | null;
  recorded: OrderTable;
  /** What Scan reads through the parent's server: the same, or the part of it that stands for a large table. */
  scanned: { table: OrderTable; items: number };
  limit: CallLimit;
  close(): void;
}

export async function openLibrary(settings: OpenSuite): Promise<OpenedLibrary> {
  const adapter = await findAdapter(settings.adapter);
  const at = performance.now();
  const library = await adapter.load();
  const importMs = performance.now() - at;
  const memoryMb = process.memoryUsage.rss() / MIB;
  const data = dataSet(settings.data);
  const [database, recorded] = await connectBoth(library, settings, data.shape);
  const limit = callLimit(settings.callTimeoutMs);
  const form = adapter.form(settings.calls, data.shape);
  const table = tableOf(settings.table, form);
  const { scanPart } = settings;
  const rehearsalTable = settings.rehearsalTable === null ? null : tableOf(settings.rehearsalTable, form);
  return {
    adapter,
    library,
    ready: {
      pid: process.pid,
      importMs: roundMs(importMs),
      memoryMb: roundMs(memoryMb),
      sdkPackages: sdkPackages(),
      adapter: notesOf(adapter, settings.calls, data),
    },
    data,
    form,
    table,
    database: database.table(table),
    rehearsal:
      rehearsalTable === null
        ? null
        : { ...data.rehearsal(), table: database.table(rehearsalTable), name: rehearsalTable },
    recorded: recorded.table(table),
    scanned: {
      table: recorded.table(scanPart === null ? table : tableOf(scanPart.table, form)),
      items: scanPart?.items ?? settings.items,
    },
    limit,
    close() {
      limit.close();
      database.close();
      recorded.close();
    },
  };
}

/** Opens the two connections of a library: to the database, and to the parent's server. */
async function connectBoth(library: Library, settings: OpenSuite, shape: Shape) {
  const { calls, endpoint, recordedEndpoint, callTimeoutMs } = settings;
  return [
    await library.connect(clientConfig({ endpoint, callTimeoutMs }), calls, shape),
    await library.connect(clientConfig({ endpoint: recordedEndpoint, callTimeoutMs }), calls, shape),
  ] as const;
}

/** Reads the command, and looks at each field. */
export function readOpen(command: Command): OpenSuite {
  return {
    target: text(command, "target"),
    adapter: text(command, "adapter"),
    calls: oneOf(command, "calls", CALL_KINDS),
    data: readData(command),
    endpoint: text(command, "endpoint"),
    recordedEndpoint: text(command, "recordedEndpoint"),
    table: text(command, "table"),
    rehearsalTable: optionalText(command, "rehearsalTable"),
    scanPart: readFilled(command, "scanPart"),
    items: wholeNumber(command, "items", 1),
    seed: wholeNumber(command, "seed"),
    round: wholeNumber(command, "round"),
    lane: wholeNumber(command, "lane"),
    pool: wholeNumber(command, "pool", 1, LARGEST_POOL),
    callTimeoutMs: wholeNumber(command, "callTimeoutMs", 1),
    handicap: readNumbers(command, "handicap"),
    twice: readNumbers(command, "twice"),
  };
}

/** A number for each of some operations. */
function readNumbers(command: Command, field: "handicap" | "twice"): Partial<Record<Operation, number>> {
  const given = command[field] ?? {};
  if (typeof given !== "object") {
    throw new TypeError(`open: "${field}" must be an object`);
  }
  const numbers: Command = { ...given, do: `open: ${field}` };
  const named = OPERATIONS.filter((operation) => operation in given);
  return Object.fromEntries(named.map((operation) => [operation, wholeNumber(numbers, operation)]));
}
