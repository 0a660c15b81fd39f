// An adapter outside this repository: what its file must export, and whether it does. It is looked at before anything
// is measured, so that what is wrong with it is said in one sentence.

import { pathToFileURL } from "node:url";
import { type Adapter, notesOf } from "../adapters/adapter.js";
import { DataSet } from "../dataset.js";
import { isSameForm, type ItemForm, natural, prefixed } from "../form.js";
import { type CallKind, OPERATIONS } from "../protocol.js";
import { order as orders } from "../shapes/order.js";
import { CALL_KINDS } from "../worker/command.js";
import { describeError } from "../worker/events.js";

/** An adapter that says of its library what this repository says of its own libraries in a list. */
export interface OutsideAdapter extends Adapter {
  /** The library's name, for people. */
  name: string;
  /** Its package on npm. */
  package: string;
}

/** The items that an adapter is looked at with. */
const ORDERS = new DataSet(orders);

/** What can be part of the name of a table, and leaves it room. */
const FORM_NAME = /^[A-Za-z0-9-]{1,40}$/;

/** Imports the program that was made of an adapter's file. */
export async function importOutside(program: string): Promise<OutsideAdapter> {
  const found = exported((await import(pathToFileURL(program).href)) as Exports);
  const problem = problemOf(found);
  if (problem !== null) {
    throw new Error(problem);
  }
  return found as OutsideAdapter;
}

interface Exports {
  adapter?: unknown;
  default?: unknown;
}

/** What a file exports as its adapter: by that name or by default; of CommonJS, what it assigns. */
function exported({ adapter, default: standard }: Exports): unknown {
  const inner = isObject(standard) && "adapter" in standard ? standard.adapter : standard;
  return adapter ?? inner;
}

/** What keeps something from being an adapter, as the first thing that is wrong; null where nothing is. */
export function problemOf(found: unknown): string | null {
  if (found === undefined) {
    return "it exports no adapter: write `export const adapter: OutsideAdapter = { … }`";
  }
  if (!isObject(found)) {
    return "its adapter is no object";
  }
  for (const name of ["name", "package"]) {
    if (!isText(found[name])) {
      return `adapter.${name} is missing: a text is expected`;
    }
  }
  for (const name of ["form", "load"]) {
    if (typeof found[name] !== "function") {
      return `adapter.${name} is missing: a function is expected`;
    }
  }
  return (
    problemOfCalls(found.calls) ??
    problemOfIndexQuery(found.calls) ??
    problemOfCaveats(found.caveats) ??
    problemOfForms(found as unknown as Adapter)
  );
}

/** Of an adapter whose calls are whole otherwise. */
function problemOfIndexQuery(calls: unknown): string | null {
  const { indexQuery } = calls as Adapter["calls"];
  const { documented, sameRequest = documented } = indexQuery ?? {};
  return indexQuery === undefined || (isWhole(documented) && isWhole(sameRequest))
    ? null
    : 'adapter.calls.indexQuery is not whole: { documented: call("code", "link", "unequal" or nothing) } is expected';
}

/** Whether something describes a call. */
function isWhole(described: unknown): boolean {
  return (
    isObject(described) &&
    isText(described.code) &&
    isText(described.link) &&
    (described.unequal === null || isText(described.unequal))
  );
}

function problemOfCalls(calls: unknown): string | null {
  if (!isObject(calls) || !isObject(calls.documented) || !isObject(calls.sameRequest)) {
    return "adapter.calls is missing or not whole: { documented: { … }, sameRequest: { … } } is expected";
  }
  for (const [kind, of] of Object.entries({ documented: calls.documented, sameRequest: calls.sameRequest })) {
    for (const operation of OPERATIONS) {
      const described = of[operation];
      if (described === undefined && kind === "sameRequest") {
        continue;
      }
      if (!isWhole(described)) {
        return `adapter.calls.${kind}.${operation} is missing or not whole: call("code", "link", "unequal" or nothing) makes one`;
      }
    }
  }
  return null;
}

function problemOfCaveats(caveats: unknown): string | null {
  const isCaveat = (each: unknown) => isObject(each) && isText(each.text) && (each.link === null || isText(each.link));
  return Array.isArray(caveats) && caveats.every(isCaveat)
    ? null
    : "adapter.caveats is missing or not whole: a list of { text, link: a text or null } is expected";
}

function problemOfForms(adapter: Adapter): string | null {
  for (const kind of CALL_KINDS) {
    const problem = problemOfForm(adapter, kind);
    if (problem !== null) {
      return `adapter.form(${JSON.stringify(kind)}): ${problem}`;
    }
  }
  return null;
}

function problemOfForm(adapter: Adapter, kind: CallKind): string | null {
  try {
    const form: unknown = adapter.form(kind, ORDERS.shape);
    const functions = isObject(form) && typeof form.keyOf === "function" && typeof form.itemOf === "function";
    if (!functions || !isText(form.partition) || !isText(form.sort)) {
      return "it gives no form, which has name, partition, sort, keyOf and itemOf";
    }
    if (!isText(form.name) || !FORM_NAME.test(form.name)) {
      return "its name is no part of a table's name: letters, digits and hyphens are, 40 of them at the most";
    }
    const whole = form as unknown as ItemForm;
    const order = ORDERS.orderOf(0, 0);
    for (const [name, values] of Object.entries({ keyOf: whole.keyOf(ORDERS.keyOf(0)), itemOf: whole.itemOf(order) })) {
      const keys: unknown[] = [values[whole.partition], values[whole.sort]];
      if (!keys.every(isText)) {
        return `${name} gives an item without ${whole.partition} and ${whole.sort} as texts`;
      }
    }
    if (
      [prefixed(ORDERS.shape), natural(ORDERS.shape)].some(
        (ours) => ours.name === whole.name && !isSameForm(ours, whole, ORDERS),
      )
    ) {
      return `its name, ${whole.name}, is that of another form: give it one of its own`;
    }
    notesOf(adapter, kind, ORDERS);
    return null;
  } catch (error) {
    return describeError(error);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
