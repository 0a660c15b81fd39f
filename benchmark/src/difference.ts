// Says whether two plain values are deeply equal and, if not, where they first differ, in words short enough for an
// event. Prototypes don't matter: libraries return instances of their own classes.

import { inspect } from "node:util";
import { shorten } from "./events.js";

export interface Difference {
  expected: string;
  actual: string;
}

/** One line, all of it: what is too long is cut off by us. */
const INSPECTED = { breakLength: Number.POSITIVE_INFINITY, depth: 5, maxStringLength: 400 };

/** The first difference of two values, or null where there is none. `where` names them in the text. */
export function difference(expected: unknown, actual: unknown, where = "result"): Difference | null {
  if (Object.is(expected, actual)) {
    return null;
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    if (expected.length !== actual.length) {
      return differ(where, `${expected.length} elements`, `${actual.length} elements`);
    }
    for (let i = 0; i < expected.length; i++) {
      const found = difference(expected[i], actual[i], `${where}[${i}]`);
      if (found !== null) {
        return found;
      }
    }
    return null;
  }
  if (isPlain(expected) && isPlain(actual)) {
    for (const name of Object.keys(expected)) {
      if (!Object.hasOwn(actual, name)) {
        return differ(`${where}.${name}`, show(expected[name]), "no such attribute");
      }
      const found = difference(expected[name], actual[name], `${where}.${name}`);
      if (found !== null) {
        return found;
      }
    }
    const extra = Object.keys(actual).find((name) => !Object.hasOwn(expected, name));
    return extra === undefined ? null : differ(`${where}.${extra}`, "no such attribute", show(actual[extra]));
  }
  return differ(where, show(expected), show(actual));
}

export function differ(where: string, expected: string, actual: string): Difference {
  return { expected: shorten(`${where}: ${expected}`), actual: shorten(`${where}: ${actual}`) };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Set) &&
    !(value instanceof Map) &&
    !ArrayBuffer.isView(value)
  );
}

function show(value: unknown): string {
  if (value === undefined) {
    return "nothing";
  }
  const text = value instanceof Set ? `a set of ${value.size}` : inspect(value, INSPECTED);
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
