// Verification: what is not right is not timed. First each operation is called once, cold, before anything else in the
// process has used the SDK; then results and effects are checked against the data set and read back with the bare SDK,
// and, where everything is to be checked, further calls are made that only right work survives.
//
// What a library wrote or changed is put back; nothing of this stays in the table.

import type { OrderTable } from "../adapters/adapter.js";
import type { Difference } from "../difference.js";
import type { CallLimit } from "../measure/limit.js";
import type { Context } from "../operations.js";
import { OPERATIONS, type Operation } from "../protocol.js";
import type { BareTable } from "../table/bare-table.js";
import { inOperation } from "../worker/serve.js";
import { getTrial, queryTrial } from "./reads.js";
import { scanTrial } from "./scans.js";
import { type Rehearsal, Subject, type Trial } from "./subject.js";
import { deleteTrial, putTrial, updateTrial } from "./writes.js";

export interface VerifyOptions {
  operations: readonly Operation[];
  /** Whether to make further calls too. */
  full: boolean;
  table: OrderTable;
  rehearsal: Rehearsal | null;
  tableName: string;
  context: Context;
  limit: CallLimit;
  openBare(this: void, name: string): Promise<BareTable>;
}

export type Verdict =
  { operation: Operation; firstCallMs: number | null; wrong: null } | { operation: Operation; wrong: Difference };

interface Cold {
  ms: number;
  result: unknown;
}

export async function verify(options: VerifyOptions, onVerdict: (verdict: Verdict) => void): Promise<void> {
  const { full, table, rehearsal, tableName, context, limit, openBare } = options;
  const wanted = OPERATIONS.filter((name) => options.operations.includes(name));
  const subject = new Subject(table, context, limit);
  const scan = scanTrial(subject, rehearsal, openBare);
  const trials: Record<Operation, Trial> = {
    PutItem: putTrial(subject),
    GetItem: getTrial(subject),
    UpdateItem: updateTrial(subject),
    DeleteItem: deleteTrial(subject),
    Query: queryTrial(subject),
    Scan: scan,
  };

  const cold = new Map<Operation, Cold>();
  for (const operation of wanted) {
    cold.set(operation, await inOperation(operation, () => firstCall(subject, trials[operation])));
  }
  const bare = await openBare(tableName);
  try {
    for (const operation of wanted) {
      const { ms, result } = cold.get(operation) as Cold;
      const trial = trials[operation];
      const wrong = await inOperation(
        operation,
        async () => (await trial.wrongFirst(result, bare, full)) ?? (full ? await trial.wrongFurther(bare) : null),
      );
      const firstCallMs = operation === "Scan" && scan.rehearsed ? null : ms;
      onVerdict(wrong === null ? { operation, firstCallMs, wrong } : { operation, wrong });
    }
  } finally {
    await subject.putBack(bare, wanted, full).finally(() => bare.close());
  }
}

async function firstCall(subject: Subject, trial: Trial): Promise<Cold> {
  const { before } = trial;
  if (before !== undefined) {
    await subject.ask(() => before());
  }
  const at = performance.now();
  const result = await subject.ask(() => trial.first());
  return { ms: performance.now() - at, result };
}
