// How long a client's connection may be unused. DynamoDB Local closes one after 30 s; a call that is sent at that very
// moment, or while this process is too busy to notice, ends in ECONNRESET, and a library would be blamed for it. So this
// side closes connections first. Node's agents close one even sooner where a server says how long it keeps it.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Agent } from "node:http";

/** Half of the 30 s after which DynamoDB Local closes an unused connection, milliseconds. */
export const IDLE_MS = 15_000;

/** Node publishes each request that is made. */
const REQUESTS = "http.client.request.start";

let watching = false;

/**
 * Gives the limit to an agent that a library makes itself, keeps to itself and shares between all its clients, when it
 * is first used: to the first agent without one.
 */
export function limitHiddenAgent(): void {
  if (!watching) {
    watching = true;
    subscribe(REQUESTS, limitAgentOf);
  }
}

function limitAgentOf(message: unknown): void {
  // The types of Node have no options of an agent.
  const { agent } = (message as { request: { agent: Agent & { options: { timeout?: number } } } }).request;
  if (agent.options.timeout === undefined) {
    agent.options.timeout = IDLE_MS;
    unsubscribe(REQUESTS, limitAgentOf);
  }
}
