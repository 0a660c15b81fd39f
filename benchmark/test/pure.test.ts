// What needs no server: the data set, comparisons, the rule of settling.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AREA,
  hash,
  itemOfCall,
  itemSize,
  keyOf,
  LANES,
  laneKey,
  laneOrder,
  numberOf,
  orderOf,
  rangeOfCall,
  STREAM,
  stored,
  updatedStatus,
} from "../src/dataset.js";
import { difference } from "../src/difference.js";
import { callLimit } from "../src/limit.js";
import { spinner } from "../src/measure.js";
import { differenceFromAll, differenceFromRange } from "../src/operations.js";
import { workPerCall } from "../src/wire.js";

const call = (index: number, items = 1000) => ({ items, seed: 42, round: 1, stream: STREAM.measured, index });

describe("the data set", () => {
  it("is a function of number and seed", () => {
    assert.deepEqual(orderOf(123, 42), orderOf(123, 42));
    assert.notDeepEqual(orderOf(123, 42), orderOf(123, 43));
    assert.notDeepEqual(orderOf(123, 42).note, orderOf(124, 42).note);
  });

  it("stays as it is: results of different days must be comparable", () => {
    assert.equal(hash(42, 1, 2), 585_624_138);
    assert.deepEqual(orderOf(0, 42), {
      customerId: "00000000",
      orderId: "00000000",
      status: "pending",
      placedAt: "2024-10-09T14:22:25.000Z",
      total: 448.7,
      quantity: 9,
      paid: false,
      gift: false,
      lines: [
        { sku: "SKU-350136", quantity: 5, price: 35.9 },
        { sku: "SKU-798590", quantity: 4, price: 67.3 },
      ],
      address: { street: "Harbour Street 141", city: "Cardiff", postcode: "79080", country: "GB" },
      note:
        "fragile the door door ring noon door noon leave leave call at twice noon ring " +
        "first call call twice leave door call ring fragile",
    });
  });

  it("has items of about 450 bytes, whatever the number", () => {
    for (let n = 0; n < 2000; n++) {
      const size = itemSize(stored(orderOf(n, 42)));
      assert.ok(size > 425 && size < 475, `item ${n} has ${size} bytes`);
    }
  });

  it("gives orders in hundreds to customers, and the number back from a key", () => {
    assert.deepEqual(keyOf(12_345), { customerId: "00000123", orderId: "00000045" });
    for (const n of [0, 99, 100, 999]) {
      assert.equal(numberOf(keyOf(n), 1000), n);
    }
    assert.equal(numberOf(keyOf(1000), 1000), null);
    assert.equal(numberOf({ customerId: "00000001", orderId: "00000100" }, 1000), null);
    assert.equal(numberOf(laneKey(0, AREA.put, 0), 1000), null);
  });

  it("draws keys of calls evenly and reproducibly", () => {
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const n = itemOfCall("GetItem", call(i));
      assert.ok(n >= 0 && n < 1000);
      counts[Math.floor(n / 100)] = (counts[Math.floor(n / 100)] ?? 0) + 1;
    }
    assert.ok(
      counts.every((count) => count > 850 && count < 1150),
      counts.join(" "),
    );
    assert.notEqual(itemOfCall("GetItem", call(5)), itemOfCall("GetItem", { ...call(5), round: 2 }));
  });

  it("asks for 20 of a customer's 100 orders, and for fewer only where there are fewer", () => {
    for (let i = 0; i < 500; i++) {
      const range = rangeOfCall(call(i));
      assert.equal(range.span, 20);
      assert.equal(Number(range.lastOrderId) - Number(range.firstOrderId), 19);
      assert.ok(Number(range.lastOrderId) < 100);
      assert.equal(numberOf({ customerId: range.customerId, orderId: range.firstOrderId }, 1000), range.firstItem);
    }
    assert.equal(rangeOfCall(call(0, 7)).span, 7);
    assert.equal(rangeOfCall(call(0, 150)).customerId, "00000000");
  });

  it("updates to a status of the same length that was not there", () => {
    for (let n = 0; n < 100; n++) {
      const { status } = orderOf(n, 42);
      assert.notEqual(updatedStatus(n, 42, 0), status);
      assert.equal(updatedStatus(n, 42, 0).length, status.length);
    }
  });

  it("keeps lanes and areas apart, and says when one is full", () => {
    const keys = new Set<string>();
    for (const lane of [0, 1, LANES - 1]) {
      for (const area of Object.values(AREA)) {
        for (const index of [0, 99, 100, 99_999]) {
          const { customerId, orderId } = laneKey(lane, area, index);
          assert.match(customerId, /^9\d{7}$/);
          keys.add(customerId + orderId);
        }
      }
    }
    assert.equal(keys.size, 3 * Object.values(AREA).length * 4);
    assert.throws(() => laneKey(LANES, AREA.put, 0), /there are lanes 0 to 999/);
    assert.throws(() => laneKey(0, AREA.put, 100_000), /holds 100000 items/);
    const [a, b] = [laneOrder(1, AREA.put, 5, 42, 0), laneOrder(2, AREA.put, 5, 42, 0)];
    assert.deepEqual({ ...a, customerId: "" }, { ...b, customerId: "" });
  });
});

