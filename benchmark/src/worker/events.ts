// Standard output belongs to the protocol: this writes events to it and sends whatever else is printed, by libraries
// and by console.log, to standard error. It knows nothing of what the events mean.

import { Console } from "node:console";
import type { Event } from "../protocol.js";

/** Writes events, several at once where they come together: each write costs a tenth of a millisecond. */
export type Emit = (...events: Event[]) => void;

/** The longest text in an event, characters. */
const LONGEST_TEXT = 2000;

/** Takes standard output over. Afterwards only the function returned writes to it. */
export function takeOverOutput(): Emit {
  const write = process.stdout.write.bind(process.stdout);
  const stderr = process.stderr.write.bind(process.stderr);
  process.stdout.write = (chunk: string | Uint8Array, ...rest: never[]) => stderr(chunk, ...rest);
  globalThis.console = new Console(process.stderr, process.stderr);
  // The parent is gone: there is nobody left to measure for.
  process.stdout.on("error", () => process.exit(0));
  process.stderr.on("error", () => {});
  return (...events) => {
    if (events.length > 0) {
      write(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
    }
  };
}

/** Rounds milliseconds to 0.0001 ms, which is finer than any clock here and keeps lines short. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1e4) / 1e4;
}

export function shorten(text: string, longest = LONGEST_TEXT): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

/** A readable error, with its name where that says more than the message. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) {
    return shorten(String(error));
  }
  const name = error.name === "Error" || error.message.startsWith(error.name) ? "" : `${error.name}: `;
  const inner = error instanceof AggregateError ? error.errors.map(describeError).join("; ") : "";
  const cause = error.cause === undefined ? "" : ` (${describeError(error.cause)})`;
  return shorten(`${name}${error.message || inner || "no message"}${cause}`);
}
