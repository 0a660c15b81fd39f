// A fresh process that imports one bundle: what its import takes, and whether it works at all. The conductor runs it
// next to a suite, whose unbundled import it is compared with.

import { pathToFileURL } from "node:url";
import type { Library } from "./adapters/adapter.js";
import { DataSet } from "./dataset.js";
import { order } from "./shapes/order.js";
import { clientConfig } from "./table/client.js";
import { roundMs } from "./worker/events.js";

interface Bundle {
  load(this: void): Promise<Library>;
}

const ORDERS = new DataSet(order);

/** Nothing is called: no answer is waited for. */
const NOWHERE = { endpoint: "http://127.0.0.1:1", callTimeoutMs: 1000 };

const [program] = process.argv.slice(2);
if (program === undefined) {
  throw new Error("cold: the bundle is missing");
}
const { href } = pathToFileURL(program);
const at = performance.now();
const { load } = (await import(href)) as Bundle;
const library = await load();
const importMs = performance.now() - at;
const connection = await library.connect(clientConfig(NOWHERE), "documented", ORDERS.shape);
connection.table("cold-start");
connection.close();
process.stdout.write(`${JSON.stringify({ importMs: roundMs(importMs) })}\n`, () => process.exit(0));
