// The loop of a worker: reads commands from standard input, one at a time, and ends the process as the protocol says.
// What the commands do is the business of suite.ts and keeper.ts.

import { createInterface } from "node:readline";
import type { Operation } from "../protocol.js";
import { type Command, parseCommand } from "./command.js";
import { describeError, type Emit, takeOverOutput } from "./events.js";

/** An error that belongs to one operation. */
export class OperationError extends Error {
  constructor(
    readonly operation: Operation,
    cause: unknown,
  ) {
    super(describeError(cause));
  }
}

/** Does something for one operation; its errors are that operation's. */
export async function inOperation<T>(operation: Operation, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new OperationError(operation, error);
  }
}

export interface Worker {
  /** Does one command and emits its events. */
  handle(command: Command): Promise<void>;
  /** The parent has gone without saying `end`: put in order what can be, quickly. */
  abandon(): Promise<void>;
}

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
    const command = parseCommand(line);
    stage = command.do;
    if (command.do === "end") {
      emit({ event: "bye" });
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
