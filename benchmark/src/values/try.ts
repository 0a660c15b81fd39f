// Tries what comes back of values that libraries treat differently. Each is written and read through the library, in an
// item of its own with a schema of its own, to a table of its own; what lies there is looked at with the bare SDK. Whatever
// the library does, an error included, is an outcome.

import type { Adapter, Library, OrderTable } from "../adapters/adapter.js";
import { DataSet, type Key } from "../dataset.js";
import { tableOf } from "../form.js";
import { type CallLimit, callLimit } from "../measure/limit.js";
import type { CallKind, ValueOutcome } from "../protocol.js";
import { like } from "../shapes/example.js";
import { type Attribute, places, type Shape } from "../shape.js";
import { type BareTable, openTable } from "../table/bare-table.js";
import { clientConfig } from "../table/client.js";
import { describeError } from "../worker/events.js";
import { TRIED_VALUES, type TriedValue } from "./kinds.js";
import { firstLine, outcomeOf, outcomeOfNumber, type Returned, storedOf } from "./outcome.js";

/** Milliseconds after which a call is given up. */
const CALL_LIMIT_MS = 3000;

/** The attribute that holds the value. */
const CONTENT = "content";

/** Items of two keys and nothing else but a text, until a value takes its place. */
const ITEMS = new DataSet(
  like({
    name: "value",
    partition: "ownerId",
    sort: "valueId",
    ownKeys: false,
    updated: null,
    item: { ownerId: "00000000", valueId: "00000000", [CONTENT]: "text" },
  }),
);

export interface TryOptions {
  adapter: Adapter;
  library: Library;
  calls: CallKind;
  endpoint: string;
  /** A table that isn't there: it is made, and dropped afterwards. */
  bare: BareTable;
}

/** Opens the table of a library's items, by the bare SDK; its name begins as given. */
export function openValuesTable(
  { adapter, calls, endpoint }: Omit<TryOptions, "bare" | "library">,
  name: string,
): Promise<BareTable> {
  const form = adapter.form(calls, ITEMS.shape);
  return openTable({ endpoint, callTimeoutMs: CALL_LIMIT_MS }, tableOf(name, form), form, ITEMS);
}

/** A library that is tried. */
interface Trial {
  adapter: Adapter;
  bare: BareTable;
  limit: CallLimit;
  /** Opens the table with a schema for items of a shape. */
  open(shape: Shape): Promise<Opened>;
}

interface Opened {
  table: OrderTable;
  close(): void;
}

/**
 * Tries every value. Gives why none was tried, or null: an adapter that doesn't make its schema of the items' attributes
 * would lose a plain text as well, which would say nothing of its library.
 */
export async function tryValues(
  options: TryOptions,
  onOutcome: (outcome: ValueOutcome) => void,
): Promise<string | null> {
  const { adapter, library, calls, endpoint, bare } = options;
  const limit = callLimit(CALL_LIMIT_MS);
  const open = async (shape: Shape): Promise<Opened> => {
    const config = clientConfig({ endpoint, callTimeoutMs: CALL_LIMIT_MS });
    const connection = await library.connect(config, calls, shape);
    return { table: connection.table(bare.name), close: () => connection.close() };
  };
  try {
    await bare.create();
    const trial = { adapter, bare, limit, open };
    const text = await tried(trial, 0, { attribute: "string", make: () => "text" });
    if (text.outcome !== "same") {
      return `a plain text was not kept: ${text.detail ?? "it was left out"}`;
    }
    for (const [at, value] of TRIED_VALUES.entries()) {
      onOutcome({ kind: value.kind, ...(await tried(trial, at + 1, value)) });
    }
    return null;
  } finally {
    limit.close();
    await bare.drop().finally(() => bare.close());
  }
}

type Tried = Omit<ValueOutcome, "kind">;

async function tried(trial: Trial, number: number, value: Omit<TriedValue, "kind">): Promise<Tried> {
  const { adapter, bare } = trial;
  const shape = shapeOf(value.attribute, value.make() === "");
  const hasNoType = (attribute: Attribute) => adapter.hasNoTypeFor?.(attribute) === true;
  const untyped = places(shape.attributes).some(({ attribute }) => hasNoType(attribute));
  const key = ITEMS.keyOf(number);
  const opened = await opening(trial, shape);
  if ("outcome" in opened) {
    return { ...opened, storedType: null, stored: null, untyped };
  }
  try {
    const returned = await writtenAndRead(trial, opened.table, key, value);
    const item = await bare.getTyped(key);
    return { ...returned, ...storedOf(item?.[CONTENT] as never), untyped };
  } finally {
    opened.close();
  }
}

/** The table with a schema for the value, or that it could not be declared. */
async function opening(trial: Trial, shape: Shape): Promise<Opened | Returned> {
  try {
    return await trial.open(shape);
  } catch (error) {
    return { outcome: "no-type", detail: firstLine(describeError(error)) };
  }
}

async function writtenAndRead(
  { bare, limit }: Trial,
  table: OrderTable,
  key: Key,
  { make, foreignNumber }: Omit<TriedValue, "kind">,
): Promise<Returned> {
  try {
    await limit.run(async () => table.put({ ...key, [CONTENT]: make() }));
  } catch (error) {
    return { outcome: "refused", detail: firstLine(describeError(error)) };
  }
  if (foreignNumber !== undefined) {
    await bare.setTyped(key, CONTENT, { N: foreignNumber });
  }
  let item: unknown;
  try {
    item = table.toOrder(await limit.run(async () => table.get(key)));
  } catch (error) {
    return { outcome: "unreadable", detail: firstLine(describeError(error)) };
  }
  if (typeof item !== "object" || item === null) {
    return { outcome: "unreadable", detail: "no item came back" };
  }
  const returned = (item as Record<string, unknown>)[CONTENT];
  return foreignNumber === undefined ? outcomeOf(make(), returned) : outcomeOfNumber(foreignNumber, returned);
}

/** Items whose content is of this type, and may be missing. */
function shapeOf(attribute: Attribute, isEmpty: boolean): Shape {
  const { shape } = ITEMS;
  return {
    ...shape,
    attributes: { ...shape.attributes, [CONTENT]: attribute },
    optional: [CONTENT],
    empty: isEmpty ? [CONTENT] : [],
  };
}
