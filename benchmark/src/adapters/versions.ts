// Which version of a package is installed here, found as Node finds it, but without asking for what the package
// exports (a package need not export its package.json).

import { readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Installed {
  folder: string;
  version: string | null;
}

/** The package that an import of `name` from `folder` would find. */
export function findPackage(name: string, folder = dirname(fileURLToPath(import.meta.url))): Installed | null {
  for (let at = folder; ; at = dirname(at)) {
    const found = join(at, "node_modules", name);
    try {
      const { version } = JSON.parse(readFileSync(join(found, "package.json"), "utf8")) as { version?: unknown };
      return { folder: realpathSync(found), version: typeof version === "string" ? version : null };
    } catch {
      // Not here; further up.
    }
    if (at === dirname(at)) {
      return null;
    }
  }
}

const SDK = "@aws-sdk/client-dynamodb";

export interface Versions {
  libraryVersion: string | null;
  sdkVersion: string | null;
  ownSdkVersion: string | null;
}

export function versionsOf(packageName: string): Versions {
  const library = findPackage(packageName);
  const sdk = findPackage(SDK);
  const own = library === null ? null : findPackage(SDK, library.folder);
  return {
    libraryVersion: library?.version ?? null,
    sdkVersion: sdk?.version ?? null,
    ownSdkVersion: own === null || own.folder === sdk?.folder ? null : own.version,
  };
}
