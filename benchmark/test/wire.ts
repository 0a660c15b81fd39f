// What requests ask for that the bare SDK's don't, as seen on the wire, and what adapters say about it.

import { type Adapter, notesOf } from "../src/adapters/adapter.js";
import { type CallKind, OPERATIONS, type Operation } from "../src/protocol.js";
import type { Asked } from "./recorder.js";
import { ORDERS } from "./support.js";

interface Body {
  ConditionExpression?: string;
  ConsistentRead?: boolean;
  ExpressionAttributeNames?: Record<string, string>;
  FilterExpression?: string;
  KeyConditionExpression?: string;
  ProjectionExpression?: string;
  ReturnValues?: string;
  UpdateExpression?: string;
}

/** The operations whose requests ask for something else than the bare SDK's. */
export function unequal(asked: readonly Asked[]): Operation[] {
  return OPERATIONS.filter((operation) =>
    asked.some((each) => each.operation === operation && asksForMore(operation, JSON.parse(each.body) as Body)),
  );
}

/** The operations that an adapter says are unequal. */
export function described(adapter: Adapter, calls: CallKind, data = ORDERS): Operation[] {
  const notes = notesOf(adapter, calls, data);
  return OPERATIONS.filter((operation) => notes.calls[operation].unequal !== null);
}

function asksForMore(operation: Operation, body: Body): boolean {
  const updated = Object.keys(body.ExpressionAttributeNames ?? {}).filter((name) =>
    body.UpdateExpression?.split(/[^#\w]/).includes(name),
  );
  return (
    body.ConditionExpression !== undefined ||
    body.FilterExpression !== undefined ||
    body.ProjectionExpression !== undefined ||
    body.ConsistentRead === true ||
    (body.ReturnValues ?? "NONE") !== "NONE" ||
    (operation === "UpdateItem" && updated.length !== 1) ||
    (operation === "Query" && !/BETWEEN/i.test(body.KeyConditionExpression ?? ""))
  );
}
