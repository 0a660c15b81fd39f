// Bundles a library's sources as its maintainers would publish them: one program, run by the conductor. It reads a
// request from the file that it is given and answers in one line of JSON. Nothing of the library is run, and nothing is
// written outside the request's output folder.

import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { resolve } from "node:path";

import { build, type Metafile, type OnResolveArgs, type Plugin, version } from "esbuild";
import { problemsOf } from "./bundling/problems.js";

/** A package of the same repository: imports of its name lead to its sources. */
interface Member {
  dir: string;
  /** Source files by subpath (`.`, `./columns`, `./*`). */
  exports: Record<string, string>;
  /** Whether files that `exports` does not name can be imported too, as from a package without that field. */
  open: boolean;
}

interface Request {
  /** The repository, or the package where it stands alone. */
  root: string;
  /** Source files by the name of the output. */
  entries: Record<string, string>;
  members: Record<string, Member>;
  outdir: string;
  format: "esm" | "cjs";
  /** Compiler options to use instead of the nearest tsconfig.json. */
  tsconfig: string | null;
}

interface Imported {
  /** As it is written: `uuid`, `@aws-sdk/lib-dynamodb`, `lodash/get`. */
  path: string;
  importer: string;
}

/** `@scope/name/sub/path` as `@scope/name` and `./sub/path`; null for a relative or an absolute path. */
function split(path: string): { name: string; subpath: string } | null {
  const found = /^(@[^/]+\/[^/]+|[^./@#][^/]*)(\/.*)?$/.exec(path);
  return found?.[1] === undefined ? null : { name: found[1], subpath: `.${found[2] ?? ""}` };
}

/** The source that a subpath means, patterns (`./*`) included. */
function sourceOf(exports: Record<string, string>, subpath: string): string | null {
  if (exports[subpath] !== undefined) {
    return exports[subpath];
  }
  for (const [pattern, source] of Object.entries(exports)) {
    const [start, end] = pattern.split("*");
    if (start === undefined || end === undefined || subpath.length < pattern.length) {
      continue;
    }
    if (subpath.startsWith(start) && subpath.endsWith(end)) {
      return source.replace("*", subpath.slice(start.length, subpath.length - end.length));
    }
  }
  return null;
}

/** Leads imports of the repository's own packages to their sources. */
function toSources(members: Record<string, Member>): Plugin {
  return {
    name: "to-sources",
    setup(building) {
      building.onResolve({ filter: /^[^./]/ }, async (asked: OnResolveArgs) => {
        const parts = split(asked.path);
        const member = parts === null ? undefined : members[parts.name];
        if (parts === null || member === undefined || asked.kind === "entry-point") {
          return null;
        }
        const source = sourceOf(member.exports, parts.subpath);
        if (source !== null) {
          return { path: source };
        }
        if (!member.open) {
          return null;
        }
        const found = await building.resolve(parts.subpath, { kind: asked.kind, resolveDir: member.dir });
        return found.errors.length === 0 ? found : null;
      });
    },
  };
}

/** What the bundle leaves to be installed, each with a file that imports it. */
function externals(metafile: Metafile, root: string): Imported[] {
  const kept = new Set(
    Object.values(metafile.outputs).flatMap((output) =>
      output.imports.filter((one) => one.external === true && !isBuiltin(one.path)).map((one) => one.path),
    ),
  );
  return [...kept].sort().map((path) => {
    const importer = Object.entries(metafile.inputs).find(([, input]) =>
      input.imports.some((one) => one.external === true && one.path === path),
    );
    return { path, importer: resolve(root, importer?.[0] ?? "") };
  });
}

async function bundle(request: Request): Promise<object> {
  try {
    const { metafile, warnings } = await build({
      absWorkingDir: request.root,
      entryPoints: request.entries,
      outdir: request.outdir,
      bundle: true,
      format: request.format,
      platform: "node",
      target: "node20",
      packages: "external",
      // Without it a dynamic import wraps every module in a lazy function: other code than is published.
      splitting: request.format === "esm",
      chunkNames: "chunks/[name]-[hash]",
      minify: true,
      charset: "utf8",
      logLevel: "silent",
      metafile: true,
      plugins: [toSources(request.members)],
      ...(request.tsconfig === null ? {} : { tsconfig: request.tsconfig }),
    });
    const inputs = Object.keys(metafile.inputs).map((path) => resolve(request.root, path));
    return {
      esbuild: version,
      inputs: inputs.sort(),
      externals: externals(metafile, request.root),
      warnings: warnings.map((warning) => warning.text),
    };
  } catch (why) {
    return { esbuild: version, problems: problemsOf(why) };
  }
}

const [file] = process.argv.slice(2);
if (file === undefined) {
  throw new Error("bundle: the file of the request is missing");
}
const answer = await bundle(JSON.parse(readFileSync(file, "utf8")) as Request);
process.stdout.write(`${JSON.stringify(answer)}\n`);
