// Says which of some libraries can have items of a shape, before anything is started with them: one program, run by the
// conductor. It reads what the items are from the file that it is given and answers in one line of JSON. No library is imported.

import { readFileSync } from "node:fs";
import { whyNot } from "./adapters/adapter.js";
import { findAdapter } from "./adapters/index.js";
import { dataSet } from "./dataset.js";
import type { Expressed, Expresses } from "./protocol.js";

const { data, adapters } = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Expresses;
const { shape } = dataSet(data);
const answers: Expressed[] = [];
for (const adapter of adapters) {
  const found = await findAdapter(adapter);
  answers.push({ adapter, cannot: whyNot(found, shape) });
}
process.stdout.write(`${JSON.stringify(answers)}\n`);
