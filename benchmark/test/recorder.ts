// An HTTP server between a client and the database, as the conductor's: it passes requests on and remembers the
// answers, and answers from memory later. Less than the real one, but enough to see what a client sends.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

export interface Asked {
  /** The operation, as DynamoDB's header names it. */
  operation: string;
  body: string;
}

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

export class Recorder {
  readonly asked: Asked[] = [];
  /** Whether requests are passed on; otherwise they are answered from the record. */
  passing = true;
  private readonly answers = new Map<string, Answer>();
  private readonly server = createServer((asking, answering) => void this.serve(asking, answering));

  private constructor(private readonly database: URL) {}

  static async start(database: string): Promise<Recorder> {
    const recorder = new Recorder(new URL(database));
    // As the conductor's: it never closes a connection that is not used.
    recorder.server.keepAliveTimeout = 0;
    recorder.server.listen(0, "127.0.0.1");
    await new Promise((resolve) => recorder.server.once("listening", resolve));
    return recorder;
  }

  get endpoint(): string {
    const address = this.server.address();
    assert.ok(typeof address === "object" && address !== null);
    return `http://127.0.0.1:${address.port}`;
  }

  /** What was asked since the last time, of one operation or of all. */
  take(operation?: string): Asked[] {
    const taken = this.asked.splice(0);
    return operation === undefined ? taken : taken.filter((each) => each.operation === operation);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async serve(asking: IncomingMessage, answering: ServerResponse): Promise<void> {
    const body = await read(asking);
    const target = String(asking.headers["x-amz-target"]);
    this.asked.push({ operation: target.replace(/^.*\./, ""), body: body.toString() });
    const key = `${target} ${body.toString()}`;
    const answer = this.passing ? await this.pass(asking, body) : this.answers.get(key);
    if (answer === undefined) {
      answering.writeHead(500, { "content-type": "application/x-amz-json-1.0" });
      answering.end(JSON.stringify({ __type: "NeverRecorded", message: `never recorded: ${key}` }));
      return;
    }
    this.answers.set(key, answer);
    answering.writeHead(answer.status, answer.headers).end(answer.body);
  }

  private pass(asking: IncomingMessage, body: Buffer): Promise<Answer> {
    const { hostname, port } = this.database;
    const { method, url, headers } = asking;
    return new Promise((resolve, reject) => {
      const passed = request({ hostname, port, method, path: url, headers }, (answer) => {
        read(answer).then((bytes) => {
          const { "transfer-encoding": _, ...kept } = answer.headers;
          resolve({ status: answer.statusCode ?? 0, headers: kept, body: bytes });
        }, reject);
      });
      passed.on("error", reject).end(body);
    });
  }
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
