// A benchmark as anyone would write it: the bare SDK's GetItem in tinybench, in one go. The selftest holds the suite
// against it, to see what the harness itself weighs. Prints the sums over its calls.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { Bench } from "tinybench";
import { clientConfig } from "./client.js";
import { type CpuSpent, countCpu } from "./cpu.js";
import { itemOfCall, keyOf, STREAM, storedKey } from "./dataset.js";

interface Job {
  endpoint: string;
  table: string;
  items: number;
  seed: number;
  warmUpCalls: number;
  calls: number;
}

const job = JSON.parse(process.argv[2] ?? "{}") as Job;
const client = new DynamoDBClient(clientConfig({ endpoint: job.endpoint, callTimeoutMs: 30_000 }));
const documents = DynamoDBDocumentClient.from(client);
const { items, seed } = job;
const keys = Array.from({ length: job.calls }, (_, index) =>
  storedKey(keyOf(itemOfCall("GetItem", { items, seed, round: 0, stream: STREAM.measured, index }))),
);
let next = 0;
const call = async () => {
  await documents.send(new GetCommand({ TableName: job.table, Key: keys[next++ % keys.length] }));
};

for (let i = 0; i < job.warmUpCalls; i += 1) {
  await call();
}
next = 0;
let spent: (() => CpuSpent) | undefined;
let cpu: CpuSpent = { cpuMs: 0, threadMs: null };
const bench = new Bench({
  warmup: false,
  iterations: job.calls,
  time: 0,
  retainSamples: true,
  setup: () => {
    spent = countCpu();
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
client.destroy();
