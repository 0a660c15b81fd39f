// The suite: one library in one process. It does what its parent says, command by command: verifies, records, warms up
// and measures; it decides nothing itself. See protocol.ts for the commands and events.

import type { Operation } from "./protocol.js";
import { openLibrary, readOpen } from "./suite/library.js";
import { measureOperation, warmUpOperation } from "./suite/measuring.js";
import { OpenedSuite } from "./suite/opened.js";
import { tryOpenedValues } from "./suite/values.js";
import { recordOperation, verifyOperations } from "./suite/verifying.js";
import { type Command, operationName, unknownCommand } from "./worker/command.js";
import type { Emit } from "./worker/events.js";
import { inOperation, serve, type Worker } from "./worker/serve.js";

class Suite implements Worker {
  private open: OpenedSuite | null = null;

  constructor(private readonly emit: Emit) {}

  async handle(command: Command): Promise<void> {
    if (command.do === "open") {
      if (this.open !== null) {
        throw new Error("open was said already");
      }
      const settings = readOpen(command);
      const library = await openLibrary(settings);
      this.open = new OpenedSuite(settings, library, this.emit);
      this.emit({ event: "ready", ...library.ready });
      return;
    }
    const act = ACTS.get(command.do);
    if (act === undefined) {
      unknownCommand(command);
    }
    if (this.open === null) {
      throw new Error("nothing is open: the first command must be open");
    }
    return act(this.open, command);
  }

  async abandon(): Promise<void> {
    await this.open?.undo();
    this.open?.library.close();
  }
}

const ACTS = new Map<string, (open: OpenedSuite, command: Command) => Promise<void>>([
  ["verify", verifyOperations],
  ["record", forOperation(recordOperation)],
  ["warm-up", forOperation(warmUpOperation)],
  ["measure", forOperation(measureOperation)],
  ["values", tryOpenedValues],
]);

function forOperation(act: (open: OpenedSuite, operation: Operation, command: Command) => Promise<void>) {
  return async (open: OpenedSuite, command: Command): Promise<void> => {
    const operation = operationName(command.operation);
    return inOperation(operation, () => act(open, operation, command));
  };
}

serve((emit) => new Suite(emit));
