// The shapes that there are: the built-in ones by their names, and one of an item of the user's own. No I/O here.

import type { Data } from "../protocol.js";
import { document } from "./document.js";
import { like } from "./example.js";
import type { Kind } from "./kind.js";
import { order } from "./order.js";
import { record } from "./record.js";
import { session } from "./session.js";
import { plain } from "./typed.js";

const BUILT_IN: readonly Kind[] = [order, session, record, document];

/** The shape that a command describes. */
export function kindOf({ shape, example }: Data): Kind {
  if (example !== null) {
    const { item, partition, sort, updated } = example;
    return like({ name: shape, item: plain(item), partition, sort, ownKeys: true, updated });
  }
  const found = BUILT_IN.find((kind) => kind.shape.name === shape);
  if (found === undefined) {
    const names = BUILT_IN.map((kind) => kind.shape.name).join(", ");
    throw new TypeError(`no shape named ${JSON.stringify(shape)}; there are ${names}`);
  }
  return found;
}
