// A suite whose library is open: two grounds to call it on, and how far it was warmed up on each.

import { handicap, isRepeated } from "../measure/handicap.js";
import type { CallLimit } from "../measure/limit.js";
import { type Context, type PreparedCalls, preparePool } from "../operations.js";
import type { Ground, OpenSuite, Operation } from "../protocol.js";
import { type BareTable, openTable } from "../table/bare-table.js";
import type { Emit } from "../worker/events.js";
import type { OpenedLibrary } from "./library.js";

export class OpenedSuite {
  readonly context: Context;
  /** Undoes at once what a command would undo at its end, if there is something of the kind. */
  undo: () => Promise<void> = async () => {};
  private readonly pools = new Map<Operation, PreparedCalls>();
  /** Calls of the warm-up so far, so that no key is written twice and the pool is gone through evenly. */
  private readonly warmed = new Map<string, number>();
  private readonly spins = new Map<Operation, () => void>();

  constructor(
    readonly settings: OpenSuite,
    readonly library: OpenedLibrary,
    readonly emit: Emit,
  ) {
    const { items, seed, round, lane } = settings;
    this.context = { data: library.data, items, seed, round, lane };
  }

  get limit(): CallLimit {
    return this.library.limit;
  }

  /** Opens a table by the bare SDK, at the database itself. */
  openBare = (name: string): Promise<BareTable> => openTable(this.settings, name, this.library.form, this.library.data);

  spinOf(operation: Operation): () => void {
    return remembered(this.spins, operation, () => handicap(this.settings.handicap[operation] ?? 0));
  }

  poolOf(operation: Operation): PreparedCalls {
    const { recorded, scanned } = this.library;
    const [table, items] = operation === "Scan" ? [scanned.table, scanned.items] : [recorded, this.context.items];
    return remembered(this.pools, operation, () =>
      preparePool(operation, table, { ...this.context, items }, this.settings.pool),
    );
  }

  /** Whether a recorded call, by its number, is to be made twice. */
  isRepeated(operation: Operation, call: number): boolean {
    return isRepeated(call, this.settings.twice[operation] ?? 0);
  }

  /** The number of the first of so many further warm-up calls. */
  nextWarmUp(operation: Operation, ground: Ground, calls: number): number {
    const key = `${ground} ${operation}`;
    const from = this.warmed.get(key) ?? 0;
    this.warmed.set(key, from + calls);
    return from;
  }
}

function remembered<K, V>(values: Map<K, V>, key: K, make: () => V): V {
  const found = values.get(key);
  if (found !== undefined) {
    return found;
  }
  const made = make();
  values.set(key, made);
  return made;
}
