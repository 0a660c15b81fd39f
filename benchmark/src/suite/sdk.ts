// Which packages of the AWS SDK a process has loaded. A library with `node_modules` of its own may load others than the
// baseline does: the client of the same version, and another `@smithy/core` under it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** A module's path as the folder of its package, the package's name and the rest. */
const IN_PACKAGE = /^(.*[\\/]node_modules[\\/]((?:@aws-sdk|@smithy)[\\/][^\\/]+))[\\/]/;

/**
 * The packages `@aws-sdk/*` and `@smithy/*` that modules were loaded from, as `name@version`, sorted. All of them are
 * CommonJS to Node, whose cache names each module's file. The suite's own use of the SDK is loaded later.
 */
export function sdkPackages(modules = Object.keys(createRequire(import.meta.url).cache)): string[] {
  const names = new Map<string, string>();
  for (const module of modules) {
    const [, folder, name] = IN_PACKAGE.exec(module) ?? [];
    if (folder !== undefined && name !== undefined) {
      names.set(folder, name.replace("\\", "/"));
    }
  }
  const found = [...names].map(([folder, name]) => `${name}@${versionOf(folder)}`);
  return [...new Set(found)].sort();
}

function versionOf(folder: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version?: unknown };
  return typeof version === "string" ? version : "unknown";
}
