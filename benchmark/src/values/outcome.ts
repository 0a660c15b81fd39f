// What became of a value: whether what a library gives back is what it was given, and what it is instead, in few words.
// Unlike verification, which compares contents, this looks at types too: an application that wrote a Set and reads a list
// has to know. No I/O here.

import { inspect, isDeepStrictEqual } from "node:util";
import type { ValueOutcome } from "../protocol.js";
import { shorten } from "../worker/events.js";

/** The longest description of a value, characters. */
const LONGEST_VALUE = 40;
/** The longest line of an error that is quoted, characters. */
const LONGEST_ERROR = 160;

/** A value as the server gives it: its type's name and what is of it. */
export type Typed = Record<string, unknown>;

export type Returned = Pick<ValueOutcome, "outcome" | "detail">;

/** Compares what was read with what was written. */
export function outcomeOf(given: unknown, returned: unknown): Returned {
  const whole = withoutUndefined(given);
  if (identical(given, whole)) {
    if (identical(given, returned)) {
      return { outcome: "same", detail: null };
    }
    if (given instanceof Date && returned instanceof Date) {
      return { outcome: "changed", detail: `Date, ${later(returned.getTime() - given.getTime())}` };
    }
    return returned === undefined ? { outcome: "left-out", detail: null } : changedTo(returned);
  }
  // Something of it is undefined: nothing can come back of that.
  return identical(whole, withoutUndefined(returned)) ? { outcome: "left-out", detail: null } : changedTo(returned);
}

/** Compares what was read with a number that another program has written, given by its digits. */
export function outcomeOfNumber(digits: string, returned: unknown): Returned {
  // A class of the SDK's own has the digits in `value`.
  const inner = (returned as { value?: unknown } | null | undefined)?.value;
  const isText = (value: unknown) =>
    typeof value === "string" || typeof value === "bigint" || typeof value === "number";
  if ([returned, inner].some((value) => isText(value) && String(value) === digits)) {
    return { outcome: "same", detail: null };
  }
  return returned === undefined ? { outcome: "left-out", detail: null } : changedTo(returned);
}

/** How much later a time is: `−535 ms`. */
function later(ms: number): string {
  return `${ms < 0 ? "−" : "+"}${Math.abs(ms)} ms`;
}

function changedTo(returned: unknown): Returned {
  return { outcome: "changed", detail: describe(returned) };
}

/** Whether two values are the same to an application, by type and content; a Buffer is a Uint8Array as well. */
function identical(given: unknown, returned: unknown): boolean {
  if (given instanceof Uint8Array) {
    const isOfType = Buffer.isBuffer(given) ? Buffer.isBuffer(returned) : returned instanceof Uint8Array;
    return isOfType && Buffer.compare(given, returned as Uint8Array) === 0;
  }
  if (Array.isArray(given)) {
    return (
      Array.isArray(returned) && given.length === returned.length && given.every((v, i) => identical(v, returned[i]))
    );
  }
  if (isMap(given)) {
    // A map may be of a library's own class.
    const names = Object.keys(given);
    return (
      isMap(returned) &&
      names.length === Object.keys(returned).length &&
      names.every((name) => Object.hasOwn(returned, name) && identical(given[name], returned[name]))
    );
  }
  return isDeepStrictEqual(given, returned);
}

function isMap(value: unknown): value is Record<string, unknown> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
  return isObject && !(value instanceof Set) && !(value instanceof Map) && !(value instanceof Date);
}

/** A value without the entries of its map that are undefined. */
function withoutUndefined(value: unknown): unknown {
  return isMap(value)
    ? Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined))
    : value === undefined
      ? ABSENT
      : value;
}

/** Stands for an undefined attribute, so that it isn't taken for a value like others. */
const ABSENT = Symbol("absent");

/** What a value is, short. */
export function describe(value: unknown): string {
  if (value === undefined) {
    return "nothing";
  }
  if (Buffer.isBuffer(value)) {
    return "Buffer";
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return value.constructor.name;
  }
  const text = inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 1, maxStringLength: LONGEST_VALUE });
  return shorten(typeof value === "string" ? JSON.stringify(value) : text, LONGEST_VALUE);
}

/** The first line of an error, short. */
export function firstLine(error: string): string {
  return shorten((error.split("\n")[0] ?? "").trim(), LONGEST_ERROR);
}

/** What lies in the database, by the only entry of a typed value: the name of its type, and its content, short. */
export function storedOf(typed: Typed | undefined): Pick<ValueOutcome, "storedType" | "stored"> {
  const [entry] = Object.entries(typed ?? {});
  if (entry === undefined) {
    return { storedType: null, stored: null };
  }
  const [type, content] = entry;
  const text = content instanceof Uint8Array ? Buffer.from(content).toString("base64") : JSON.stringify(content);
  return { storedType: type, stored: shorten(text, LONGEST_VALUE) };
}
