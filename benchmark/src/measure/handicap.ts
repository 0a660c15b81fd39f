// A known amount of extra work inside each call, for testing whether the harness finds differences of a known size. It
// is work and not time: on a core whose speed changes, a loop of fixed time would be no fixed share of a call.

/** The state of the loop. It is read back by `handicapState`, so that no compiler can leave the loop out. */
const state = new Int32Array([1]);

/** A function that runs so many steps of a linear congruential generator; it reads no clock and allocates nothing. */
export function handicap(steps: number): () => void {
  if (steps <= 0) {
    return () => {};
  }
  return () => {
    let x = state[0] as number;
    for (let step = 0; step < steps; step += 1) {
      x = (Math.imul(x, 69069) + 1) | 0;
    }
    state[0] = x;
  };
}

/** The fractional part of the golden ratio. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Whether a call, by its number, is among so many out of 1,000 that are made twice. They are spread evenly (H. Weyl's
 * multiples of an irrational number), over every stretch of calls and over every place in their slices alike.
 */
export function isRepeated(call: number, perMille: number): boolean {
  return perMille > 0 && ((call + 1) * GOLDEN) % 1 < perMille / 1000;
}

/** Where the generator is: a function of all the steps that were made. */
export function handicapState(): number {
  return state[0] as number;
}
