// Where items lie in the secondary index that Query asks. A partition of it holds as many items as one of the table: the
// second half of one of the table's partitions and the first half of the next, the last of them first. So neither what
// lies together nor the order is the table's, and only the index answers what it is asked. No I/O here.

import type { IndexKeys } from "./shape.js";
import type { Key, QueriedIndex } from "./shapes/kind.js";

export class IndexOrder {
  private readonly half: number;

  constructor(
    private readonly index: QueriedIndex,
    /** Items of a partition: an even number. */
    private readonly perPartition: number,
  ) {
    this.half = perPartition / 2;
  }

  get keys(): IndexKeys {
    return this.index.keys;
  }

  /** The index's keys of the data set's item number n. */
  keyOf(n: number): Key {
    const moved = n + this.half;
    return this.keyAt(Math.floor(moved / this.perPartition), moved % this.perPartition);
  }

  /** The index's keys of a lane's item, whose partitions are the table's: nothing else lies there. */
  laneKeyOf(partition: number, sort: number): Key {
    return this.keyAt(partition, sort);
  }

  /** Which partitions of so many items are asked for: those that are whole, or else the first, which is half of one. */
  partitions(items: number): { first: number; count: number } {
    const whole = Math.floor((items + this.half) / this.perPartition) - 1;
    return whole > 0 ? { first: 1, count: whole } : { first: 0, count: 1 };
  }

  /** The numbers of the items that a partition has of so many: the lowest, and the one after the highest. */
  itemsOf(partition: number, items: number): [number, number] {
    const begin = partition * this.perPartition - this.half;
    return [Math.max(0, begin), Math.min(begin + this.perPartition, items)];
  }

  private keyAt(partition: number, backwards: number): Key {
    const { keys, partitionOf, sortOf } = this.index;
    return { [keys.partition]: partitionOf(partition), [keys.sort]: sortOf(this.perPartition - 1 - backwards) };
  }
}
