// Sessions of users, 200 bytes: five flat attributes, one of them a number of seconds for TTL. They show the fixed cost of
// a call. No I/O here.

import { like } from "./example.js";

export const session = like({
  name: "session",
  partition: "userId",
  sort: "sessionId",
  ownKeys: false,
  updated: "token",
  item: {
    userId: "00000000",
    sessionId: "00000000",
    token: "8f14e45fceea467a9d1b6c2f0b31a7c5e2d94b60",
    userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0 benchmark/1.0",
    expiresAt: 1767225600,
  },
});
