// The commands `verify` and `record`.

import type { Event, Operation } from "../protocol.js";
import { recordPool } from "../verify/recording.js";
import { type Verdict, verify } from "../verify/verification.js";
import { type Command, flag, operationNames } from "../worker/command.js";
import { roundMs } from "../worker/events.js";
import type { OpenedSuite } from "./opened.js";

export async function verifyOperations(open: OpenedSuite, command: Command): Promise<void> {
  const { emit, library, context, limit, openBare } = open;
  await verify(
    {
      operations: operationNames(command, "operations"),
      full: flag(command, "full", true),
      table: library.database,
      rehearsal: library.rehearsal,
      tableName: library.table,
      context,
      limit,
      openBare,
    },
    (verdict) => emit(eventOf(verdict)),
  );
  emit({ event: "verified-all" });
}

function eventOf(verdict: Verdict): Event {
  const { operation, wrong } = verdict;
  if (wrong !== null) {
    return { event: "wrong-work", operation, ...wrong };
  }
  const { firstCallMs } = verdict;
  return { event: "verified", operation, firstCallMs: firstCallMs === null ? null : roundMs(firstCallMs) };
}

export async function recordOperation(open: OpenedSuite, operation: Operation): Promise<void> {
  const { emit, library, limit } = open;
  const pool = open.poolOf(operation);
  const { calls, items, wrong } = await recordPool(operation, pool, library.recorded, limit, () =>
    open.openBare(library.table),
  );
  emit(wrong === null ? { event: "recorded", operation, calls, items } : { event: "wrong-work", operation, ...wrong });
}
