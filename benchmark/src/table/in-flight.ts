// Several things at once, as many as DynamoDB Local gains from.

/** Batches and queries in flight: more don't make DynamoDB Local faster. */
const IN_FLIGHT = 8;

/** Runs several workers until each has come to its end; the first error ends all of them. */
export async function inFlight(worker: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}
