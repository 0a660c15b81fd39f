// DynamoDB's own JSON, in which every value names its type: `{"S": "text"}`. The conductor has checked it by the time it
// comes here. No I/O here.

/** One value with its type: the only entry's name. */
export type Typed = Record<string, unknown>;

/** An item of typed values as plain ones: sets are Sets, binaries Buffers, numbers JavaScript's. */
export function plain(item: Record<string, Typed>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(typed: Typed): unknown {
  const [entry] = Object.entries(typed);
  const [type, value] = entry ?? ["nothing", null];
  switch (type) {
    case "S":
    case "BOOL":
      return value;
    case "N":
      return Number(value);
    case "NULL":
      return null;
    case "B":
      return Buffer.from(value as string, "base64");
    case "L":
      return (value as Typed[]).map(plainValue);
    case "M":
      return plain(value as Record<string, Typed>);
    case "SS":
      return new Set(value as string[]);
    case "NS":
      return new Set((value as string[]).map(Number));
    case "BS":
      return new Set((value as string[]).map((each) => Buffer.from(each, "base64")));
    default:
      throw new TypeError(`no attribute value is of type ${JSON.stringify(type)}`);
  }
}
