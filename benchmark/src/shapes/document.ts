// Documents, about 10 KB: a list of 50 maps two levels deep, a map with free keys, a string set, a binary of 100 bytes. They
// show the cost of a node, and of types that plain JSON doesn't have. No I/O here.

import { like } from "./example.js";

const entry = (i: number) => ({
  id: `entry-${String(i).padStart(4, "0")}`,
  title: "Measured at the second outlet of the main hall",
  value: 1234.56,
  unit: "kilowatt",
  valid: true,
  source: {
    device: "meter-00417-b",
    firmware: "4.12.7",
    battery: 87,
    readAt: "2025-03-14T07:45:00.000Z",
  },
});

export const document = like({
  name: "document",
  partition: "ownerId",
  sort: "documentId",
  ownKeys: false,
  updated: "title",
  attributes: { labels: { record: "string" } },
  item: {
    ownerId: "00000000",
    documentId: "00000000",
    title: "Readings of the first quarter",
    revision: 12,
    draft: false,
    createdAt: "2025-04-01T09:00:00.000Z",
    entries: Array.from({ length: 50 }, (_, i) => entry(i)),
    labels: {
      building: "north wing",
      contract: "2025-118",
      operator: "grid west",
      category: "electric",
      currency: "euro",
      approval: "pending",
      language: "english",
      archived: "not yet",
    },
    tags: new Set(["quarterly", "metering", "electric", "north-wing", "reviewed"]),
    digest: Buffer.from(Array.from({ length: 100 }, (_, i) => (i * 37) % 256)),
  },
});
