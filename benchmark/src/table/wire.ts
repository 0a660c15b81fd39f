// Calls as plain HTTP, for what the keeper does by the hundred thousand: the bare SDK spends as much time on such a call
// as DynamoDB Local does. An answer that isn't plain success is left to the SDK, which asks again and explains errors.

import http from "node:http";
import https from "node:https";
import type { ConnectionSettings } from "./client.js";
import { IDLE_MS } from "./idle.js";

/** Made up like the credentials: a server that takes those verifies no signature. */
const AUTHORIZATION =
  "AWS4-HMAC-SHA256 Credential=benchmark/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
/** Seen by nobody but the server. */
const DATE = "20260101T000000Z";

export class Wire {
  private readonly url: URL;
  private readonly agent: http.Agent;
  private readonly request: typeof http.request;

  constructor(private readonly settings: ConnectionSettings) {
    this.url = new URL(settings.endpoint);
    const secure = this.url.protocol === "https:";
    const kept = { keepAlive: true, timeout: IDLE_MS };
    this.agent = secure ? new https.Agent(kept) : new http.Agent(kept);
    this.request = secure ? https.request : http.request;
  }

  /** Calls an action of DynamoDB with a body in JSON; null for anything but success. */
  call(action: string, body: string): Promise<unknown> {
    return new Promise((resolve) => {
      const fail = () => resolve(null);
      const options = {
        agent: this.agent,
        method: "POST",
        timeout: this.settings.callTimeoutMs,
        headers: {
          "Content-Type": "application/x-amz-json-1.0",
          "Content-Length": Buffer.byteLength(body),
          "X-Amz-Target": `DynamoDB_20120810.${action}`,
          "X-Amz-Date": DATE,
          Authorization: AUTHORIZATION,
        },
      };
      const request = this.request(this.url, options, (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("error", fail);
        answer.on("end", () => resolve(answer.statusCode === 200 ? parsed(Buffer.concat(parts)) : null));
      });
      request.on("error", fail);
      request.on("timeout", () => request.destroy(new Error("no answer")));
      request.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return null;
  }
}

/** Typed values as the text of a request: binaries are in Base64. */
export function wireText(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, name, each: unknown) {
    // A Buffer has been made into something else by now.
    const value = this[name];
    return value instanceof Uint8Array ? base64(value) : each;
  });
}

/** Whether typed values came back as they are written. False is no proof of the contrary: a number can be written in
 * several ways, and a set has no order. */
export function isSameOnWire(written: unknown, read: unknown): boolean {
  if (written === read) {
    return true;
  }
  if (written instanceof Uint8Array) {
    return base64(written) === read;
  }
  if (typeof written !== "object" || written === null || typeof read !== "object" || read === null) {
    return false;
  }
  if (Array.isArray(written)) {
    return (
      Array.isArray(read) && written.length === read.length && written.every((each, i) => isSameOnWire(each, read[i]))
    );
  }
  const [ours, theirs] = [written as Record<string, unknown>, read as Record<string, unknown>];
  const names = Object.keys(ours);
  return (
    names.length === Object.keys(theirs).length &&
    names.every((name) => Object.hasOwn(theirs, name) && isSameOnWire(ours[name], theirs[name]))
  );
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
