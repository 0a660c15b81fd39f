// Verification: what is not right is not timed. First each operation is called once, cold, before anything else in the
// process has used the SDK; then results and effects are checked against the data set and read back with the bare SDK,
// and some more calls are made while the wire is metered.
//
// What a library wrote or changed is put back; nothing of this stays in the table.

import type { MiddlewareHost, OrderTable, UpdateInput } from "./adapter.js";
import {
  AREA,
  itemOfCall,
  type Key,
  keyOf,
  laneKey,
  laneOrder,
  ORDERS_PER_CUSTOMER,
  type Order,
  orderOf,
  QUERY_SPAN,
  type Range,
  rangeOfCall,
  STREAM,
  stored,
  updatedStatus,
} from "./dataset.js";
import { type Difference, difference } from "./difference.js";
import type { CallLimit } from "./limit.js";
import {
  type Context,
  differenceFromAll,
  differenceFromRange,
  differenceFromSeeded,
  keyInput,
  putInput,
  queryInput,
} from "./operations.js";
import { OPERATIONS, type OperationName, type Work } from "./protocol.js";
import type { BareTable } from "./table.js";
import { meter, workPerCall } from "./wire.js";
import { OperationError } from "./worker.js";

export interface VerifyOptions {
  operations: readonly OperationName[];
  client: MiddlewareHost;
  table: OrderTable;
  /** Where Scan is verified instead, if its own table is too large for that. */
  rehearsal: { table: OrderTable; items: number; name: string } | null;
  tableName: string;
  context: Context;
  limit: CallLimit;
  openBare(name: string): Promise<BareTable>;
}

export type Verdict =
  | { operation: OperationName; firstCallMs: number | null; work: Work | null; wrong: null }
  | { operation: OperationName; wrong: Difference };

/** Metered calls per operation, Scan excepted. */
const METERED_CALLS = 4;

interface Cold {
  ms: number;
  result: unknown;
}

type Outcome = { work: Work | null; wrong: Difference | null };

export async function verify(options: VerifyOptions, onVerdict: (verdict: Verdict) => void): Promise<void> {
  const wanted = OPERATIONS.filter((name) => options.operations.includes(name));
  const verification = prepareVerification(options);
  const cold = new Map<OperationName, Cold>();
  for (const operation of wanted) {
    cold.set(operation, await inOperation(operation, () => verification.first(operation)));
  }
  const bare = await options.openBare(options.tableName);
  const bareOfScan = options.rehearsal === null ? bare : await options.openBare(options.rehearsal.name);
  try {
    for (const operation of wanted) {
      const { ms, result } = cold.get(operation) as Cold;
      const { work, wrong } = await inOperation(operation, () =>
        verification.more(operation, result, operation === "Scan" ? bareOfScan : bare),
      );
      const rehearsed = operation === "Scan" && options.rehearsal !== null;
      onVerdict(
        wrong === null
          ? { operation, firstCallMs: rehearsed ? null : ms, work: rehearsed ? null : work, wrong }
          : { operation, wrong },
      );
    }
  } finally {
    await verification.putBack(bare, wanted).finally(() => {
      bare.close();
      bareOfScan.close();
    });
  }
}

async function inOperation<T>(operation: OperationName, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new OperationError(operation, error);
  }
}

