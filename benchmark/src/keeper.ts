// The keeper of the tables, one for each form in which the libraries of a run write their items: creates and fills them,
// prepares what operations need, undoes what they did, and checks that the next process finds its table as the first one
// did. It uses the bare SDK and measures nothing.

import { findAdapter } from "./adapters/index.js";
import { AREA, type DataSet, dataSet } from "./dataset.js";
import { isSameForm, type ItemForm, tableOf } from "./form.js";
import type { Lane } from "./protocol.js";
import { type BareTable, openTable } from "./table/bare-table.js";
import { putAll } from "./table/batch.js";
import { type OpenKeeper, restore } from "./table/restore.js";
import { compareTables, seedTables } from "./table/seed.js";
import { warmServer } from "./table/warm-server.js";
import {
  type Command,
  CALL_KINDS,
  flag,
  oneOf,
  operationName,
  optionalText,
  readData,
  readFilled,
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

/** A table and the number of its items. */
interface Filled {
  table: BareTable;
  items: number;
}

/** Tables of the same data: they are filled and compared together. */
interface Group {
  tables: BareTable[];
  items: number;
}

/** The tables of one form. */
interface Kept {
  table: BareTable;
  rehearsal: Filled | null;
  /** The first items of a large table once more. */
  part: Filled | null;
  /** Whose they are. */
  lanes: number[];
}

interface Opened {
  settings: OpenKeeper;
  /** At least one. */
  kept: Kept[];
}

class Keeper implements Worker {
  private open: Opened | null = null;
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
        return this.create(flag(command, "kept", false));
      case "warm":
        return this.warm(wholeNumber(command, "calls", 1));
      case "prepare":
        return this.prepareDeletions(command);
      case "restore":
        return this.restore(command);
      case "check":
        return this.check(command);
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

  private get opened(): Opened {
    if (this.open === null) {
      throw new Error("nothing is open: the first command must be open");
    }
    return this.open;
  }

  /** Every table with the number of its items, each form's further tables after its own. */
  private allTables(): Filled[] {
    const { settings, kept } = this.opened;
    return kept
      .flatMap(({ table, rehearsal, part }) => [{ table, items: settings.items }, rehearsal, part])
      .filter((each) => each !== null);
  }

  /** The tables of the same data, without those that `leftOut` is true of. */
  private async groupsWithout(leftOut: (each: Filled) => Promise<boolean> = async () => false): Promise<Group[]> {
    const groups: Group[] = [];
    for (const each of this.allTables()) {
      if (await leftOut(each)) {
        continue;
      }
      const group = groups.find(({ tables, items }) => tables[0]?.data === each.table.data && items === each.items);
      if (group === undefined) {
        groups.push({ tables: [each.table], items: each.items });
      } else {
        group.tables.push(each.table);
      }
    }
    return groups;
  }

  private async openTables(command: Command): Promise<void> {
    if (this.open !== null) {
      throw new Error("open was said already");
    }
    const settings: OpenKeeper = {
      do: "open",
      endpoint: text(command, "endpoint"),
      calls: oneOf(command, "calls", CALL_KINDS),
      data: readData(command),
      lanes: readLanes(command),
      table: text(command, "table"),
      rehearsalTable: optionalText(command, "rehearsalTable"),
      scanPart: readFilled(command, "scanPart"),
      items: wholeNumber(command, "items", 1),
      seed: wholeNumber(command, "seed"),
    };
    const data = dataSet(settings.data);
    const connection = { endpoint: settings.endpoint, callTimeoutMs: CALL_TIMEOUT_MS };
    const rehearsal = data.rehearsal();
    const open = (base: string, form: ItemForm, of: DataSet) =>
      openTable(connection, tableOf(base, form), form, of, ATTEMPTS);
    const { rehearsalTable, scanPart } = settings;
    const kept: Kept[] = [];
    for (const { lane, adapter } of settings.lanes) {
      const form = (await findAdapter(adapter)).form(settings.calls, data.shape);
      const shared = kept.find((each) => each.table.form.name === form.name);
      if (shared !== undefined) {
        if (!isSameForm(shared.table.form, form, data)) {
          throw new Error(`two adapters write different items in forms of one name, ${form.name}: rename one`);
        }
        shared.lanes.push(lane);
        continue;
      }
      kept.push({
        table: await open(settings.table, form, data),
        rehearsal:
          rehearsalTable === null
            ? null
            : { table: await open(rehearsalTable, form, rehearsal.data), items: rehearsal.items },
        part: scanPart === null ? null : { table: await open(scanPart.table, form, data), items: scanPart.items },
        lanes: [lane],
      });
    }
    this.open = { settings, kept };
    this.emit({ event: "ready", pid: process.pid, importMs: null, memoryMb: null, sdkPackages: [], adapter: null });
  }

  /** Makes and fills the tables; of a database that was kept, those that it doesn't hold. */
  private async create(kept: boolean): Promise<void> {
    const { seed } = this.opened.settings;
    const missing = await this.groupsWithout(async ({ table }) => kept && (await table.isThere()));
    for (const { tables } of missing) {
      for (const table of tables) {
        if (this.leaving) {
          return;
        }
        this.creating = table.create().then(() => this.created.push(table));
        await this.creating;
      }
    }
    const total = missing.reduce((sum, { tables, items }) => sum + tables.length * items, 0);
    const progress = this.progressTo(total);
    let before = 0;
    for (const { tables, items } of missing) {
      await seedTables(tables, items, seed, (done) => progress(before + done));
      before += tables.length * items;
    }
    this.emit({ event: "progress", done: total, total });
    this.emit({ event: "created", made: missing.reduce((sum, { tables }) => sum + tables.length, 0) });
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

  /** One table is enough: the server's code is the same for all. */
  private async warm(calls: number): Promise<void> {
    const { settings, kept } = this.opened;
    const { table, rehearsal } = kept[0] as Kept;
    await warmServer(table, rehearsal, settings, calls);
    this.emit({ event: "warm" });
  }

  private async prepareDeletions(command: Command): Promise<void> {
    const { settings, kept } = this.opened;
    const lane = wholeNumber(command, "lane");
    const from = wholeNumber(command, "from");
    const count = wholeNumber(command, "count");
    const area = flag(command, "pool", false) ? AREA.deletePool : AREA.delete;
    const found = kept.find(({ lanes }) => lanes.includes(lane));
    if (found === undefined) {
      throw new RangeError(`prepare: lane ${lane} is nobody's`);
    }
    let index = from;
    await putAll(found.table, () =>
      index < from + count ? found.table.data.laneOrder(lane, area, index++, settings.seed, 0) : undefined,
    );
    this.emit({ event: "prepared" });
  }

  private async restore(command: Command): Promise<void> {
    const { settings, kept } = this.opened;
    const lanes = wholeNumbers(command, "lanes");
    const wanted = {
      operation: operationName(command.operation),
      round: wholeNumber(command, "round"),
      from: wholeNumber(command, "from"),
      count: wholeNumber(command, "count"),
    };
    for (const { table, lanes: own } of kept) {
      const concerned = lanes.filter((lane) => own.includes(lane));
      if (concerned.length > 0) {
        await restore(table, settings, { ...wanted, lanes: concerned });
      }
    }
    this.emit({ event: "restored" });
  }

  private async check(command: Command): Promise<void> {
    const enough = wholeNumber(command, "enough", 1);
    for (const { tables, items } of await this.groupsWithout()) {
      const wrong = await compareTables(tables, items, this.opened.settings.seed, enough);
      if (wrong !== null) {
        this.emit({ event: "differs", ...wrong });
        return;
      }
    }
    this.emit({ event: "checked" });
  }

  private async drop(): Promise<void> {
    this.created = [];
    for (const { table } of this.allTables()) {
      await table.drop();
    }
    this.emit({ event: "dropped" });
  }
}

function readLanes(command: Command): Lane[] {
  const value = command.lanes;
  if (!Array.isArray(value) || value.length === 0) {
    throw new TypeError(`open: "lanes" must be a list with something in it, not ${JSON.stringify(value)}`);
  }
  return value.map((each: object) => {
    const lane: Command = { ...each, do: "open: lanes" };
    return { lane: wholeNumber(lane, "lane"), adapter: text(lane, "adapter") };
  });
}

serve((emit) => new Keeper(emit));
