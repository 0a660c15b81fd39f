// Bundles each library of a run with its adapter and the SDK that it uses, minified, as it would be shipped to Lambda:
// one program, run by the conductor, for all targets at once. Nothing of what it bundles is run here; cold.ts imports it.

import { readFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { build, type Loader, type Plugin, version } from "esbuild";
import { findPackages } from "./bundling/packages.js";
import { type Problem, problemsOf } from "./bundling/problems.js";
import { withStaticImports } from "./bundling/static-imports.js";

interface Request {
  bundles: Wanted[];
}

interface Wanted {
  /** The adapter, compiled, or the file of one outside this repository. */
  adapter: string;
  /** Whether it is one outside this repository, whose packages may be there or here. */
  outside: boolean;
  outfile: string;
}

type Made = { bytes: number; gzipBytes: number } | { problems: Problem[] };

interface Answer {
  esbuild: string;
  /** In the order of the request. */
  bundles: Made[];
}

const LOADERS: Record<string, Loader> = { ".ts": "ts", ".mts": "ts", ".cts": "ts", ".tsx": "tsx" };

/** Has the adapter import its library at the top, as an application would. */
function importAtTheTop(adapter: string): Plugin {
  return {
    name: "import-at-the-top",
    setup(building) {
      building.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) =>
        path === adapter
          ? {
              contents: withStaticImports(await readFile(path, "utf8")),
              loader: LOADERS[extname(path)] ?? "js",
              resolveDir: dirname(path),
            }
          : null,
      );
    },
  };
}

async function bundle({ adapter, outside, outfile }: Wanted): Promise<Made> {
  const entry = outside
    ? `import * as its from ${JSON.stringify(adapter)};
       const adapter = its.adapter ?? its.default?.adapter ?? its.default;`
    : `import { adapter } from ${JSON.stringify(adapter)};`;
  try {
    await build({
      stdin: { contents: `${entry} export const load = () => adapter.load();`, resolveDir: dirname(adapter) },
      absWorkingDir: dirname(adapter),
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      target: `node${process.versions.node}`,
      // Of two builds of a package the one that unused parts can be left out of, as the SDK's developer guide advises.
      mainFields: ["module", "main"],
      minify: true,
      charset: "utf8",
      logLevel: "silent",
      // What is CommonJS asks for Node's modules at run time.
      banner: {
        js: 'import{createRequire as makeRequire}from"node:module";const require=makeRequire(import.meta.url);',
      },
      plugins: [...(outside ? [findPackages(() => null)] : []), importAtTheTop(adapter)],
    });
    const [{ size }, packed] = await Promise.all([stat(outfile), readFile(outfile).then(promisify(gzip))]);
    return { bytes: size, gzipBytes: packed.length };
  } catch (why) {
    return { problems: problemsOf(why) };
  }
}

const [file] = process.argv.slice(2);
if (file === undefined) {
  throw new Error("bundles: the file of the request is missing");
}
const { bundles } = JSON.parse(readFileSync(file, "utf8")) as Request;
const answer: Answer = { esbuild: version, bundles: await Promise.all(bundles.map(bundle)) };
process.stdout.write(`${JSON.stringify(answer)}\n`);
