// The command `values`.

import { openValuesTable, tryValues } from "../values/try.js";
import type { OpenedSuite } from "./opened.js";

export async function tryOpenedValues(open: OpenedSuite): Promise<void> {
  const { emit, library: opened, settings } = open;
  const { adapter, library } = opened;
  const { calls, endpoint } = settings;
  const bare = await openValuesTable({ adapter, calls, endpoint }, `${settings.table}-values-${settings.lane}`);
  open.undo = () => bare.drop();
  const untried = await tryValues({ adapter, library, calls, endpoint, bare }, (outcome) =>
    emit({ event: "value", ...outcome }),
  );
  emit({ event: "values-tried", untried });
}
