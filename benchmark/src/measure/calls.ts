// Calls one after the other without a clock around each: windows of a warm-up, and calls whose allocation is counted.

import { type CallLimit, MOST_NO_ANSWERS, NoAnswer } from "./limit.js";

/** Calls that are ready to be made. */
export interface Slice {
  count: number;
  make(this: void, i: number): Promise<unknown>;
}

/** What became of a number of calls. */
export interface Made {
  /** Calls that were made, the failed ones too. */
  calls: number;
  errors: number;
  firstError: unknown;
  /** The last call that succeeded. */
  last: { index: number; result: unknown } | null;
}

/** Makes calls `from` to `from + count` of a slice; gives up after some without an answer. */
export async function makeCalls(
  slice: Slice,
  from: number,
  count: number,
  limit: CallLimit,
  spin: () => void,
): Promise<Made> {
  const made: Made = { calls: 0, errors: 0, firstError: null, last: null };
  let noAnswers = 0;
  for (let index = from; index < from + count && noAnswers < MOST_NO_ANSWERS; index++) {
    made.calls += 1;
    try {
      const result = await limit.run(() => {
        spin();
        return slice.make(index);
      });
      if (index === from + count - 1) {
        made.last = { index, result };
      }
    } catch (error) {
      made.errors += 1;
      made.firstError ??= error;
      if (error instanceof NoAnswer) {
        noAnswers += 1;
      }
    }
  }
  return made;
}
