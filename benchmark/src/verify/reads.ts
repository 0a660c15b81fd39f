// Verifying GetItem and Query: what they return is what lies in the table now, not what lay there before.

import type { Order, Range } from "../dataset.js";
import { type Difference, difference, differenceFromRange } from "../difference.js";
import type { BareTable } from "../table/bare-table.js";
import { putAll } from "../table/batch.js";
import { FURTHER_CALLS, indices, OWN, type Subject, type Trial } from "./subject.js";

/** Items on each side of a range that must not be returned with it. */
const NEIGHBOURS = 2;

/** How long an index may take to follow its table, and how often it is looked at meanwhile, milliseconds. */
const INDEX_DELAY_MS = 2000;
const INDEX_LOOK_MS = 50;

export function getTrial(subject: Subject): Trial {
  const { table, data } = subject;
  const first = subject.numberOf("GetItem", 0);
  return {
    first: () => table.get(data.keyOf(first)),
    wrongFirst: async (result) => subject.asSeeded(first, table.toOrder(result)),
    wrongFurther: async (bare) =>
      (await readsWhatIsThere(subject, bare)) ??
      (await subject.checkEach(
        indices(1, FURTHER_CALLS).map((i) => subject.numberOf("GetItem", i)),
        (n) => table.get(data.keyOf(n)),
        (n, answer) => subject.asSeeded(n, table.toOrder(answer)),
      )),
  };
}

export function queryTrial(subject: Subject): Trial {
  const { table, data } = subject;
  const first = data.rangeOfCall(subject.call(0));
  const wrongRange = (range: Range, result: unknown) =>
    differenceFromRange(range, table.toOrders(result), (n, order) => subject.asSeeded(n, order));
  return {
    first: () => table.query(first),
    wrongFirst: async (result) => wrongRange(first, result),
    wrongFurther: async (bare) =>
      (await queriesWhatIsThere(subject, bare)) ??
      (await subject.checkEach(
        indices(1, FURTHER_CALLS).map((i) => data.rangeOfCall(subject.call(i))),
        (range) => table.query(range),
        wrongRange,
      )),
  };
}

/** An item that changes between two reads must be read as it is; one that isn't there must not be found. */
async function readsWhatIsThere(subject: Subject, bare: BareTable): Promise<Difference | null> {
  const { table } = subject;
  for (const order of subject.beforeAndAfter(subject.own(OWN.reads))) {
    await bare.put(order);
    const found = table.toOrder(await subject.ask(() => table.get(subject.ownKey(OWN.reads))));
    const wrong = difference(order, found, "an item read again after a change");
    if (wrong !== null) {
      return wrong;
    }
  }
  const absent = await subject.ask(() => table.get(subject.ownKey(OWN.reads + 1)));
  return difference(null, table.toOrder(absent), "an item that isn't there");
}

/** The same for a range of items, with neighbours on both sides. */
async function queriesWhatIsThere(subject: Subject, bare: BareTable): Promise<Difference | null> {
  const { table, data } = subject;
  const span = data.queryItems;
  const all = indices(OWN.range, span + 2 * NEIGHBOURS).map((index) => subject.own(index));
  const { range, inOrder: inside } = data.rangeOf(all.slice(NEIGHBOURS, NEIGHBOURS + span));
  const wrongNow = async () =>
    differenceFromRange(range, table.toOrders(await subject.ask(() => table.query(range))), (i, order) =>
      difference(inside[i], order, "a range asked for again after a change"),
    );
  let next = 0;
  await putAll(bare, () => all[next++]);
  for (const changed of subject.beforeAndAfter(inside[0] as Order)) {
    inside[0] = changed;
    await bare.put(changed);
    const wrong = data.queryBy === "index" ? await untilRight(wrongNow) : await wrongNow();
    if (wrong !== null) {
      return wrong;
    }
  }
  return null;
}

/** An index follows its table after a moment: what is wrong at first is looked at again. */
async function untilRight(wrongNow: () => Promise<Difference | null>): Promise<Difference | null> {
  const deadline = performance.now() + INDEX_DELAY_MS;
  let wrong = await wrongNow();
  while (wrong !== null && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, INDEX_LOOK_MS));
    wrong = await wrongNow();
  }
  return wrong;
}
