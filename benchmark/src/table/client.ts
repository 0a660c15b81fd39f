// How every client in this project is configured: one function, so that no library has a better connection than
// another. It reads nothing from the environment.

import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { IDLE_MS } from "./idle.js";

/** More than any concurrency that is asked for in practice; the parent's default is 16. */
const MAX_SOCKETS = 256;

export interface ConnectionSettings {
  endpoint: string;
  callTimeoutMs: number;
}

/**
 * The configuration of a client. Credentials are made up and the region is too: DynamoDB Local takes any. One attempt,
 * since a retry would hide an error inside a slow call.
 */
export function clientConfig(settings: ConnectionSettings, maxAttempts = 1): DynamoDBClientConfig {
  return {
    endpoint: settings.endpoint,
    region: "local",
    credentials: { accessKeyId: "benchmark", secretAccessKey: "benchmark" },
    maxAttempts,
    requestHandler: {
      // An agent's timeout ends connections that wait for a request; those with one in flight go on.
      httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_MS },
      httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_MS },
      // A connection on which nothing came for so long is closed, so that a call without an answer really ends. It is
      // later than the call's own limit (measure/limit.ts), whose error says more.
      socketTimeout: settings.callTimeoutMs + 1000,
    },
  };
}
