// Commands as they come in, and their fields, each looked at before anything is done with it.

import { type CallKind, type Data, type Filled, OPERATIONS, type Operation, type QueryBy } from "../protocol.js";

/** A command whose fields are still to be looked at. */
export type Command = { do: string } & Record<string, unknown>;

export const CALL_KINDS: readonly CallKind[] = ["documented", "same-request"];
const QUERY_BY: readonly QueryBy[] = ["table", "index"];

/** Reads a line. */
export function parseCommand(line: string): Command {
  let command: unknown;
  try {
    command = JSON.parse(line);
  } catch {
    throw new Error(`a command that is not JSON: ${line.slice(0, 80)}`);
  }
  if (typeof command !== "object" || command === null || typeof (command as Command).do !== "string") {
    throw new Error(`a command without "do": ${line.slice(0, 80)}`);
  }
  return command as Command;
}

export function unknownCommand(command: Command): never {
  throw new Error(`unknown command ${JSON.stringify(command.do)}`);
}

export function wholeNumber(command: Command, name: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  const value = command[name];
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
    throw new TypeError(`${command.do}: "${name}" must be a whole number ${range}, not ${JSON.stringify(value)}`);
  }
  return value;
}

export function text(command: Command, name: string): string {
  const value = command[name];
  if (typeof value !== "string" || value === "") {
    throw new TypeError(`${command.do}: "${name}" must be a text, not ${JSON.stringify(value)}`);
  }
  return value;
}

export function optionalText(command: Command, name: string): string | null {
  return command[name] === undefined || command[name] === null ? null : text(command, name);
}

/** A table and the number of its items; null where it is null or absent. */
export function readFilled(command: Command, name: string): Filled | null {
  const value = command[name];
  if (value === undefined || value === null) {
    return null;
  }
  const filled: Command = { ...value, do: `${command.do}: ${name}` };
  return { table: text(filled, "table"), items: wholeNumber(filled, "items", 1) };
}

/** True or false; absent means `otherwise`. */
export function flag(command: Command, name: string, otherwise: boolean): boolean {
  const value = command[name] ?? otherwise;
  if (typeof value !== "boolean") {
    throw new TypeError(`${command.do}: "${name}" must be true or false, not ${JSON.stringify(value)}`);
  }
  return value;
}

/** One of some words. */
export function oneOf<T extends string>(command: Command, name: string, words: readonly T[]): T {
  const found = words.find((word) => word === command[name]);
  if (found === undefined) {
    const value = JSON.stringify(command[name]);
    throw new TypeError(`${command.do}: "${name}" must be one of ${words.join(", ")}, not ${value}`);
  }
  return found;
}

export function operationName(value: unknown): Operation {
  const found = OPERATIONS.find((name) => name === value);
  if (found === undefined) {
    throw new TypeError(`unknown operation ${JSON.stringify(value)}; there are ${OPERATIONS.join(", ")}`);
  }
  return found;
}

export function operationNames(command: Command, name: string): Operation[] {
  const value = command[name];
  if (!Array.isArray(value)) {
    throw new TypeError(`${command.do}: "${name}" must be a list of operations, not ${JSON.stringify(value)}`);
  }
  return value.map(operationName);
}

export function wholeNumbers(command: Command, name: string): number[] {
  const value = command[name];
  if (!Array.isArray(value) || !value.every((each) => Number.isInteger(each))) {
    throw new TypeError(`${command.do}: "${name}" must be a list of whole numbers, not ${JSON.stringify(value)}`);
  }
  return value as number[];
}

/** What the items are. The conductor has checked a user's own item: it is only looked at whether there is one. */
export function readData(command: Command): Data {
  const { data } = command;
  if (typeof data !== "object" || data === null) {
    throw new TypeError(`${command.do}: "data" must describe the items, not ${JSON.stringify(data)}`);
  }
  const fields: Command = { ...data, do: `${command.do}: data` };
  const example = fields.example ?? null;
  if (typeof example !== "object") {
    throw new TypeError(`${fields.do}: "example" must be an item, not ${JSON.stringify(example)}`);
  }
  return {
    shape: text(fields, "shape"),
    example: example as Data["example"],
    queryItems: wholeNumber(fields, "queryItems", 1, 1000),
    queryBy: oneOf(fields, "queryBy", QUERY_BY),
  };
}
