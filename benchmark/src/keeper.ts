// The keeper of the table: creates and fills it, prepares what operations need, undoes what they did, and checks that
// the next library finds the table as the first one did. It uses the bare SDK and measures nothing.

import {
  AREA,
  type Area,
  itemOfCall,
  type Key,
  keyOf,
  LANES,
  laneCustomer,
  laneKey,
  laneOrder,
  ORDERS_PER_CUSTOMER,
  orderOf,
  rangeOfCall,
  STREAM,
  stored,
} from "./dataset.js";
import type { Emit } from "./events.js";
import { updatedItem, WARM_UP_UPDATES } from "./operations.js";
import type { KeeperEvent, OpenKeeper } from "./protocol.js";
import { type BareTable, openTable } from "./table.js";
import { findPackage } from "./versions.js";
import {
  type Command,
  operationName,
  optionalText,
  serve,
  text,
  unknownCommand,
  type Worker,
  wholeNumber,
} from "./worker.js";

/** Tables are kept, not measured: here a retry hides nothing. */
const ATTEMPTS = 4;
const CALL_TIMEOUT_MS = 60_000;
/** The keeper's own lane, for warming the server. */
const OWN_LANE = LANES - 1;
/** How often progress is told, items. */
const PROGRESS_STEP = 2500;
/** Calls in flight while warming the server. */
const WARM_IN_FLIGHT = 4;
/** Only tables up to this size are scanned to warm the server: a scan's cost grows with the square of it. */
const LARGEST_WARM_SCAN = 5000;
/** Items of the keeper's lane that each warming worker uses. */
const SLOTS = 20;

interface Kept {
  settings: OpenKeeper;
  table: BareTable;
  rehearsal: BareTable | null;
  /** Which of the tables this process made, and so may delete. */
  created: BareTable[];
}

