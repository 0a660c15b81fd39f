// Makes a data set of one example: every value is replaced by another of the same type and length, so that all items have
// the example's structure and its size. Letters become letters and digits digits; dates stay dates. No I/O here.

import type { Draws } from "../random.js";
import type { Attribute, Attributes } from "../shape.js";

/** Makes another value like the example's. */
export type Variation = (next: Draws) => unknown;

const ISO_DATE = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
/** The most significant digits that a JavaScript number holds whatever they are. */
const MOST_DIGITS = 15;

/** How to vary the attributes of an example. */
export function variationOf(example: Record<string, unknown>, attributes: Attributes): Variation {
  const entries = Object.entries(example).map(([name, value]) => [name, vary(value, attributes[name])] as const);
  return (next) => Object.fromEntries(entries.map(([name, make]) => [name, make(next)]));
}

function vary(value: unknown, attribute?: Attribute): Variation {
  if (typeof value === "string") {
    return ISO_DATE.test(value) ? varyDate(value) : varyText(value);
  }
  if (typeof value === "number") {
    return varyNumber(value);
  }
  if (typeof value === "boolean") {
    return (next) => next(2) === 1;
  }
  if (value instanceof Uint8Array) {
    return (next) => Buffer.from(value.map(() => next(256)));
  }
  if (value instanceof Set) {
    return varySet([...value]);
  }
  if (Array.isArray(value)) {
    const element = isObject(attribute) && "list" in attribute ? attribute.list : undefined;
    const elements = value.map((each) => vary(each, element));
    return (next) => elements.map((make) => make(next));
  }
  if (typeof value === "object" && value !== null) {
    const example = value as Record<string, unknown>;
    return isObject(attribute) && "record" in attribute
      ? varyRecord(example, attribute.record)
      : variationOf(example, isObject(attribute) && "map" in attribute ? attribute.map : {});
  }
  return () => value;
}

function isObject(attribute: Attribute | undefined): attribute is Exclude<Attribute, string> {
  return typeof attribute === "object";
}

/** The first character of each class and how many follow. */
const CLASSES = [
  ["0", 10],
  ["a", 26],
  ["A", 26],
] as const;

/** The class of a character: its first one's code and its size; null where it stays as it is. */
function classOf(code: number): { first: number; size: number } | null {
  for (const [letter, size] of CLASSES) {
    const first = letter.charCodeAt(0);
    if (code >= first && code < first + size) {
      return { first, size };
    }
  }
  return null;
}

/** How many characters are made into a text at once: more are too many arguments for a call. */
const CHUNK = 4096;

function varyText(example: string): Variation {
  const codes = Uint16Array.from({ length: example.length }, (_, i) => example.charCodeAt(i));
  const places: { at: number; first: number; size: number }[] = [];
  codes.forEach((code, at) => {
    const of = classOf(code);
    if (of !== null) {
      places.push({ at, ...of });
    }
  });
  return (next) => {
    for (const { at, first, size } of places) {
      codes[at] = first + next(size);
    }
    let text = "";
    for (let at = 0; at < codes.length; at += CHUNK) {
      text += String.fromCharCode(...codes.subarray(at, at + CHUNK));
    }
    return text;
  };
}

/** The year and what is no digit stay; the rest is a date that there is. */
function varyDate(example: string): Variation {
  const [, month, day, hour, minute, second, fraction] = [4, 5, 8, 11, 14, 17, 20];
  const limits = new Map([
    [month, [1, 12]],
    [day, [1, 28]],
    [hour, [0, 24]],
    [minute, [0, 60]],
    [second, [0, 60]],
  ]);
  return (next) => {
    let text = example.slice(0, 5);
    for (let i = 5; i < example.length; i++) {
      const limit = limits.get(i);
      if (limit !== undefined) {
        const [first, count] = limit as [number, number];
        text += String(first + next(count)).padStart(2, "0");
        i += 1;
      } else {
        // Digits from here on are a fraction's, up to a time zone.
        const isFraction = i >= fraction && /^\.?\d*$/.test(example.slice(second + 2, i + 1));
        text += isFraction && /\d/.test(example[i] as string) ? String(next(10)) : example[i];
      }
    }
    return text;
  };
}

/** As many digits before and after the point, the first of them not 0 where it isn't. */
function varyNumber(example: number): Variation {
  const [, sign, before, after = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(example)) ?? [];
  const digits = ((before ?? "") + after).replace(/^0+/, "").length;
  if (digits === 0 || digits > MOST_DIGITS) {
    return () => example;
  }
  const least = 10 ** (digits - 1);
  const divisor = (sign === "-" ? -1 : 1) * 10 ** after.length;
  return (next) => {
    let value = least + Math.floor((9 * least * (next(2 ** 26) * 2 ** 26 + next(2 ** 26))) / 2 ** 52);
    if (after !== "" && value % 10 === 0) {
      // A last digit of 0 after the point would make the number shorter.
      value += 1 + next(9);
    }
    return value / divisor;
  };
}

/** Elements that would be the same stay as in the example. */
function varySet(example: unknown[]): Variation {
  const elements = example.map((each) => vary(each));
  const plain = (value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value);
  return (next) => {
    const made = elements.map((make) => make(next));
    return new Set(new Set(made.map(plain)).size === made.length ? made : example);
  };
}

function varyRecord(example: Record<string, unknown>, attribute: Attribute): Variation {
  const entries = Object.entries(example).map(([name, value]) => [varyText(name), vary(value, attribute)] as const);
  return (next) => {
    const made = Object.fromEntries(entries.map(([name, value]) => [name(next) as string, value(next)]));
    const isWhole = Object.keys(made).length === entries.length;
    return isWhole ? made : Object.fromEntries(Object.keys(example).map((name, i) => [name, entries[i]?.[1](next)]));
  };
}

/**
 * Another value of the same length: each letter and digit is moved on by the same number of places, at least one; null
 * where a value has neither, so that there is no other.
 */
export function moved(value: unknown, by: number): string | number | null {
  if (typeof value === "number") {
    const text = movedText(String(value), 1 + (by % 8), true);
    return text === null ? null : Number(text);
  }
  return typeof value === "string" ? movedText(value, 1 + (by % 9), false) : null;
}

function movedText(text: string, by: number, isNumber: boolean): string | null {
  if (isNumber && !/^-?\d*\.?\d+$/.test(text)) {
    return null;
  }
  let found = false;
  let made = "";
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const of = classOf(code);
    // Of a number, zeros stay: one at its beginning or end is not written.
    if (of === null || (isNumber && code === of.first)) {
      made += text[i];
      continue;
    }
    found = true;
    const [first, size] = isNumber ? [of.first + 1, of.size - 1] : [of.first, of.size];
    made += String.fromCharCode(first + ((code - first + by) % size));
  }
  return found ? made : null;
}
