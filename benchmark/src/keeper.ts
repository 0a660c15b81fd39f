// The keeper of the table: creates and fills it, prepares what operations need, undoes what they did, and checks that
// the next library finds the table as the first one did. It uses the bare SDK and measures nothing.

import { AREA, laneOrder, stored } from "./dataset.js";
import { type BareTable, openTable } from "./table/bare-table.js";
import { putAll } from "./table/batch.js";
import { type OpenKeeper, restore } from "./table/restore.js";
import { compareTable, seedTable } from "./table/seed.js";
import { warmServer } from "./table/warm-server.js";
import {
  type Command,
  flag,
  operationName,
  optionalText,
  text,
  unknownCommand,
  wholeNumber,
  wholeNumbers,
} from "./worker/command.js";
import type { Emit } from "./worker/events.js";
import { serve, type Worker } from "./worker/serve.js";

/** Tables are kept, not measured: here a retry hides nothing. */
const ATTEMPTS = 4;
const CALL_TIMEOUT_MS = 60_000;
/** How often progress is reported, items. */
const PROGRESS_STEP = 2500;

interface Kept {
  settings: OpenKeeper;
  table: BareTable;
  rehearsal: BareTable | null;
}

class Keeper implements Worker {
  private open: Kept | null = null;
  /** Which of the tables this process made, and so may delete. */
  private created: BareTable[] = [];
  private creating: Promise<unknown> = Promise.resolve();
  private leaving = false;

  constructor(private readonly emit: Emit) {}

  async handle(command: Command): Promise<void> {
    switch (command.do) {
      case "open":
        return this.openTables(command);
      case "create":
        return this.create();
      case "warm":
        return this.warm(wholeNumber(command, "calls", 1));
      case "prepare":
        return this.prepareDeletions(command);
      case "restore":
        return this.restore(command);
      case "check":
        return this.check();
      case "drop":
        return this.drop();
      default:
        unknownCommand(command);
    }
  }

  // A table that is left without its run would stay forever on a server that isn't ours.
  async abandon(): Promise<void> {
    this.leaving = true;
    // One that is just being made would come to be after the others have gone.
    await this.creating.catch(() => {});
    await Promise.all(this.created.map((table) => table.drop()));
  }

  private get kept(): Kept {
    if (this.open === null) {
      throw new Error("nothing is open: the first command must be open");
    }
    return this.open;
  }

  private async openTables(command: Command): Promise<void> {
    if (this.open !== null) {
      throw new Error("open was said already");
    }
    const settings: OpenKeeper = {
      do: "open",
      endpoint: text(command, "endpoint"),
      table: text(command, "table"),
      rehearsalTable: optionalText(command, "rehearsalTable"),
      items: wholeNumber(command, "items", 1),
      rehearsalItems: wholeNumber(command, "rehearsalItems"),
      seed: wholeNumber(command, "seed"),
    };
    const connection = { endpoint: settings.endpoint, callTimeoutMs: CALL_TIMEOUT_MS };
    const { rehearsalTable } = settings;
    this.open = {
      settings,
      table: await openTable(connection, settings.table, ATTEMPTS),
      rehearsal: rehearsalTable === null ? null : await openTable(connection, rehearsalTable, ATTEMPTS),
    };
    this.emit({ event: "ready", pid: process.pid, importMs: null, memoryMb: null, adapter: null });
  }

  private async create(): Promise<void> {
    const { settings, table, rehearsal } = this.kept;
    const { items, rehearsalItems, seed } = settings;
    for (const each of rehearsal === null ? [table] : [table, rehearsal]) {
      if (this.leaving) {
        return;
      }
      this.creating = each.create().then(() => this.created.push(each));
      await this.creating;
    }
    const total = items + (rehearsal === null ? 0 : rehearsalItems);
    const progress = this.progressTo(total);
    await seedTable(table, items, seed, progress);
    if (rehearsal !== null) {
      await seedTable(rehearsal, rehearsalItems, seed, (done) => progress(items + done));
    }
    this.emit({ event: "progress", done: total, total });
    this.emit({ event: "created" });
  }

  /** Reports progress, but not each item. */
  private progressTo(total: number): (done: number) => void {
    let reported = 0;
    return (done) => {
      if (done - reported >= PROGRESS_STEP) {
        reported = done;
        this.emit({ event: "progress", done, total });
      }
    };
  }

  private async warm(calls: number): Promise<void> {
    const { settings, table, rehearsal } = this.kept;
    const other = rehearsal === null ? null : { table: rehearsal, items: settings.rehearsalItems };
    await warmServer(table, other, settings, calls);
    this.emit({ event: "warm" });
  }

  private async prepareDeletions(command: Command): Promise<void> {
    const { table, settings } = this.kept;
    const lane = wholeNumber(command, "lane");
    const from = wholeNumber(command, "from");
    const count = wholeNumber(command, "count");
    const area = flag(command, "pool", false) ? AREA.deletePool : AREA.delete;
    let index = from;
    await putAll(table, () =>
      index < from + count ? stored(laneOrder(lane, area, index++, settings.seed, 0)) : undefined,
    );
    this.emit({ event: "prepared" });
  }

  private async restore(command: Command): Promise<void> {
    const { table, settings } = this.kept;
    await restore(table, settings, {
      operation: operationName(command.operation),
      lanes: wholeNumbers(command, "lanes"),
      round: wholeNumber(command, "round"),
      from: wholeNumber(command, "from"),
      count: wholeNumber(command, "count"),
    });
    this.emit({ event: "restored" });
  }

  private async check(): Promise<void> {
    const { settings, table, rehearsal } = this.kept;
    const { items, rehearsalItems, seed } = settings;
    const wrong =
      (await compareTable(table, items, seed)) ??
      (rehearsal === null ? null : await compareTable(rehearsal, rehearsalItems, seed));
    this.emit(wrong === null ? { event: "checked" } : { event: "differs", ...wrong });
  }

  private async drop(): Promise<void> {
    const { table, rehearsal } = this.kept;
    this.created = [];
    await table.drop();
    await rehearsal?.drop();
    this.emit({ event: "dropped" });
  }
}

serve((emit) => new Keeper(emit));
