// Counts what goes over the wire: requests, bytes, items read and returned, capacity. It is a middleware in the client
// that a library was given, so it sees every request whichever commands the library brings. It is there only while it
// counts: `stop` takes it out again, and the SDK resolves the middleware stack anew for every command.

import { Readable } from "node:stream";
import type { MiddlewareHost } from "./adapter.js";
import type { Work } from "./protocol.js";

export interface Traffic {
  requests: number;
  itemsReturned: number;
  itemsScanned: number;
  capacityUnits: number;
  /** Requests whose answer told the capacity it used. */
  capacityKnown: number;
  requestBytes: number;
  responseBytes: number;
  /** Answers whose length the server told. */
  responseBytesKnown: number;
}

export interface Meter {
  /** Takes the middleware out and gives what was counted. */
  stop(): Traffic;
}

const ASK = "benchmarkAskForCapacity";
const COUNT = "benchmarkCount";
const ASKED = Buffer.byteLength(',"ReturnConsumedCapacity":"TOTAL"');

interface Output {
  Item?: unknown;
  Attributes?: unknown;
  Count?: number;
  ScannedCount?: number;
  ConsumedCapacity?: { CapacityUnits?: number };
}

interface InitializeArgs {
  input: Record<string, unknown>;
}

interface RequestArgs {
  request?: { body?: unknown };
}

interface Response {
  response?: { headers?: Record<string, string>; body?: unknown };
}

type Next<A, R> = (args: A) => Promise<R>;

/** The bytes that telling the capacity adds to an answer, less a comma. DynamoDB Local writes 1 as 1.0. */
function bytesOfCapacity(capacity: { CapacityUnits?: number }): number {
  const javas = Number.isInteger(capacity.CapacityUnits) ? 2 : 0;
  return Buffer.byteLength(`"ConsumedCapacity":${JSON.stringify(capacity)}`) + javas;
}

export function meter(client: MiddlewareHost): Meter {
  const traffic: Traffic = {
    requests: 0,
    itemsReturned: 0,
    itemsScanned: 0,
    capacityUnits: 0,
    capacityKnown: 0,
    requestBytes: 0,
    responseBytes: 0,
    responseBytesKnown: 0,
  };

  // What a library's own request asked for, before this asks for the capacity beside it.
  const ask = (next: Next<InitializeArgs, { output: Output }>) => async (args: InitializeArgs) => {
    const own = args.input.ReturnConsumedCapacity !== undefined;
    if (!own) {
      traffic.requestBytes -= ASKED;
    }
    const result = await next(own ? args : { ...args, input: { ...args.input, ReturnConsumedCapacity: "TOTAL" } });
    const { Item, Attributes, Count, ScannedCount, ConsumedCapacity } = result.output;
    const read = Item === undefined ? 0 : 1;
    // An update that asks for the new values gets an item back, as Attributes.
    traffic.itemsReturned += Count ?? (Attributes === undefined ? read : 1);
    traffic.itemsScanned += ScannedCount ?? Count ?? read;
    if (ConsumedCapacity?.CapacityUnits !== undefined) {
      traffic.capacityUnits += ConsumedCapacity.CapacityUnits;
      traffic.capacityKnown += 1;
      if (!own) {
        const alone = Object.keys(result.output).every((name) => name === "ConsumedCapacity" || name === "$metadata");
        traffic.responseBytes -= bytesOfCapacity(ConsumedCapacity) + (alone ? 0 : 1);
      }
    }
    return result;
  };

  const count = (next: Next<RequestArgs, Response>) => async (args: RequestArgs) => {
    traffic.requests += 1;
    const body = args.request?.body;
    if (typeof body === "string" || body instanceof Uint8Array) {
      traffic.requestBytes += Buffer.byteLength(body);
    }
    const result = await next(args);
    const length = result.response?.headers?.["content-length"];
    if (length !== undefined) {
      traffic.responseBytes += Number(length);
      traffic.responseBytesKnown += 1;
    } else if (result.response?.body instanceof Readable) {
      countBytes(result.response.body, (bytes) => {
        traffic.responseBytes += bytes;
      });
      traffic.responseBytesKnown += 1;
    }
    return result;
  };

  client.middlewareStack.add(ask as never, { step: "initialize", name: ASK } as never);
  client.middlewareStack.add(count as never, { step: "deserialize", name: COUNT, priority: "low" } as never);
  return {
    stop() {
      client.middlewareStack.remove(ASK);
      client.middlewareStack.remove(COUNT);
      return traffic;
    },
  };
}

/** Counts the bytes of an answer sent in chunks: what has come already, and what is still to come. */
function countBytes(body: Readable, add: (bytes: number) => void): void {
  add(body.readableLength);
  const push = body.push.bind(body);
  body.push = (chunk: Uint8Array | null, encoding) => {
    add(chunk?.byteLength ?? 0);
    return push(chunk, encoding);
  };
}

/** What was counted, for each of `calls` calls. What the server didn't tell is null. */
export function workPerCall(traffic: Traffic, calls: number): Work | null {
  if (calls === 0) {
    return null;
  }
  const each = (total: number) => Math.round((total / calls) * 1e4) / 1e4;
  return {
    requests: each(traffic.requests),
    itemsReturned: each(traffic.itemsReturned),
    itemsScanned: each(traffic.itemsScanned),
    capacityUnits: traffic.capacityKnown === traffic.requests ? each(traffic.capacityUnits) : null,
    requestBytes: each(traffic.requestBytes),
    responseBytes: traffic.responseBytesKnown === traffic.requests ? each(traffic.responseBytes) : null,
  };
}
