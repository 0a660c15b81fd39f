// A benchmark as anyone would write it: the bare SDK's GetItem in tinybench. The selftest compares the suite with it, to
// see what the harness itself weighs. It verifies first, as the suite does, since what a process has done before is part
// of how fast it is. For each number that it reads, it times so many calls, after some that lead in, and prints the sums.

import { createInterface } from "node:readline";
import { Bench } from "tinybench";
import { adapter } from "./adapters/aws-sdk.js";
import { clientConfig } from "./table/client.js";
import { type CpuSpent, countCpu } from "./measure/cpu.js";
import { DataSet, itemOfCall, STREAM } from "./dataset.js";
import { prefixed, tableOf } from "./form.js";
import { callLimit } from "./measure/limit.js";
import { order } from "./shapes/order.js";
import { openTable } from "./table/bare-table.js";
import { verify } from "./verify/verification.js";

interface Job {
  endpoint: string;
  table: string;
  items: number;
  seed: number;
  warmUpCalls: number;
  calls: number;
  leadIn: number;
}

const job = JSON.parse(process.argv[2] ?? "{}") as Job;
const settings = { endpoint: job.endpoint, callTimeoutMs: 30_000 };
const data = new DataSet(order);
const form = prefixed(data.shape);
const connection = await (await adapter.load()).connect(clientConfig(settings), "documented", data.shape);
const tableName = tableOf(job.table, form);
const table = connection.table(tableName);
const { items, seed } = job;
const limit = callLimit(settings.callTimeoutMs);
await verify(
  {
    operations: ["GetItem"],
    full: true,
    table,
    rehearsal: null,
    tableName,
    context: { data, items, seed, round: 0, lane: 2 },
    limit,
    openBare: (name) => openTable(settings, name, form, data),
  },
  ({ wrong }) => {
    if (wrong !== null) {
      throw new Error(`GetItem did wrong work: ${JSON.stringify(wrong)}`);
    }
  },
);
limit.close();

const inputs = Array.from({ length: job.calls }, (_, index) =>
  data.keyOf(itemOfCall("GetItem", { items, seed, round: 0, stream: STREAM.measured, index })),
);
let next = 0;
const call = async () => {
  await table.get(inputs[next++ % inputs.length] as (typeof inputs)[number]);
};
for (let i = 0; i < job.warmUpCalls; i += 1) {
  await call();
}
next = 0;

for await (const calls of createInterface({ input: process.stdin })) {
  let spent: (() => CpuSpent) | undefined;
  let cpu: CpuSpent = { cpuMs: 0, threadMs: null };
  const bench = new Bench({
    warmup: true,
    warmupIterations: job.leadIn,
    warmupTime: 0,
    iterations: Number(calls),
    time: 0,
    retainSamples: true,
    setup: (_task, mode) => {
      spent = mode === "run" ? countCpu() : undefined;
    },
    teardown: () => {
      cpu = spent?.() ?? cpu;
    },
  });
  bench.add("GetItem", call);
  await bench.run();
  const result = bench.tasks[0]?.result;
  if (result?.state !== "completed") {
    throw new Error(`tinybench ended in state ${result?.state}`);
  }
  const samples = result.latency.samples ?? [];
  const latencyMs = samples.reduce((sum, ms) => sum + ms, 0);
  process.stdout.write(`${JSON.stringify({ latencyMs, cpuMs: cpu.threadMs ?? cpu.cpuMs })}\n`);
}
connection.close();
