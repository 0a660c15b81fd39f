// The loop of a worker: reads commands from standard input, one at a time, and ends the process as the protocol says.
// What the commands do is the business of suite.ts and keeper.ts.

import { createInterface } from "node:readline";
import { describeError, type Emit, takeOverOutput } from "./events.js";
import { OPERATIONS, type OperationName } from "./protocol.js";

/** An error that belongs to one operation. */
export class OperationError extends Error {
  constructor(
    readonly operation: OperationName,
    cause: unknown,
  ) {
    super(describeError(cause));
  }
}

export interface Worker {
  /** Does one command and emits its events. */
  handle(command: Command): Promise<void>;
  /** The parent has gone without saying `end`: put in order what can be, quickly. */
  abandon(): Promise<void>;
}

/** A command whose fields are still to be looked at. */
export type Command = { do: string } & Record<string, unknown>;

/** How long a worker may take to put things in order after its parent has gone. */
const ABANDON_MS = 5000;

export function serve(start: (emit: Emit) => Worker): void {
  const emit = takeOverOutput();
  const worker = start(emit);
  let stage = "start";
  let ending = false;

  const fail = (error: unknown): never => {
    const operation = error instanceof OperationError ? error.operation : null;
    const message = describeError(error);
    process.stderr.write(`${error instanceof Error ? error.stack : message}\n`);
    emit({ event: "failed", stage, operation, message });
    process.exit(1);
  };
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);

  async function obey(line: string): Promise<void> {
    const command = parse(line);
    stage = command.do;
    if (command.do === "end") {
      const { user, system } = process.cpuUsage();
      // Linux and the others that Node runs on give kilobytes here.
      const maxRssMb = process.resourceUsage().maxRSS / 1024;
      emit({ event: "bye", maxRssMb: Math.round(maxRssMb * 100) / 100, cpuMs: (user + system) / 1000 });
      process.exit(0);
    }
    await worker.handle(command);
  }

  let queue: Promise<unknown> = Promise.resolve();
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    if (line.trim() === "" || ending) {
      return;
    }
    ending = /"do"\s*:\s*"end"/.test(line);
    queue = queue.then(() => obey(line)).catch(fail);
  });
  lines.on("close", () => {
    if (ending) {
      return;
    }
    ending = true;
    setTimeout(() => process.exit(0), ABANDON_MS);
    worker.abandon().then(
      () => process.exit(0),
      () => process.exit(0),
    );
  });
  process.stdin.on("error", () => lines.close());
}

function parse(line: string): Command {
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

// Fields of commands, looked at before anything is done with them.

export function wholeNumber(command: Command, name: string, least = 0): number {
  const value = command[name];
  if (typeof value !== "number" || !Number.isInteger(value) || value < least) {
    throw new TypeError(`${command.do}: "${name}" must be a whole number from ${least}, not ${JSON.stringify(value)}`);
  }
  return value;
}

export function duration(command: Command, name: string): number {
  const value = command[name];
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    throw new TypeError(`${command.do}: "${name}" must be a duration, not ${JSON.stringify(value)}`);
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

export function operationName(value: unknown): OperationName {
  const found = OPERATIONS.find((name) => name === value);
  if (found === undefined) {
    throw new TypeError(`unknown operation ${JSON.stringify(value)}; there are ${OPERATIONS.join(", ")}`);
  }
  return found;
}
