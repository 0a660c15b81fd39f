// What needs no server: the data set, comparisons, the time limit, the handicap, allocation.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AREA, itemOfCall, LANES, STREAM } from "../src/dataset.js";
import { difference, differenceFromAll, differenceFromPart, differenceFromRange } from "../src/difference.js";
import { countAllocation } from "../src/measure/allocation.js";
import { handicap, handicapState, isRepeated } from "../src/measure/handicap.js";
import { callLimit } from "../src/measure/limit.js";
import { hash } from "../src/random.js";
import { isSameOnWire, wireText } from "../src/table/wire.js";
import { ORDERS } from "./support.js";

/** Items of a table of 50. */
const FIFTY = { data: ORDERS, items: 50 };

const call = (index: number, items = 1000) => ({ items, seed: 42, round: 1, stream: STREAM.measured, index });

describe("the data set", () => {
  it("is a function of number and seed", () => {
    assert.deepEqual(ORDERS.orderOf(123, 42), ORDERS.orderOf(123, 42));
    assert.notDeepEqual(ORDERS.orderOf(123, 42), ORDERS.orderOf(123, 43));
    assert.notDeepEqual(ORDERS.orderOf(123, 42).note, ORDERS.orderOf(124, 42).note);
  });

  it("stays as it is: results of different days must be comparable", () => {
    assert.equal(hash(42, 1, 2), 585_624_138);
    assert.deepEqual(ORDERS.orderOf(0, 42), {
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

  it("has items of the same size but for a few bytes, whatever the number", () => {
    const sizes = Array.from({ length: 2000 }, (_, n) => JSON.stringify(ORDERS.orderOf(n, 42)).length);
    const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
    assert.ok(most - least < 50, `items have ${least} to ${most} characters`);
  });

  it("gives orders in hundreds to customers, and the number back from a key", () => {
    assert.deepEqual(ORDERS.keyOf(12_345), { customerId: "00000123", orderId: "00000045" });
    for (const n of [0, 99, 100, 999]) {
      assert.equal(ORDERS.numberOf(ORDERS.keyOf(n), 1000), n);
    }
    assert.equal(ORDERS.numberOf(ORDERS.keyOf(1000), 1000), null);
    assert.equal(ORDERS.numberOf({ customerId: "00000001", orderId: "00000100" }, 1000), null);
    assert.equal(ORDERS.numberOf(ORDERS.laneKey(0, AREA.put, 0), 1000), null);
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
      const range = ORDERS.rangeOfCall(call(i));
      assert.equal(range.span, 20);
      assert.equal(Number(range.last) - Number(range.first), 19);
      assert.ok(Number(range.last) < 100);
      assert.equal(ORDERS.numberOf({ customerId: range.partition, orderId: range.first }, 1000), range.firstItem);
    }
    assert.equal(ORDERS.rangeOfCall(call(0, 7)).span, 7);
    assert.equal(ORDERS.rangeOfCall(call(0, 150)).partition, "00000000");
  });

  it("updates to a status of the same length that was not there", () => {
    for (let n = 0; n < 100; n++) {
      const { status } = ORDERS.orderOf(n, 42);
      assert.notEqual(ORDERS.updatedOf(n, 42, 0), status);
      assert.equal(String(ORDERS.updatedOf(n, 42, 0)).length, String(status).length);
    }
  });

  it("keeps lanes and areas apart, and says when one is full", () => {
    const keys = new Set<string>();
    for (const lane of [0, 1, LANES - 1]) {
      for (const area of Object.values(AREA)) {
        for (const index of [0, 99, 100, 99_999]) {
          const { customerId, orderId } = ORDERS.laneKey(lane, area, index);
          assert.match(customerId ?? "", /^9\d{7}$/);
          keys.add(`${customerId} ${orderId}`);
        }
      }
    }
    assert.equal(keys.size, 3 * Object.values(AREA).length * 4);
    assert.throws(() => ORDERS.laneKey(LANES, AREA.put, 0), /there are lanes 0 to 999/);
    assert.throws(() => ORDERS.laneKey(0, AREA.put, 100_000), /holds 100000 items/);
    const [a, b] = [ORDERS.laneOrder(1, AREA.put, 5, 42, 0), ORDERS.laneOrder(2, AREA.put, 5, 42, 0)];
    assert.deepEqual({ ...a, customerId: "" }, { ...b, customerId: "" });
  });
});

describe("a comparison", () => {
  const order = ORDERS.orderOf(5, 42);

  it("finds none in equal values, whatever their classes", () => {
    class Order {}
    assert.equal(difference(order, Object.assign(new Order(), structuredClone(order))), null);
  });

  it("names the place", () => {
    const { note: _, ...without } = order;
    assert.match(difference(order, without)?.expected ?? "", /result\.note/);
    assert.match(difference(order, { ...order, more: 1 })?.actual ?? "", /result\.more: 1/);
    const changed = structuredClone(order);
    ((changed.lines as unknown[])[1] as { price: number }).price = -1;
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
    const range = ORDERS.rangeOfCall(call(0));
    const orders = Array.from({ length: range.span }, (_, i) => ORDERS.orderOf(range.firstItem + i, 42));
    const compare = (n: number, found: unknown) => difference(ORDERS.orderOf(n, 42), found);
    assert.equal(differenceFromRange(range, orders, compare), null);
    assert.match(differenceFromRange(range, orders.slice(1), compare)?.actual ?? "", /19 items/);
    assert.match(differenceFromRange(range, [...orders, order], compare)?.actual ?? "", /21 items/);
    assert.notEqual(differenceFromRange(range, orders.toReversed(), compare), null);
  });

  it("of a whole table sees missing, repeated and foreign items, in any order", () => {
    const orders = Array.from({ length: 50 }, (_, n) => ORDERS.orderOf(n, 42));
    const compare = (n: number, found: unknown) => difference(ORDERS.orderOf(n, 42), found);
    assert.equal(differenceFromAll(FIFTY, orders.toReversed(), compare), null);
    assert.match(differenceFromAll(FIFTY, orders.slice(1), compare)?.actual ?? "", /49 items/);
    assert.match(differenceFromAll(FIFTY, [...orders.slice(1), orders[1]], compare)?.actual ?? "", /order 1 twice/);
    assert.match(
      differenceFromAll(FIFTY, [...orders.slice(1), ORDERS.orderOf(50, 42)], compare)?.actual ?? "",
      /orderId 00000050/,
    );
    assert.match(differenceFromAll(FIFTY, [...orders.slice(1), null], compare)?.actual ?? "", /customerId undefined/);
  });
});

describe("typed values on the wire", () => {
  const written = { id: { S: "ü" }, bytes: { B: Buffer.from([1, 255]) }, list: { L: [{ N: "1" }, { NULL: true }] } };
  const read = JSON.parse(wireText(written)) as Record<string, object>;

  it("have binaries in Base64, and are recognised when they come back", () => {
    assert.deepEqual(read.bytes, { B: "Af8=" });
    assert.ok(isSameOnWire(written, read));
  });

  it("are others with another value, more or less of it", () => {
    const others = [{ ...read, id: { S: "u" } }, { ...read, more: { S: "" } }, { id: read.id }, [read], null];
    const changed = { ...read, list: { L: [{ N: "1" }] } };
    for (const other of [...others, changed, { ...read, bytes: { B: "Af4=" } }]) {
      assert.ok(!isSameOnWire(written, other), JSON.stringify(other));
    }
  });
});

describe("a comparison of a part of the table", () => {
  const orders = Array.from({ length: 50 }, (_, n) => ORDERS.orderOf(n, 42));
  const compare = (n: number, found: unknown) => difference(ORDERS.orderOf(n, 42), found);

  it("asks for distinct items of the data set, however many", () => {
    assert.equal(differenceFromPart(FIFTY, orders, compare), null);
    assert.equal(differenceFromPart(FIFTY, orders.slice(20, 30), compare), null);
    assert.match(differenceFromPart(FIFTY, [orders[1], orders[1]], compare)?.actual ?? "", /order 1 twice/);
    assert.match(differenceFromPart(FIFTY, [ORDERS.orderOf(50, 42)], compare)?.actual ?? "", /orderId 00000050/);
    assert.match(differenceFromPart(FIFTY, [{ ...orders[3], total: 0 }], compare)?.actual ?? "", /total: 0/);
  });

  it("doesn't take nothing for a part", () => {
    assert.match(differenceFromPart(FIFTY, [], compare)?.actual ?? "", /0 items/);
  });
});

describe("a call's time limit", () => {
  it("gives a call up that has no answer, and lets others through", async () => {
    const limit = callLimit(40);
    try {
      assert.equal(await limit.run(async () => 5), 5);
      await assert.rejects(
        limit.run(async () => {
          throw new Error("its own message");
        }),
        /its own message/,
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
  /** The same loop, written down again. */
  function steps(from: number, count: number): number {
    let x = from;
    for (let step = 0; step < count; step += 1) {
      x = (Math.imul(x, 69069) + 1) | 0;
    }
    return x;
  }

  it("is the same amount of work in each call, however often the loop was compiled", () => {
    const spin = handicap(1000);
    let expected = handicapState();
    for (let call = 0; call < 20_000; call += 1) {
      spin();
      if (call % 1000 === 0) {
        expected = steps(expected, 1000);
        assert.equal(handicapState(), expected, `after call ${call}`);
      } else {
        expected = handicapState();
      }
    }
  });

  it("takes time in proportion to its steps", () => {
    const time = (spin: () => void) => {
      const times = Array.from({ length: 30 }, () => {
        const at = performance.now();
        for (let i = 0; i < 20; i += 1) {
          spin();
        }
        return performance.now() - at;
      });
      return Math.min(...times);
    };
    const [less, more] = [handicap(20_000), handicap(80_000)];
    time(less);
    const ratio = time(more) / time(less);
    assert.ok(ratio > 3 && ratio < 5, `four times the steps took ${ratio} times as long`);
  });

  it("is nothing where there are no steps", () => {
    const before = handicapState();
    handicap(0)();
    assert.equal(handicapState(), before);
  });
});

describe("calls that are made twice", () => {
  const calls = Array.from({ length: 8_000 }, (_, call) => call);

  it("are as many as were asked for, in every place of a slice alike", () => {
    for (const perMille of [30, 50, 100]) {
      for (let place = 0; place < 8; place += 1) {
        const there = calls.filter((call) => call % 8 === place);
        const share = there.filter((call) => isRepeated(call, perMille)).length / there.length;
        assert.ok(Math.abs(share - perMille / 1000) < 0.004, `${perMille} per mille at place ${place}: ${share}`);
      }
    }
  });

  it("are none where none were asked for, and all of a thousand", () => {
    assert.equal(calls.filter((call) => isRepeated(call, 0)).length, 0);
    assert.equal(calls.filter((call) => isRepeated(call, 1000)).length, calls.length);
  });
});

describe("allocated bytes", () => {
  /** An array of 1,000 elements: a header of 16 bytes and 8 for each, and 16 to 32 for what refers to them. */
  const ARRAYS = 20_000;
  const BYTES = ARRAYS * (8 * 1000 + 16 + 32);
  const kept: unknown[] = new Array(8).fill(null);

  function allocate(count: number): void {
    for (let i = 0; i < count; i += 1) {
      kept[i % kept.length] = new Array(1000).fill(i);
    }
  }

  it("are found within 2% of what was allocated, over many collections", () => {
    allocate(1000);
    const allocated = countAllocation();
    assert.ok(allocated !== null);
    allocate(ARRAYS);
    const { bytes, collections } = allocated();
    assert.ok(Math.abs(bytes / BYTES - 1) < 0.02, `${bytes} of ${BYTES} bytes`);
    assert.ok(collections >= 3, `${collections} collections`);
  });

  it("are found likewise where there is hardly a collection", () => {
    const allocated = countAllocation();
    allocate(400);
    const { bytes, collections } = allocated?.() ?? { bytes: 0, collections: 0 };
    const expected = (BYTES / ARRAYS) * 400;
    assert.ok(Math.abs(bytes / expected - 1) < 0.02, `${bytes} of ${expected} bytes, ${collections} collections`);
  });

  it("are next to none where nothing is allocated", () => {
    const { bytes, collections } = countAllocation()?.() ?? { bytes: -1, collections: -1 };
    assert.ok(bytes >= 0 && bytes < 5000 && collections === 0, `${bytes} bytes, ${collections} collections`);
  });
});
