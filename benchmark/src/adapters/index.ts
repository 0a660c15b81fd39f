// The libraries that can be measured: each is a file of this folder that exports its adapter.

import { readdirSync } from "node:fs";
import type { Adapter } from "./adapter.js";

/** The files of this folder that are no library's. */
const SHARED = ["adapter.js", "index.js"];

export function adapterNames(): string[] {
  const files = readdirSync(new URL(".", import.meta.url)).filter((name) => name.endsWith(".js"));
  return files.filter((name) => !SHARED.includes(name)).map((name) => name.slice(0, -".js".length));
}

export async function findAdapter(name: string): Promise<Adapter> {
  const names = adapterNames();
  if (!names.includes(name)) {
    throw new Error(`no adapter named ${JSON.stringify(name)}; there are ${names.join(", ")}`);
  }
  const { adapter } = (await import(`./${name}.js`)) as { adapter?: Adapter };
  if (adapter === undefined) {
    throw new Error(`adapters/${name}.ts exports no adapter`);
  }
  return adapter;
}
