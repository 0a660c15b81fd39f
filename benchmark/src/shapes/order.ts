// Orders of customers, about 440 bytes: two lines, an address, a note. The shape that is measured unless another one is
// asked for. No I/O here.

import { digits, draw, pick } from "../random.js";
import type { Attributes } from "../shape.js";
import { CONTENT, type Key, type Kind, type Order, UPDATED } from "./kind.js";

/** The attributes of an order, its keys first. */
const ATTRIBUTES: Attributes = {
  customerId: "string",
  orderId: "string",
  status: "string",
  placedAt: "string",
  total: "number",
  quantity: "number",
  paid: "boolean",
  gift: "boolean",
  lines: { list: { map: { sku: "string", quantity: "number", price: "number" } } },
  address: { map: { street: "string", city: "string", postcode: "string", country: "string" } },
  note: "string",
};

/** All statuses have seven letters, so that an update doesn't change an item's size. */
const SEEDED_STATUSES = ["pending", "shipped", "settled", "on-hold"] as const;
const UPDATED_STATUSES = ["delayed", "refused", "charged", "checked"] as const;

const CITIES = ["Utrecht", "Bergamo", "Coimbra", "Rostock", "Limoges", "Cardiff", "Aalborg", "Tampere"] as const;
const STREETS = ["Mill Lane", "Station Road", "Harbour Street", "Church Row", "Orchard Way", "Bridge Street"] as const;
const COUNTRIES = ["NL", "IT", "PT", "DE", "FR", "GB", "DK", "FI"] as const;
const WORDS = ["leave", "at", "the", "door", "ring", "twice", "after", "noon", "call", "first", "fragile", "please"];
const NOTE_LENGTH = 128;

export const order: Kind = {
  shape: {
    name: "order",
    partition: "customerId",
    sort: "orderId",
    ownKeys: false,
    attributes: ATTRIBUTES,
    updated: "status",
    indexes: [],
    empty: [],
  },
  index: null,
  prefixes: { partition: "", sort: "" },
  make,
  update: (_seeded, ...identity) => pick(UPDATED_STATUSES, UPDATED, ...identity),
};

function make(key: Key, ...identity: number[]): Order {
  let drawn = 0;
  const next = (below: number) => draw(below, CONTENT, ...identity, drawn++);
  const from = <T>(list: readonly T[]) => list[next(list.length)] as T;
  const lines = [0, 1].map(() => ({
    sku: `SKU-${digits(next(1_000_000), 6)}`,
    quantity: 1 + next(9),
    price: (100 + next(9_900)) / 100,
  }));
  let note = "";
  while (note.length < NOTE_LENGTH) {
    note += `${from(WORDS)} `;
  }
  const place = next(CITIES.length);
  return {
    customerId: key.customerId,
    orderId: key.orderId,
    status: from(SEEDED_STATUSES),
    placedAt: new Date(1_704_067_200_000 + next(31_536_000) * 1000).toISOString(),
    total: lines.reduce((cents, line) => cents + Math.round(line.price * 100) * line.quantity, 0) / 100,
    quantity: lines.reduce((sum, line) => sum + line.quantity, 0),
    paid: next(2) === 1,
    gift: next(2) === 1,
    lines,
    address: {
      street: `${from(STREETS)} ${1 + next(200)}`,
      city: CITIES[place] as string,
      postcode: digits(next(100_000), 5),
      country: COUNTRIES[place] as string,
    },
    note: note.slice(0, NOTE_LENGTH),
  };
}