function prepareVerification({ client, table, rehearsal, context, limit }: VerifyOptions) {
  const { items, seed, round, lane } = context;
  /** Each process draws its own keys, should two of them verify at once. */
  const call = (i: number) => ({ items, seed, round, stream: STREAM.verify, index: lane * 100 + i });
  const own = (index: number): Order => laneOrder(lane, AREA.verify, index, seed, round);
  const ownKey = (index: number): Key => laneKey(lane, AREA.verify, index);
  const updates = Array.from({ length: METERED_CALLS + 1 }, (_, i): UpdateInput & { n: number } => {
    const n = itemOfCall("UpdateItem", call(i));
    return { n, ...keyInput(keyOf(n)), status: updatedStatus(n, seed, round) };
  });
  const scanned = rehearsal ?? { table, items };

  // Items of the lane's own area, by what they are for: first and further puts, deletions, reads that change, a query.
  const PUTS = 0;
  const DELETES = 20;
  const READS = 40;
  const OWN_RANGE = 60;

  /** Calls the library with a time limit; with `metered`, counts it. */
  const ask = <T>(act: () => Promise<T>): Promise<T> => limit.run(act);

  /** Makes calls one after the other, metered, and checks each; stops at the first wrong one. */
  async function metered<T>(
    inputs: readonly T[],
    act: (input: T) => Promise<unknown>,
    check: (input: T, result: unknown) => Promise<Difference | null> | Difference | null,
  ): Promise<Outcome> {
    const totals: Work[] = [];
    for (const input of inputs) {
      const running = meter(client);
      let result: unknown;
      let work: Work | null;
      try {
        result = await ask(() => act(input));
      } finally {
        work = workPerCall(running.stop(), 1);
      }
      const wrong = await check(input, result);
      if (wrong !== null) {
        return { work: null, wrong };
      }
      if (work !== null) {
        totals.push(work);
      }
    }
    return { work: meanWork(totals), wrong: null };
  }

  // The first calls come before anything is put back, so an item may be as UpdateItem's first call left it.
  const asSeeded = (n: number, order: unknown) => differenceFromSeeded(n, order, context);
  const isOwn = (order: unknown) => (order as Partial<Key> | null)?.customerId === ownKey(0).customerId;
  const indices = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

  /** The first, cold call of an operation. Only the library is used here, never the bare SDK. */
  async function first(operation: OperationName): Promise<Cold> {
    let act: () => Promise<unknown>;
    switch (operation) {
      case "PutItem": {
        const input = putInput(own(PUTS));
        act = () => table.put(input);
        break;
      }
      case "GetItem": {
        const input = keyInput(keyOf(itemOfCall("GetItem", call(0))));
        act = () => table.get(input);
        break;
      }
      case "UpdateItem": {
        const input = updates[0] as UpdateInput;
        act = () => table.update(input);
        break;
      }
      case "DeleteItem": {
        const input = keyInput(ownKey(DELETES));
        await ask(() => table.put(putInput(own(DELETES))));
        act = () => table.delete(input);
        break;
      }
      case "Query": {
        const input = queryInput(rangeOfCall(call(0)));
        act = () => table.query(input);
        break;
      }
      case "Scan":
        act = () => scanned.table.scan();
        break;
    }
    const at = performance.now();
    const result = await ask(act);
    return { ms: performance.now() - at, result };
  }

  async function more(operation: OperationName, result: unknown, bare: BareTable): Promise<Outcome> {
    switch (operation) {
      case "PutItem": {
        const readBack = async (index: number) =>
          difference(stored(own(index)), await bare.get(ownKey(index)), "the stored item");
        const wrong = await readBack(PUTS);
        return wrong !== null
          ? { work: null, wrong }
          : metered(
              indices(PUTS + 1, METERED_CALLS),
              (index) => table.put(putInput(own(index))),
              (index) => readBack(index),
            );
      }

      case "GetItem": {
        const wrong = asSeeded(itemOfCall("GetItem", call(0)), table.toOrder(result)) ?? (await readsWhatIsThere(bare));
        return wrong !== null
          ? { work: null, wrong }
          : metered(
              indices(1, METERED_CALLS).map((i) => itemOfCall("GetItem", call(i))),
              (n) => table.get(keyInput(keyOf(n))),
              (n, answer) => asSeeded(n, table.toOrder(answer)),
            );
      }

      case "UpdateItem": {
        const readBack = async ({ n, key, status }: (typeof updates)[number]) =>
          difference(stored({ ...orderOf(n, seed), status }), await bare.get(key), "the updated item");
        const wrong = await readBack(updates[0] as (typeof updates)[number]);
        return wrong !== null
          ? { work: null, wrong }
          : metered(updates.slice(1), (input) => table.update(input), readBack);
      }

      case "DeleteItem": {
        const isGone = async (index: number) =>
          difference(undefined, await bare.get(ownKey(index)), `the deleted item`);
        let wrong = await isGone(DELETES);
        if (wrong !== null) {
          return { work: null, wrong };
        }
        const doomed = indices(DELETES + 1, METERED_CALLS);
        const neighbour = DELETES + METERED_CALLS + 1;
        for (const index of [...doomed, neighbour]) {
          await bare.put(stored(own(index)));
        }
        const outcome = await metered(doomed, (index) => table.delete(keyInput(ownKey(index))), isGone);
        wrong = difference(stored(own(neighbour)), await bare.get(ownKey(neighbour)), "the item beside those deleted");
        return outcome.wrong === null && wrong !== null ? { work: null, wrong } : outcome;
      }

      case "Query": {
        const wrong =
          differenceFromRange(rangeOfCall(call(0)), table.toOrders(result), asSeeded) ??
          (await queriesWhatIsThere(bare));
        return wrong !== null
          ? { work: null, wrong }
          : metered(
              indices(1, METERED_CALLS).map((i) => rangeOfCall(call(i))),
              (range) => table.query(queryInput(range)),
              (range, answer) => differenceFromRange(range, table.toOrders(answer), asSeeded),
            );
      }

      case "Scan": {
        const others = [...scanned.table.toOrders(result)].filter((order) => !isOwn(order));
        const wrong = differenceFromAll(scanned.items, others, asSeeded);
        if (wrong !== null) {
          return { work: null, wrong };
        }
        // The metered scan finds exactly the data set.
        if (rehearsal === null) {
          await putBack(bare, OPERATIONS);
        }
        // One item is changed meanwhile, so that an answer from before is seen.
        const changed = itemOfCall("Scan", { ...call(0), items: scanned.items });
        const status = "changed";
        await bare.setStatus(keyOf(changed), status);
        try {
          return await metered(
            [null],
            () => scanned.table.scan(),
            (_, answer) =>
              differenceFromAll(scanned.items, scanned.table.toOrders(answer), (n, order) =>
                n === changed
                  ? difference({ ...orderOf(n, seed), status }, order, `order ${n}, just changed`)
                  : asSeeded(n, order),
              ),
          );
        } finally {
          await bare.put(stored(orderOf(changed, seed)));
        }
      }
    }
  }

  /** An item that changes between two reads must be read as it is; one that isn't there must not be found. */
  async function readsWhatIsThere(bare: BareTable): Promise<Difference | null> {
    const order = own(READS);
    const input = keyInput(order);
    for (const status of ["pending", "changed"]) {
      await bare.put(stored({ ...order, status }));
      const found = table.toOrder(await ask(() => table.get(input)));
      const wrong = difference({ ...order, status }, found, "an item read again after a change");
      if (wrong !== null) {
        return wrong;
      }
    }
    const absent = table.toOrder(await ask(() => table.get(keyInput(ownKey(READS + 1)))));
    return difference(null, absent, "an item that isn't there");
  }

  /** The same for a range of a customer's orders, with neighbours on both sides. */
  async function queriesWhatIsThere(bare: BareTable): Promise<Difference | null> {
    const beside = 2;
    const all = indices(OWN_RANGE, QUERY_SPAN + 2 * beside).map(own);
    const inside = all.slice(beside, beside + QUERY_SPAN);
    const [firstOrder, lastOrder] = [inside[0] as Order, inside[QUERY_SPAN - 1] as Order];
    const range: Range = {
      customerId: firstOrder.customerId,
      firstOrderId: firstOrder.orderId,
      lastOrderId: lastOrder.orderId,
      firstItem: 0,
      span: QUERY_SPAN,
    };
    let next = 0;
    await bare.putAll(() => (next < all.length ? stored(all[next++] as Order) : undefined));
    for (const status of [firstOrder.status, "changed"]) {
      firstOrder.status = status;
      await bare.put(stored(firstOrder));
      const found = table.toOrders(await ask(() => table.query(queryInput(range))));
      const wrong = differenceFromRange(range, found, (i, order) =>
        difference(inside[i], order, "a range asked for again after a change"),
      );
      if (wrong !== null) {
        return wrong;
      }
    }
    return null;
  }

  async function putBack(bare: BareTable, operations: readonly OperationName[]): Promise<void> {
    await bare.deleteAll(indices(0, ORDERS_PER_CUSTOMER).map(ownKey));
    if (operations.includes("UpdateItem")) {
      for (const { n } of updates) {
        await bare.put(stored(orderOf(n, seed)));
      }
    }
  }

  return { first, more, putBack };
}

function meanWork(works: readonly Work[]): Work | null {
  const mean = (name: keyof Work): number | null => {
    const values = works.map((work) => work[name]);
    return values.some((value) => value === null)
      ? null
      : Math.round((values.reduce<number>((sum, value) => sum + (value ?? 0), 0) / values.length) * 1e4) / 1e4;
  };
  return works.length === 0
    ? null
    : {
        requests: mean("requests") ?? 0,
        itemsReturned: mean("itemsReturned"),
        itemsScanned: mean("itemsScanned"),
        capacityUnits: mean("capacityUnits"),
        requestBytes: mean("requestBytes") ?? 0,
        responseBytes: mean("responseBytes"),
      };
}
