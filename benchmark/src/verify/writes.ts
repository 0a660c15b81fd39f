// Verifying the operations that write: what counts is what lies in the table afterwards, read with the bare SDK.

import { type Difference, difference } from "../difference.js";
import type { BareTable } from "../table/bare-table.js";
import { FURTHER_CALLS, indices, type NumberedUpdate, OWN, type Subject, type Trial } from "./subject.js";

export function putTrial(subject: Subject): Trial {
  const { table } = subject;
  const readBack = async (index: number, bare: BareTable) =>
    difference(bare.form.itemOf(subject.own(index)), await bare.get(subject.ownKey(index)), "the stored item");
  return {
    first: () => table.put(subject.own(OWN.puts)),
    wrongFirst: (_result, bare) => readBack(OWN.puts, bare),
    wrongFurther: (bare) =>
      subject.checkEach(
        indices(OWN.puts + 1, FURTHER_CALLS),
        (index) => table.put(subject.own(index)),
        (index) => readBack(index, bare),
      ),
  };
}

export function updateTrial(subject: Subject): Trial {
  const { table, updates, context, data } = subject;
  const [first, ...further] = updates as [NumberedUpdate, ...NumberedUpdate[]];
  const readBack = async ({ n, key, value }: NumberedUpdate, bare: BareTable) => {
    const updated = data.with(data.orderOf(n, context.seed), value);
    return difference(bare.form.itemOf(updated), await bare.get(key), "the updated item");
  };
  return {
    first: () => table.update(first.key, first.value),
    wrongFirst: (_result, bare) => readBack(first, bare),
    wrongFurther: (bare) =>
      subject.checkEach(
        further,
        ({ key, value }) => table.update(key, value),
        (input) => readBack(input, bare),
      ),
  };
}

export function deleteTrial(subject: Subject): Trial {
  const { table } = subject;
  const doomed = indices(OWN.deletes + 1, FURTHER_CALLS);
  const neighbour = OWN.deletes + FURTHER_CALLS + 1;
  const isGone = async (index: number, bare: BareTable) =>
    difference(undefined, await bare.get(subject.ownKey(index)), "the deleted item");

  const wrongFurther = async (bare: BareTable): Promise<Difference | null> => {
    for (const index of [...doomed, neighbour]) {
      await bare.put(subject.own(index));
    }
    const wrong = await subject.checkEach(
      doomed,
      (index) => table.delete(subject.ownKey(index)),
      (index) => isGone(index, bare),
    );
    const left = await bare.get(subject.ownKey(neighbour));
    return wrong ?? difference(bare.form.itemOf(subject.own(neighbour)), left, "the item next to those deleted");
  };

  return {
    before: () => table.put(subject.own(OWN.deletes)),
    first: () => table.delete(subject.ownKey(OWN.deletes)),
    wrongFirst: (_result, bare) => isGone(OWN.deletes, bare),
    wrongFurther,
  };
}
