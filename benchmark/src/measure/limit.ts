// A time limit for calls: one that has no answer in time is given up and becomes an error. One timer watches all calls
// in flight, so that a call costs a microsecond more and not a timer of its own.

export class NoAnswer extends Error {
  override name = "NoAnswer";
}

/** After so many calls without an answer the rest of a slice is not made: each would wait as long. */
export const MOST_NO_ANSWERS = 3;

export interface CallLimit {
  /** Makes a call; rejects with NoAnswer when it takes longer than the limit. */
  run<T>(call: () => Promise<T>): Promise<T>;
  close(): void;
}

interface InFlight {
  since: number;
  giveUp(error: Error): void;
}

export function callLimit(limitMs: number): CallLimit {
  const inFlight = new Set<InFlight>();
  const timer = setInterval(
    () => {
      const now = performance.now();
      for (const call of inFlight) {
        if (now - call.since > limitMs) {
          inFlight.delete(call);
          call.giveUp(new NoAnswer(`no answer within ${limitMs} ms`));
        }
      }
    },
    Math.min(250, Math.max(5, limitMs / 4)),
  );
  return {
    run: (call) =>
      new Promise((resolve, reject) => {
        const entry: InFlight = { since: performance.now(), giveUp: reject };
        const started = call();
        inFlight.add(entry);
        started.then(
          (value) => {
            inFlight.delete(entry);
            resolve(value);
          },
          (error: unknown) => {
            inFlight.delete(entry);
            reject(error instanceof Error ? error : new Error(String(error)));
          },
        );
      }),
    close() {
      clearInterval(timer);
    },
  };
}
