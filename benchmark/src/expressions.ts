// The expressions that an application writes by hand with a client that has no models: of an update of one attribute, and
// of a range of sort keys, of the table or of an index. Shared by the clients that are of this kind.

import type { Range, Updated } from "./dataset.js";
import { placeholder, type PrefixedForm } from "./form.js";
import type { Shape } from "./shape.js";

/** Parts of a client's input; what is an object is made anew for each call. */
export interface Expressions {
  update: {
    expression: string;
    names(): Record<string, string>;
    values(value: Updated): Record<string, unknown>;
  };
  between: {
    condition(): {
      IndexName?: string;
      KeyConditionExpression: string;
      ExpressionAttributeNames?: Record<string, string>;
    };
    values(range: Range): Record<string, string>;
  };
}

/** Names that DynamoDB takes in a key condition as they are: those that this benchmark gives keys itself. */
const PLAIN = /^(gsi\d)?[ps]k$/;

export function expressionsOf(shape: Shape, form: PrefixedForm): Expressions {
  const updated = shape.updated ?? "";
  const attribute = placeholder(updated);
  const value = attribute.replace("#", ":");
  const { partition, sort } = form.index ?? form;
  const index = form.index === undefined ? {} : { IndexName: form.index.name };
  const isPlain = PLAIN.test(partition) && PLAIN.test(sort);
  const condition = isPlain
    ? { ...index, KeyConditionExpression: `${partition} = :pk AND ${sort} BETWEEN :first AND :last` }
    : {
        ...index,
        KeyConditionExpression: "#pk = :pk AND #sk BETWEEN :first AND :last",
        ExpressionAttributeNames: { "#pk": partition, "#sk": sort },
      };
  return {
    update: {
      expression: `SET ${attribute} = ${value}`,
      names: () => ({ [attribute]: updated }),
      values: (given) => ({ [value]: given }),
    },
    between: {
      condition: () => condition,
      values: ({ partition, first, last }) => ({
        ":pk": form.partitionOf(partition),
        ":first": form.sortOf(first),
        ":last": form.sortOf(last),
      }),
    },
  };
}
