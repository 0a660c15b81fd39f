// What an adapter outside this repository is written with: it imports all of this by the name of this package,
// `dynamodb-client-benchmark`, from wherever it lies. Types, the order and its shape, and the forms of items.

export * from "./adapters/adapter.js";
export type { Key, Order, Range } from "./dataset.js";
export * from "./expressions.js";
export * from "./form.js";
export type { OutsideAdapter } from "./outside/adapter.js";
export type { CallKind, Caveat, DescribedCall, Operation } from "./protocol.js";
export * from "./shape.js";
