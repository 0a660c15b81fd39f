// What esbuild says where it can't bundle something, as the conductor is told it.

import type { BuildFailure } from "esbuild";

export interface Problem {
  text: string;
  file: string | null;
  line: number | null;
}

/** The problems of a build that failed; any other error is thrown again. */
export function problemsOf(why: unknown): Problem[] {
  if (!(why instanceof Error) || !("errors" in why)) {
    throw why;
  }
  return (why as BuildFailure).errors.map(({ text, location }) => ({
    text,
    file: location?.file ?? null,
    line: location?.line ?? null,
  }));
}
