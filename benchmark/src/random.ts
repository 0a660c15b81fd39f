// A counter-based generator: a hash of all that identifies a draw, so that no draw depends on an earlier one; and a
// stream of draws for what takes many of them. No I/O here.

function mix(hash: number, value: number): number {
  let k = Math.imul(value, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let h = hash ^ Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

/** MurmurHash3 (32 bits, its x86 variant) of whole numbers, each taken as two words. */
export function hash(...values: number[]): number {
  let h = 0;
  for (const value of values) {
    h = mix(h, value | 0);
    h = mix(h, Math.floor(value / 2 ** 32) | 0);
  }
  h ^= values.length * 8;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Draws from the numbers 0 to `below` - 1, by a hash of `values`. */
export function draw(below: number, ...values: number[]): number {
  return Math.floor((hash(...values) / 2 ** 32) * below);
}

export function pick<T>(list: readonly T[], ...values: number[]): T {
  return list[draw(list.length, ...values)] as T;
}

/** Draws from 0 to `below` - 1, one after the other. */
export type Draws = (below: number) => number;

/** A stream of draws that is a function of `values`: Mulberry32 (Tommy Ettinger, public domain), begun at their hash. */
export function draws(...values: number[]): Draws {
  let state = hash(...values) | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A whole number with zeros before it. */
export function digits(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
