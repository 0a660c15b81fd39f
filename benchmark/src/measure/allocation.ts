// How much a number of calls allocates on the JavaScript heap, and how many garbage collections that causes.
//
// V8's collector profile gives the heap's size before and after each collection; what was allocated is the growth
// between collections, up to the first and from the last one on. It counts every object in the heap, the tails of pages
// that stayed unused included (0.3% where much is allocated; measured with arrays of a known size). It doesn't count
// memory outside the heap, such as the bytes of Buffers: that is freed at some later time by another thread, so that
// its growth says nothing exact about a few hundred calls.

import * as v8 from "node:v8";
import type { Allocated } from "../protocol.js";

/** The heap's size around one step of the collector, as v8.GCProfiler reports it. */
interface Step {
  gcType: string;
  beforeGC: { heapStatistics: { usedHeapSize: number } };
  afterGC: { heapStatistics: { usedHeapSize: number } };
}

/** Steps that are a part of a collection that is reported by itself. */
const PARTS = new Set(["IncrementalMarking", "ProcessWeakCallbacks"]);

/** Arrays and elements of each, of which a runtime must see about as many bytes as they have. */
const PROBE = { arrays: 64, elements: 2048 };
/** Bytes of an element; half of that with compressed pointers. */
const ELEMENT_BYTES = 8;

let isTrue: boolean | undefined;

/** Starts counting; the function returned gives what was allocated since. Null where the runtime can't count. */
export function countAllocation(): (() => Allocated) | null {
  // Node has it from 18.15 on. Other runtimes may have none, or one for compatibility that counts something else: Bun's
  // engine knows the size of its heap at collections alone.
  const { GCProfiler } = v8 as Partial<typeof v8>;
  if (GCProfiler === undefined) {
    return null;
  }
  isTrue ??= countsTruly(GCProfiler);
  return isTrue ? start(GCProfiler) : null;
}

/** Whether arrays of a known size are counted as what they are. */
function countsTruly(profiler: typeof v8.GCProfiler): boolean {
  const { arrays, elements } = PROBE;
  const count = start(profiler);
  const kept = Array.from({ length: arrays }, () => new Array<number>(elements).fill(0));
  const { bytes } = count();
  const expected = kept.length * elements * ELEMENT_BYTES;
  return bytes > expected * 0.4 && bytes < expected * 2.5;
}

function start(GCProfiler: typeof v8.GCProfiler): () => Allocated {
  const profiler = new GCProfiler();
  profiler.start();
  const atStart = usedHeap();
  return () => {
    const atEnd = usedHeap();
    const steps = (profiler.stop()?.statistics ?? []) as Step[];
    let bytes = 0;
    let last = atStart;
    for (const { beforeGC, afterGC } of steps) {
      bytes += beforeGC.heapStatistics.usedHeapSize - last;
      last = afterGC.heapStatistics.usedHeapSize;
    }
    const collections = steps.filter(({ gcType }) => !PARTS.has(gcType)).length;
    return { bytes: Math.max(0, bytes + atEnd - last), collections };
  };
}

function usedHeap(): number {
  return v8.getHeapStatistics().used_heap_size;
}
