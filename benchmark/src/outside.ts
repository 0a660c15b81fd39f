// Makes the file of an adapter outside this repository into a program that suites and the keeper import, and says what it
// is: one program, run by the conductor. Its packages stay where they are installed, and what it imports of this
// repository is what the suites import. It is run once here, its library imported, so that what can't be measured is known
// before anything starts.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { build, version } from "esbuild";
import { findPackages, type Found } from "./bundling/packages.js";
import { type Problem, problemsOf } from "./bundling/problems.js";
import { importOutside } from "./outside/adapter.js";
import { describeError } from "./worker/events.js";

interface Request {
  /** The adapter's file. */
  file: string;
  /** The folder that it lies in: places in it are named from there. */
  folder: string;
  outfile: string;
}

type Answer = { problems: Problem[] } | { wrong: string } | Described;

interface Described {
  esbuild: string;
  name: string;
  package: string;
  /** The packages that it imports, as it names them. */
  imports: string[];
}

/** What it prints must not be taken for the answer. */
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

async function make({ file, folder, outfile }: Request): Promise<Answer> {
  const imports = new Set<string>();
  const leave = ({ path, isPackage, isOurs, kind }: Found) => {
    if (!isPackage && !isOurs) {
      return null;
    }
    imports.add(path);
    return { path: kind.startsWith("require") ? path : pathToFileURL(path).href, external: true };
  };
  try {
    await build({
      absWorkingDir: folder,
      entryPoints: [file],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      target: `node${process.versions.node}`,
      // As Node itself looks: without a bundler's own conditions and fields.
      conditions: [],
      mainFields: ["main"],
      charset: "utf8",
      logLevel: "silent",
      banner: {
        js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
      },
      plugins: [findPackages(leave)],
    });
  } catch (why) {
    return { problems: problemsOf(why) };
  }
  try {
    const adapter = await importOutside(outfile);
    const library: unknown = await adapter.load();
    if (typeof (library as { connect?: unknown } | null)?.connect !== "function") {
      return { wrong: "adapter.load() gives nothing with a connect function" };
    }
    return { esbuild: version, name: adapter.name, package: adapter.package, imports: [...imports].sort() };
  } catch (error) {
    return { wrong: describeError(error) };
  }
}

const [file] = process.argv.slice(2);
if (file === undefined) {
  throw new Error("outside: the file of the request is missing");
}
const answer = await make(JSON.parse(readFileSync(file, "utf8")) as Request);
// A library may have opened something that would keep the process alive.
write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