describe("a comparison", () => {
  const order = orderOf(5, 42);

  it("finds none in equal values, whatever their classes", () => {
    class Order {}
    assert.equal(difference(order, Object.assign(new Order(), structuredClone(order))), null);
  });

  it("names the place", () => {
    const { note: _, ...without } = order;
    assert.match(difference(order, without)?.expected ?? "", /result\.note/);
    assert.match(difference(order, { ...order, more: 1 })?.actual ?? "", /result\.more: 1/);
    const changed = structuredClone(order);
    (changed.lines[1] as { price: number }).price = -1;
    assert.match(difference(order, changed)?.actual ?? "", /result\.lines\[1\]\.price: -1/);
    assert.match(difference(1, "1")?.actual ?? "", /'1'/);
    assert.match(difference(null, undefined)?.actual ?? "", /nothing/);
    assert.notEqual(difference(["a"], new Set(["a"])), null);
    assert.notEqual(difference({}, new Date()), null);
  });

  it("is never longer than an event may be", () => {
    const found = difference({ note: "" }, { note: "x".repeat(100_000) });
    assert.ok((found?.actual.length ?? 0) < 2000);
  });

  it("of a range sees missing, additional and misplaced orders", () => {
    const range = rangeOfCall(call(0));
    const orders = Array.from({ length: range.span }, (_, i) => orderOf(range.firstItem + i, 42));
    const compare = (n: number, found: unknown) => difference(orderOf(n, 42), found);
    assert.equal(differenceFromRange(range, orders, compare), null);
    assert.match(differenceFromRange(range, orders.slice(1), compare)?.actual ?? "", /19 orders/);
    assert.match(differenceFromRange(range, [...orders, order], compare)?.actual ?? "", /21 orders/);
    assert.notEqual(differenceFromRange(range, orders.toReversed(), compare), null);
  });

  it("of a whole table sees missing, repeated and foreign items, in any order", () => {
    const orders = Array.from({ length: 50 }, (_, n) => orderOf(n, 42));
    const compare = (n: number, found: unknown) => difference(orderOf(n, 42), found);
    assert.equal(differenceFromAll(50, orders.toReversed(), compare), null);
    assert.match(differenceFromAll(50, orders.slice(1), compare)?.actual ?? "", /49 items/);
    assert.match(differenceFromAll(50, [...orders.slice(1), orders[1]], compare)?.actual ?? "", /order 1 twice/);
    assert.match(differenceFromAll(50, [...orders.slice(1), orderOf(50, 42)], compare)?.actual ?? "", /order 00000050/);
    assert.match(differenceFromAll(50, [...orders.slice(1), null], compare)?.actual ?? "", /customer undefined/);
  });
});

describe("a call's time limit", () => {
  it("gives a call up that has no answer, and lets others through", async () => {
    const limit = callLimit(40);
    try {
      assert.equal(await limit.run(async () => 5), 5);
      await assert.rejects(
        limit.run(async () => {
          throw new Error("own words");
        }),
        /own words/,
      );
      await assert.rejects(
        limit.run(() => {
          throw new Error("at once");
        }),
        /at once/,
      );
      await assert.rejects(
        limit.run(() => new Promise(() => {})),
        /no answer within 40 ms/,
      );
    } finally {
      limit.close();
    }
  });
});

describe("a handicap", () => {
  it("costs the CPU time it is given", () => {
    const spin = spinner(200);
    spin();
    const before = process.cpuUsage();
    for (let i = 0; i < 200; i++) {
      spin();
    }
    const { user, system } = process.cpuUsage(before);
    // A busy machine may take the processor away while the loop looks at the clock; it never adds.
    assert.ok(user + system > 200 * 200 * 0.3 && user + system < 200 * 200 * 1.5, `${user + system} µs`);
  });
});

describe("work per call", () => {
  const traffic = {
    requests: 4,
    itemsReturned: 80,
    itemsScanned: 400,
    capacityUnits: 22,
    capacityKnown: 4,
    requestBytes: 1000,
    responseBytes: 50_000,
    responseBytesKnown: 4,
  };
  it("is the mean", () => {
    assert.deepEqual(workPerCall(traffic, 4), {
      requests: 1,
      itemsReturned: 20,
      itemsScanned: 100,
      capacityUnits: 5.5,
      requestBytes: 250,
      responseBytes: 12_500,
    });
  });
  it("is null where the server didn't tell, and where there was no call", () => {
    assert.equal(workPerCall({ ...traffic, capacityKnown: 3 }, 4)?.capacityUnits, null);
    assert.equal(workPerCall(traffic, 0), null);
  });
});
