// Packages that lie: the real one with one thing wrong, installed as any specification would be. Each is refused at the
// small scale, where one page of a scan holds the whole table.

import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { OPERATIONS, type Operation } from "../src/protocol.js";
import { compareTable } from "../src/table/seed.js";
import { baseOf, DIST, openSuite, SEED, REHEARSAL, Tables, talkTo } from "./support.js";

const SMALL = 1000;

interface Lie {
  name: string;
  adapter: string;
  package: string;
  /** The program that takes the place of the package's; `real` is the package's own, imported. */
  program: string;
  caught: Operation[];
}

/** Puts a function around the DocumentClient's `send`, which is given it, the command's name and the command. */
const aroundSend = (lie: string) => `
  export * from REAL;
  const around = ${lie};
  export const DynamoDBDocumentClient = {
    from(client) {
      const documents = real.DynamoDBDocumentClient.from(client);
      const send = documents.send.bind(documents);
      documents.send = (command) => around(send, command.constructor.name, command);
      return documents;
    },
  };`;

const sdk = { adapter: "aws-sdk", package: "@aws-sdk/lib-dynamodb" };

const LIES: Lie[] = [
  {
    ...sdk,
    name: "stops after the first page of a scan",
    program: `
      export * from REAL;
      export async function* paginateScan(config, input) {
        yield* [(await real.paginateScan(config, input).next()).value];
      }`,
    caught: ["Scan"],
  },
  {
    name: "stops after the first page of a scan",
    adapter: "electrodb",
    package: "electrodb",
    program: `
      export class Entity extends real.Entity {
        constructor(...given) {
          super(...given);
          const go = this.scan.go;
          Object.defineProperty(this, "scan", { value: { go: () => go.call(this.scan, { pages: 1 }) } });
        }
      }`,
    caught: ["Scan"],
  },
  {
    ...sdk,
    name: "reads a page of a scan twice",
    program: `
      export * from REAL;
      export async function* paginateScan(config, input) {
        let first;
        for await (const page of real.paginateScan(config, input)) {
          yield (first ??= page);
        }
      }`,
    caught: ["Scan"],
  },
  {
    ...sdk,
    name: "drops the range of a query",
    program: aroundSend(`(send, name, command) => {
      if (name === "QueryCommand") {
        const { TableName, ExpressionAttributeValues: values } = command.input;
        return send(new real.QueryCommand({
          TableName,
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": values[":pk"] },
        }));
      }
      return send(command);
    }`),
    caught: ["Query"],
  },
  {
    ...sdk,
    name: "forgets an attribute that it reads",
    program: aroundSend(`async (send, name, command) => {
      const answer = await send(command);
      if (name === "GetCommand") {
        delete answer.Item?.gift;
      }
      return answer;
    }`),
    caught: ["GetItem"],
  },
  {
    ...sdk,
    name: "forgets an attribute that it writes",
    program: aroundSend(`(send, name, command) => {
      if (name === "PutCommand") {
        const { note, ...Item } = command.input.Item;
        return send(new real.PutCommand({ ...command.input, Item }));
      }
      return send(command);
    }`),
    caught: ["PutItem"],
  },
  {
    ...sdk,
    name: "reads an item as it was before its update",
    program: aroundSend(`(() => {
      const read = new Map();
      return async (send, name, command) => {
        if (name !== "GetCommand") {
          return send(command);
        }
        const key = JSON.stringify(command.input);
        const answer = read.get(key) ?? (await send(command));
        read.set(key, answer);
        return structuredClone(answer);
      };
    })()`),
    caught: ["GetItem"],
  },
  {
    ...sdk,
    name: "keeps updates to itself",
    program: aroundSend(`async (send, name, command) => (name === "UpdateCommand" ? {} : send(command))`),
    caught: ["UpdateItem"],
  },
  {
    ...sdk,
    name: "answers a missing item with an empty object",
    program: aroundSend(`async (send, name, command) => {
      const answer = await send(command);
      if (name === "GetCommand") {
        answer.Item ??= {};
      }
      return answer;
    }`),
    caught: ["GetItem"],
  },
];

const tables = new Tables(SMALL);
const rehearsals = new Tables(REHEARSAL.items, REHEARSAL.data);

after(() => Promise.all([tables.drop(), rehearsals.drop()]));

describe("a package", () => {
  for (const [lane, lie] of LIES.entries()) {
    it(`that ${lie.name} is refused at the small scale (${lie.package})`, async () => {
      const { verified, wrong } = await verifyWith(lie, lane + 20);
      assert.deepEqual(wrong, lie.caught);
      assert.deepEqual(
        verified,
        OPERATIONS.filter((operation) => !lie.caught.includes(operation)),
      );
      assert.equal(await compareTable(await tables.of(lie.adapter), SMALL, SEED), null, "verification leaves no trace");
    });
  }

  it("that is the real one behind such a front passes", async () => {
    const honest = { ...sdk, name: "", program: aroundSend("(send, _, command) => send(command)"), caught: [] };
    assert.deepEqual((await verifyWith(honest, 19)).wrong, []);
  });
});

/** Has a suite verify all operations through a lying package; gives the operations that passed and those that did not. */
async function verifyWith(lie: Lie, lane: number) {
  const folder = await mkdtemp(join(tmpdir(), "bench-lie-"));
  try {
    await installLie(folder, lie);
    const suite = talkTo("suite", join(folder, "dist"));
    const rehearsal = { rehearsalTable: baseOf(await rehearsals.of(lie.adapter)) };
    const table = baseOf(await tables.of(lie.adapter));
    await suite.until("ready", openSuite(table, SMALL, { ...rehearsal, adapter: lie.adapter, lane }));
    const events = await suite.until("verified-all", { do: "verify", operations: OPERATIONS, full: true });
    await suite.until("bye", { do: "end" });
    await suite.ended;
    return {
      verified: events.flatMap((event) => (event.event === "verified" ? [event.operation] : [])),
      wrong: events.flatMap((event) => (event.event === "wrong-work" ? [event.operation] : [])),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The suite in a folder of its own, with the installed packages and the lying one in its place. */
async function installLie(folder: string, lie: Lie): Promise<void> {
  const [from, to] = [join(DIST, "../node_modules"), join(folder, "node_modules")];
  await cp(DIST, join(folder, "dist"), { recursive: true, filter: (path) => !path.startsWith(join(DIST, "tests")) });
  await cp(join(DIST, "../package.json"), join(folder, "package.json"));
  await linkAll(from, to);
  const place = join(to, lie.package);
  if (lie.package.startsWith("@")) {
    await rm(dirname(place));
    await linkAll(dirname(join(from, lie.package)), dirname(place));
  }
  await rm(place);
  await mkdir(place);
  const manifest = { name: lie.package, version: "0.0.0", type: "module", exports: "./index.js" };
  await writeFile(join(place, "package.json"), JSON.stringify(manifest));
  const real = JSON.stringify(realProgram(join(from, lie.package)));
  const program = `import * as real from REAL;\n${lie.program}`.replaceAll("REAL", real);
  await writeFile(join(place, "index.js"), program);
}

async function linkAll(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) {
    await symlink(join(from, name), join(to, name));
  }
}

/** The address of what an import of the package in a folder loads. */
function realProgram(folder: string): string {
  return pathToFileURL(createRequire(join(folder, "package.json")).resolve(folder)).href;
}