function keeper(emit: Emit<KeeperEvent>): Worker {
  let open: Kept | null = null;
  let creating: Promise<unknown> = Promise.resolve();
  let leaving = false;

  const kept = (): Kept => {
    if (open === null) {
      throw new Error("nothing is open: the first command must be open");
    }
    return open;
  };

  return {
    async handle(command) {
      switch (command.do) {
        case "open":
          return openTables(command);
        case "create":
          return create();
        case "warm":
          return warm(wholeNumber(command, "calls", 1));
        case "prepare":
          return prepareDeletions(command);
        case "restore":
          return restore(command);
        case "check":
          return check();
        case "drop":
          return drop();
        default:
          unknownCommand(command);
      }
    },
    // A table that is left without its run would stay for ever on a server that isn't ours.
    async abandon() {
      leaving = true;
      // One that is just being made would come to be after the others have gone.
      await creating.catch(() => {});
      await Promise.all((open?.created ?? []).map((table) => table.drop()));
    },
  };

  async function openTables(command: Command): Promise<void> {
    if (open !== null) {
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
    open = {
      settings,
      table: await openTable(connection, settings.table, ATTEMPTS),
      rehearsal:
        settings.rehearsalTable === null ? null : await openTable(connection, settings.rehearsalTable, ATTEMPTS),
      created: [],
    };
    const sdkVersion = findPackage("@aws-sdk/client-dynamodb")?.version ?? null;
    emit({ event: "ready", pid: process.pid, node: process.version, sdkVersion });
  }

  async function create(): Promise<void> {
    const { settings, table, rehearsal, created } = kept();
    const started = performance.now();
    const { items, rehearsalItems, seed } = settings;
    const total = items + (rehearsal === null ? 0 : rehearsalItems);
    let told = 0;
    const progress = (done: number) => {
      if (done - told >= PROGRESS_STEP) {
        told = done;
        emit({ event: "progress", done, total });
      }
    };
    for (const each of rehearsal === null ? [table] : [table, rehearsal]) {
      if (leaving) {
        return;
      }
      creating = each.create().then(() => created.push(each));
      await creating;
    }
    await table.seed(items, seed, progress);
    await rehearsal?.seed(rehearsalItems, seed, (done) => progress(items + done));
    emit({ event: "progress", done: total, total });
    const seconds = Math.round(performance.now() - started) / 1000;
    emit({ event: "created", items, seconds });
  }

  /** Calls all six operations in turn, so that the server's code is compiled before anything is measured. */
  async function warm(calls: number): Promise<void> {
    const { settings, table, rehearsal } = kept();
    const { items, rehearsalItems, seed } = settings;
    const scanned =
      items <= LARGEST_WARM_SCAN ? table : rehearsal !== null && rehearsalItems <= LARGEST_WARM_SCAN ? rehearsal : null;
    const call = (index: number) => ({ items, seed, round: 0, stream: STREAM.warmUp, index });
    // An update needs an item that is there and must leave no trace: each worker has one of its own in the lane.
    const act = async (i: number, worker: number): Promise<unknown> => {
      const slot = worker * SLOTS + (Math.floor(i / 5) % (SLOTS - 1)) + 1;
      const range = rangeOfCall(call(i));
      switch (i % 5) {
        case 0:
          return table.put(stored(laneOrder(OWN_LANE, AREA.keeper, slot, seed, 0)));
        case 1:
          return table.get(keyOf(itemOfCall("GetItem", call(i))));
        case 2:
          return table.setStatus(laneKey(OWN_LANE, AREA.keeper, worker * SLOTS), i % 2 === 0 ? "pending" : "shipped");
        case 3:
          return table.range(range.customerId, range.firstOrderId, range.lastOrderId);
        default:
          return table.delete(laneKey(OWN_LANE, AREA.keeper, slot));
      }
    };
    for (let worker = 0; worker < WARM_IN_FLIGHT; worker++) {
      await table.put(stored(laneOrder(OWN_LANE, AREA.keeper, worker * SLOTS, seed, 0)));
    }
    let done = 0;
    let lastTenth = Number.POSITIVE_INFINITY;
    await Promise.all(
      Array.from({ length: WARM_IN_FLIGHT }, async (_, worker) => {
        for (let i = 0; done < calls; i++) {
          await act(i, worker);
          done += 1;
          if (done >= calls * 0.9) {
            lastTenth = Math.min(lastTenth, performance.now());
          }
        }
      }),
    );
    const msPerCall = ((performance.now() - lastTenth) * WARM_IN_FLIGHT) / Math.max(1, done - Math.ceil(calls * 0.9));
    for (let i = 0; scanned !== null && i < Math.min(20, calls / 100); i++) {
      await scanned.scanItems();
    }
    await empty([OWN_LANE], AREA.keeper);
    emit({ event: "warm", calls: done, msPerCall: Math.round(msPerCall * 1000) / 1000 });
  }

  async function prepareDeletions(command: Command): Promise<void> {
    const { table, settings } = kept();
    const lane = wholeNumber(command, "lane");
    const from = wholeNumber(command, "from");
    const count = wholeNumber(command, "count");
    let index = from;
    await table.putAll(() =>
      index < from + count ? stored(laneOrder(lane, AREA.delete, index++, settings.seed, 0)) : undefined,
    );
    emit({ event: "prepared", count });
  }

  async function restore(command: Command): Promise<void> {
    const { table, settings } = kept();
    const { items, seed } = settings;
    const lanes = command.lanes;
    if (!Array.isArray(lanes) || !lanes.every((lane) => Number.isInteger(lane))) {
      throw new TypeError('restore: "lanes" must be a list of lanes');
    }
    const round = wholeNumber(command, "round");
    const from = wholeNumber(command, "from");
    const count = wholeNumber(command, "count");
    switch (operationName(command.operation)) {
      case "PutItem":
        await empty(lanes, AREA.put, from, count);
        await empty(lanes, AREA.putWarmUp);
        await empty(lanes, AREA.verify);
        break;
      case "DeleteItem":
        await empty(lanes, AREA.delete, from, count);
        break;
      case "UpdateItem": {
        const context = { items, seed, round };
        const changed = new Set<number>();
        for (let i = 0; i < WARM_UP_UPDATES; i++) {
          changed.add(updatedItem(context, STREAM.warmUp, i));
        }
        for (let i = 0; i < count; i++) {
          changed.add(updatedItem(context, STREAM.measured, from + i));
        }
        const numbers = changed.values();
        await table.putAll(() => {
          const next = numbers.next();
          return next.done ? undefined : stored(orderOf(next.value, seed));
        });
        break;
      }
      default:
        break;
    }
    emit({ event: "restored" });
  }

  /**
   * Deletes what there is in an area of lanes: from the customer of item `from` on, through that of the last one and
   * then until a customer has no orders.
   */
  async function empty(lanes: readonly number[], area: Area, from = 0, count = 0): Promise<void> {
    const { table } = kept();
    const last = Math.floor((from + Math.max(0, count - 1)) / ORDERS_PER_CUSTOMER);
    for (const lane of lanes) {
      for (let customer = Math.floor(from / ORDERS_PER_CUSTOMER); ; customer++) {
        const found: Key[] = await table.customerKeys(laneCustomer(lane, area, customer));
        await table.deleteAll(found);
        if (found.length === 0 && customer >= last) {
          break;
        }
      }
    }
  }

  async function check(): Promise<void> {
    const { settings, table, rehearsal } = kept();
    const wrong =
      (await table.compare(settings.items, settings.seed)) ??
      (await rehearsal?.compare(settings.rehearsalItems, settings.seed)) ??
      null;
    emit(wrong === null ? { event: "checked", items: settings.items } : { event: "differs", ...wrong });
  }

  async function drop(): Promise<void> {
    const { table, rehearsal } = kept();
    kept().created = [];
    await table.drop();
    await rehearsal?.drop();
    emit({ event: "dropped" });
  }
}

serve(keeper);
