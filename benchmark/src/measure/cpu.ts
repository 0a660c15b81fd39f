// CPU time by the process's own accounting: of all its threads, and of the one that runs JavaScript. The others collect
// garbage and compile; what they do in a short measurement is mostly chance. Bun before 1.4 sends and receives on a
// thread of its own, which Node and later versions of Bun do on the JavaScript thread: it counts as a part of that.

import { openSync, readdirSync, readFileSync, readSync } from "node:fs";

export interface CpuSpent {
  /** User and system time of all threads. */
  cpuMs: number;
  /** Of it, that of this thread; null where the system doesn't report it. */
  threadMs: number | null;
}

/** What Bun calls the thread that sends and receives. */
const HTTP_THREAD = "HTTP Client";

/** The accounts of the threads that count as the one that runs JavaScript; not opened before the first measurement. */
let accounts: number[] | undefined;
const text = Buffer.alloc(96);
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Starts counting; the function returned says what was spent since. */
export function countCpu(): () => CpuSpent {
  // The thread's readings come last and first, so that nothing but them weighs on it; the first of them is for nothing,
  // since one that finds its code in no cache takes 60 us and the next 27.
  const atStart = process.cpuUsage();
  readThreadMs();
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

/** Opens the accounts; none where the system has none. By the first measurement every thread has been started. */
function open(): number[] {
  try {
    return ["/proc/thread-self", ...httpThreads()].map((thread) => openSync(`${thread}/schedstat`, "r"));
  } catch {
    return [];
  }
}

function httpThreads(): string[] {
  if (process.versions.bun === undefined) {
    return [];
  }
  const threads = readdirSync("/proc/self/task").map((id) => `/proc/self/task/${id}`);
  return threads.filter((thread) => readFileSync(`${thread}/comm`, "latin1").trim() === HTTP_THREAD);
}

/** The thread's time up to now: its account is brought up to date when it leaves the core, so it sleeps for a moment. */
function threadMs(): number | null {
  accounts ??= open();
  if (accounts.length > 0) {
    Atomics.wait(cell, 0, 0, 0.02);
  }
  return readThreadMs();
}

/** Linux gives the time of one thread in its first number, in nanoseconds (the kernel's sched-stats.rst). */
function readThreadMs(): number | null {
  accounts ??= open();
  let ms: number | null = null;
  for (const account of accounts) {
    const bytes = readSync(account, text, 0, text.length, 0);
    ms = (ms ?? 0) + Number(text.toString("latin1", 0, bytes).split(" ", 1)[0]) / 1e6;
  }
  return ms;
}
