// The libraries that can be measured: each is a file of this folder that exports its adapter, or the program that was
// made of an adapter outside this repository.

import { readdirSync } from "node:fs";
import { isAbsolute } from "node:path";
import { importOutside } from "../outside/adapter.js";
import type { Adapter } from "./adapter.js";

/** The files of this folder that are no library's. */
const SHARED = ["adapter.js", "index.js"];

export function adapterNames(): string[] {
  const files = readdirSync(new URL(".", import.meta.url)).filter((name) => name.endsWith(".js"));
  return files.filter((name) => !SHARED.includes(name)).map((name) => name.slice(0, -".js".length));
}

/** Finds the adapter of that name in this folder; a path is that of a program outside it. */
export async function findAdapter(name: string): Promise<Adapter> {
  if (isAbsolute(name)) {
    return importOutside(name);
  }
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
