// The libraries that can be measured. A new one is a file in this folder and a line here.

import type { Adapter } from "./adapter.js";

const ADAPTERS: Record<string, () => Promise<{ adapter: Adapter }>> = {
  "aws-sdk": () => import("./aws-sdk.js"),
  mizzle: () => import("./mizzle.js"),
  dynamoose: () => import("./dynamoose.js"),
  electrodb: () => import("./electrodb.js"),
};

export const ADAPTER_NAMES: readonly string[] = Object.keys(ADAPTERS);

export async function findAdapter(name: string): Promise<Adapter> {
  const load = Object.hasOwn(ADAPTERS, name) ? ADAPTERS[name] : undefined;
  if (load === undefined) {
    throw new Error(`no adapter named ${JSON.stringify(name)}; there are ${ADAPTER_NAMES.join(", ")}`);
  }
  return (await load()).adapter;
}
