// An adapter imports its library inside a function, so that the import can be timed. An application does it at the top
// of a file, and a bundler then leaves out what isn't used. This turns the one into the other in an adapter's text. What
// it doesn't recognise stays as it is: a bundle with more in it, and no other program. No I/O here.

const NAMED_PACKAGE = /\bconst\s+(\w+)\s*(?::\s*string\s*)?=\s*(["'])([^"'\n]+)\2\s*;/g;
const IMPORT_BY_NAME = /\bimport\(\s*(\w+)\s*\)/g;
const SOME_OF_IT = /\bconst\s*\{([^{}]*)\}\s*=\s*await\s+import\(\s*(["'])([^"'\n]+)\2\s*\)\s*;/g;
const ALL_OF_IT = /(\bconst\s+\w+\s*=\s*\(?\s*)await\s+import\(\s*(["'])([^"'\n]+)\2\s*\)/g;
const BINDING = /^(\w+)(?:\s*:\s*(\w+))?$/;

/** The text with its recognised imports at the top. */
export function withStaticImports(text: string): string {
  const packages = new Map([...text.matchAll(NAMED_PACKAGE)].map((found) => [found[1], found[3]]));
  const imports: string[] = [];
  let count = 0;
  const fresh = () => `imported${count++}__`;

  const named = text.replace(IMPORT_BY_NAME, (whole: string, name: string) => {
    const meant = packages.get(name);
    return meant === undefined ? whole : `import(${JSON.stringify(meant)})`;
  });
  const some = named.replace(SOME_OF_IT, (whole: string, inside: string, _quote: string, from: string) => {
    const parts = inside.split(",").map((part) => part.trim());
    const bindings = parts.filter((part) => part !== "").map((part) => BINDING.exec(part));
    if (bindings.length === 0 || bindings.some((binding) => binding === null)) {
      return whole;
    }
    const known = bindings.map((binding) => {
      const [, name = "", local = name] = binding ?? [];
      return { name, local, as: fresh() };
    });
    imports.push(
      `import { ${known.map(({ name, as }) => `${name} as ${as}`).join(", ")} } from ${JSON.stringify(from)};`,
    );
    return `const ${known.map(({ local, as }) => `${local} = ${as}`).join(", ")};`;
  });
  const all = some.replace(ALL_OF_IT, (_whole: string, start: string, _quote: string, from: string) => {
    const as = fresh();
    imports.push(`import * as ${as} from ${JSON.stringify(from)};`);
    return start + as;
  });
  return imports.length === 0 ? all : `${imports.join(" ")} ${all}`;
}
