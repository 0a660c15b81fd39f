// CPU time by the process's own accounting: of all its threads, and of the one that runs JavaScript. The others collect
// garbage and compile; what they do in a short measurement is mostly chance.

import { openSync, readSync } from "node:fs";

export interface CpuSpent {
  /** User and system time of all threads. */
  cpuMs: number;
  /** Of it, that of this thread; null where the system doesn't report it. */
  threadMs: number | null;
}

const schedstat = open();
const text = Buffer.alloc(96);
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Starts counting; the function returned says what was spent since. */
export function countCpu(): () => CpuSpent {
  // The thread's readings come last and first, so that nothing but them weighs on it; the first of them is for nothing,
  // since one that finds its code in no cache takes 60 us and the next 27.
  const atStart = process.cpuUsage();
  threadMs();
  const threadAtStart = threadMs();
  return () => {
    const thread = threadMs();
    const { user, system } = process.cpuUsage(atStart);
    return {
      cpuMs: (user + system) / 1000,
      threadMs: thread === null || threadAtStart === null ? null : thread - threadAtStart,
    };
  };
}

function open(): number | null {
  try {
    return openSync("/proc/thread-self/schedstat", "r");
  } catch {
    return null;
  }
}

/** Linux gives the time of one thread in its first number, in nanoseconds (the kernel's sched-stats.rst). */
function threadMs(): number | null {
  if (schedstat === null) {
    return null;
  }
  // The account of a thread is brought up to date when it leaves the core, so it sleeps for a moment.
  Atomics.wait(cell, 0, 0, 0.02);
  const bytes = readSync(schedstat, text, 0, text.length, 0);
  return Number(text.toString("latin1", 0, bytes).split(" ", 1)[0]) / 1e6;
}
