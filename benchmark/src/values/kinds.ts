// The values that libraries treat differently, each with the attribute that a schema declares for it. No I/O here.

import type { ValueKind } from "../protocol.js";
import type { Attribute } from "../shape.js";

export interface TriedValue {
  kind: ValueKind;
  attribute: Attribute;
  /** Makes the value anew: some libraries change what they are given. */
  make: () => unknown;
  /**
   * What another program has written, a number's digits, where JavaScript has no such number: the library only reads it.
   */
  foreignNumber?: string;
}

/** Any three bytes that are no text. */
const BYTES = [0, 127, 255];

/** As many digits as DynamoDB keeps. */
const PI = "3.1415926535897932384626433832795028842";

export const TRIED_VALUES: readonly TriedValue[] = [
  { kind: "string-set", attribute: { set: "string" }, make: () => new Set(["a", "b"]) },
  { kind: "number-set", attribute: { set: "number" }, make: () => new Set([1, 2.5]) },
  { kind: "buffer", attribute: "binary", make: () => Buffer.from(BYTES) },
  { kind: "uint8-array", attribute: "binary", make: () => Uint8Array.from(BYTES) },
  // 2^53 + 2, which JavaScript's numbers hold exactly.
  { kind: "large-number", attribute: "number", make: () => 2 ** 53 + 2 },
  // 2^53 + 1, which they don't.
  { kind: "large-bigint", attribute: "bigint", make: () => 2n ** 53n + 1n },
  { kind: "long-number", attribute: "number", make: () => 3, foreignNumber: PI },
  { kind: "empty-string", attribute: "string", make: () => "" },
  { kind: "empty-list", attribute: { list: "string" }, make: () => [] },
  { kind: "empty-map", attribute: { map: { inner: "string" }, partial: true }, make: () => ({}) },
  { kind: "empty-set", attribute: { set: "string" }, make: () => new Set() },
  { kind: "undefined-attribute", attribute: "string", make: () => undefined },
  {
    kind: "undefined-in-map",
    attribute: { map: { kept: "string", gone: "string" }, partial: true },
    make: () => ({ kept: "text", gone: undefined }),
  },
  { kind: "null", attribute: "null", make: () => null },
  { kind: "nan", attribute: "number", make: () => Number.NaN },
  // With milliseconds, which some formats of a time don't have.
  { kind: "date", attribute: "date", make: () => new Date("2025-03-14T15:09:26.535Z") },
];
