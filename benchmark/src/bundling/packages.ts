// Where the packages are that an adapter outside this repository imports: next to it, else in `benchmark/`; and what of
// this repository it means by the name of this package.

import { isBuiltin } from "node:module";
import { dirname, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

import type { ImportKind, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";

/** `benchmark/`, which this program is compiled into a folder of. */
const BENCHMARK = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

const OURS = "dynamodb-client-benchmark";
const COMPILED = resolve(BENCHMARK, "dist");
const SOURCES = resolve(BENCHMARK, "src") + sep;
/** Marks a question of this plugin's own, which must not come back to it. */
const OWN = { own: true };

/** What is found, and whether a package's name led there. */
export interface Found {
  path: string;
  isPackage: boolean;
  /** Whether it is a module of this repository. */
  isOurs: boolean;
  kind: ImportKind;
}

/** Finds every import; `take` says what becomes of it. */
export function findPackages(take: (found: Found) => OnResolveResult | null): Plugin {
  return {
    name: "find-packages",
    setup(building) {
      building.onResolve({ filter: /./ }, async (asked) => {
        if (asked.kind === "entry-point" || asked.pluginData === OWN || isBuiltin(asked.path)) {
          return null;
        }
        return find(building, asked, take);
      });
    },
  };
}

async function find(
  building: PluginBuild,
  asked: OnResolveArgs,
  take: (found: Found) => OnResolveResult | null,
): Promise<OnResolveResult | null> {
  const { kind, importer, path } = asked;
  if (path === OURS) {
    const kit = resolve(COMPILED, "kit.js");
    return take({ path: kit, isPackage: false, isOurs: true, kind }) ?? { path: kit };
  }
  const isPackage = !/^(\.{0,2}\/|#|\.{1,2}$)/.test(path);
  const from = (resolveDir: string) =>
    building.resolve(path, { kind, importer, resolveDir, namespace: asked.namespace, pluginData: OWN });
  let found = await from(asked.resolveDir);
  if (found.errors.length > 0 && isPackage) {
    const ours = await from(BENCHMARK);
    if (ours.errors.length > 0) {
      return { errors: [{ text: missing(path) }] };
    }
    found = ours;
  }
  if (found.errors.length > 0 || found.external) {
    return { errors: found.errors, path: found.path, external: found.external };
  }
  const compiled = compiledOf(found.path);
  return take({ path: compiled ?? found.path, isPackage, isOurs: compiled !== null, kind }) ?? found;
}

/** A module of this repository as it was compiled; null for any other. */
function compiledOf(path: string): string | null {
  return path.startsWith(SOURCES) && path.endsWith(".ts")
    ? resolve(COMPILED, `${relative(SOURCES, path).slice(0, -".ts".length)}.js`)
    : null;
}

function missing(path: string): string {
  const name = path.startsWith("@") ? path.split("/").slice(0, 2).join("/") : path.split("/")[0];
  return `it imports ${path}, which is installed neither next to it nor in benchmark/: \`npm install ${name}\` in its folder installs it there`;
}
