// The suite: one library in one process. It does what its parent says, command by command: verifies, warms up and
// measures; it decides nothing itself. See protocol.ts for the commands and events.

import type { Connection, OrderTable } from "./adapter.js";
import { findAdapter } from "./adapters.js";
import { clientConfig } from "./client.js";
import { STREAM } from "./dataset.js";
import { describeError, type Emit, roundMs } from "./events.js";
import { type CallLimit, callLimit } from "./limit.js";
import { measure, spinner } from "./measure.js";
import { type Context, prepare } from "./operations.js";
import type { OpenSuite, OperationName, Phase, SuiteEvent } from "./protocol.js";
import { type BareTable, openTable } from "./table.js";
import { verify } from "./verification.js";
import { versionsOf } from "./versions.js";
import { warmUp } from "./warmup.js";
import { workPerCall } from "./wire.js";
import {
  type Command,
  duration,
  OperationError,
  operationName,
  optionalText,
  serve,
  text,
  unknownCommand,
  type Worker,
  wholeNumber,
} from "./worker.js";

const MIB = 1024 * 1024;

interface Open {
  settings: OpenSuite;
  context: Context;
  connection: Connection;
  table: OrderTable;
  rehearsal: OrderTable | null;
  limit: CallLimit;
}

function suite(emit: Emit<SuiteEvent>): Worker {
  let open: Open | null = null;
  /** Calls that warmed an operation up so far, so that no key is written twice. */
  const warmedUp = new Map<OperationName, number>();

  const opened = (): Open => {
    if (open === null) {
      throw new Error("nothing is open: the first command must be open");
    }
    return open;
  };

  const openBare = (name: string): Promise<BareTable> => openTable(opened().settings, name);

  const spinnerOf = (operation: OperationName) => spinner(opened().settings.handicapUs[operation] ?? 0);

  return {
    async handle(command) {
      switch (command.do) {
        case "open":
          open = await openLibrary(command);
          return;
        case "verify":
          return verifyOperations(command);
        case "warm-up":
          return inOperation(command, warmUpOperation);
        case "measure":
          return inOperation(command, measureOperation);
        default:
          unknownCommand(command);
      }
    },
    async abandon() {
      open?.connection.close();
    },
  };

  async function inOperation(command: Command, act: (operation: OperationName, command: Command) => Promise<void>) {
    const operation = operationName(command.operation);
    try {
      await act(operation, command);
    } catch (error) {
      throw new OperationError(operation, error);
    }
  }

  async function openLibrary(command: Command): Promise<Open> {
    if (open !== null) {
      throw new Error("open was said already");
    }
    const settings = openSettings(command);
    const adapter = await findAdapter(settings.adapter);
    const at = performance.now();
    const library = await adapter.load();
    const importMs = performance.now() - at;
    const memoryMb = process.memoryUsage.rss() / MIB;

    const connection = library.connect(clientConfig(settings));
    const { items, seed, round, lane } = settings;
    emit({
      event: "ready",
      pid: process.pid,
      node: process.version,
      ...versionsOf(adapter.packageName),
      importMs: roundMs(importMs),
      memoryMb: roundMs(memoryMb),
    });
    return {
      settings,
      context: { items, seed, round, lane },
      connection,
      table: connection.table(settings.table),
      rehearsal: settings.rehearsalTable === null ? null : connection.table(settings.rehearsalTable),
      limit: callLimit(settings.callTimeoutMs),
    };
  }

  async function verifyOperations(command: Command): Promise<void> {
    const { settings, context, connection, table, rehearsal, limit } = opened();
    const names = command.operations;
    if (!Array.isArray(names)) {
      throw new TypeError('verify: "operations" must be a list');
    }
    await verify(
      {
        operations: names.map(operationName),
        client: connection.client,
        table,
        rehearsal:
          rehearsal === null
            ? null
            : { table: rehearsal, items: settings.rehearsalItems, name: settings.rehearsalTable ?? "" },
        tableName: settings.table,
        context,
        limit,
        openBare,
      },
      (verdict) => {
        const { operation, wrong } = verdict;
        if (wrong !== null) {
          emit({ event: "wrong-work", operation, ...wrong });
          return;
        }
        const { firstCallMs, work } = verdict;
        emit({
          event: "verified",
          operation,
          firstCallMs: firstCallMs === null ? null : roundMs(firstCallMs),
          work,
        });
      },
    );
    emit({ event: "verified-all" });
  }

  async function warmUpOperation(operation: OperationName, command: Command): Promise<void> {
    const { context, table, rehearsal, settings, limit } = opened();
    const onRehearsal = operation === "Scan" && rehearsal !== null;
    const phase: Phase = "warm-up";
    const from = warmedUp.get(operation) ?? 0;
    emit({ event: "start", operation, phase });
    const warmed = await warmUp({
      operation,
      table: onRehearsal ? rehearsal : table,
      context: onRehearsal ? { ...context, items: settings.rehearsalItems } : context,
      limit,
      from,
      calls: wholeNumber(command, "calls", 1),
      maxMs: duration(command, "maxMs"),
      spin: spinnerOf(operation),
    });
    warmedUp.set(operation, from + warmed.calls);
    emit({
      event: "end",
      operation,
      phase,
      calls: warmed.calls,
      wallMs: roundMs(warmed.wallMs),
      cpuMs: roundMs(warmed.cpuMs),
      threadMs: null,
      samplesMs: [],
      errors: warmed.errors,
      errorMessage: warmed.errorMessage === null ? null : describeError(warmed.errorMessage),
      work: null,
    });
  }

  async function measureOperation(operation: OperationName, command: Command): Promise<void> {
    const { context, table, rehearsal, connection, limit } = opened();
    const phase = command.phase;
    if (phase !== "latency" && phase !== "throughput") {
      throw new TypeError(`measure: "phase" must be latency or throughput, not ${JSON.stringify(phase)}`);
    }
    const concurrency = phase === "latency" ? 1 : wholeNumber(command, "concurrency", 1);
    const calls = wholeNumber(command, "calls", 1);
    const leadIn = command.leadIn === undefined ? 0 : wholeNumber(command, "leadIn");
    const slice = prepare(operation, table, context, STREAM.measured, wholeNumber(command, "from"), leadIn + calls);
    // The work of a large scan isn't known from verification, which used the rehearsal table.
    const metered = operation === "Scan" && rehearsal !== null ? connection.client : null;

    const onStart = () => emit({ event: "start", operation, phase });
    const measured = await measure({
      slice,
      leadIn,
      limit,
      onStart,
      concurrency,
      spin: spinnerOf(operation),
      metered,
    });
    emit({ event: "stopped", operation, phase });
    const { last } = measured;
    if (last !== null && command.check !== false) {
      const wrong = await checkLast(slice, last);
      if (wrong !== null) {
        emit({ event: "wrong-work", operation, ...wrong });
        return;
      }
    }
    emit({
      event: "end",
      operation,
      phase,
      calls: measured.calls,
      wallMs: roundMs(measured.wallMs),
      cpuMs: roundMs(measured.cpuMs),
      threadMs: measured.threadMs === null ? null : roundMs(measured.threadMs),
      samplesMs: measured.samplesMs.map(roundMs),
      errors: measured.errors,
      errorMessage: measured.errors === 0 ? null : describeError(measured.firstError),
      work: measured.traffic === null ? null : workPerCall(measured.traffic, measured.calls),
    });
  }

  async function checkLast(slice: ReturnType<typeof prepare>, last: { index: number; result: unknown }) {
    let bare: BareTable | null = null;
    try {
      return await slice.check(last.index, last.result, async () => {
        bare = await openBare(opened().settings.table);
        return bare;
      });
    } finally {
      (bare as BareTable | null)?.close();
    }
  }
}

function openSettings(command: Command): OpenSuite {
  const handicap = command.handicapUs ?? {};
  if (typeof handicap !== "object") {
    throw new TypeError('open: "handicapUs" must be an object');
  }
  return {
    do: "open",
    target: text(command, "target"),
    adapter: text(command, "adapter"),
    endpoint: text(command, "endpoint"),
    table: text(command, "table"),
    rehearsalTable: optionalText(command, "rehearsalTable"),
    items: wholeNumber(command, "items", 1),
    rehearsalItems: wholeNumber(command, "rehearsalItems"),
    seed: wholeNumber(command, "seed"),
    round: wholeNumber(command, "round"),
    lane: wholeNumber(command, "lane"),
    callTimeoutMs: wholeNumber(command, "callTimeoutMs", 1),
    handicapUs: handicap,
  };
}

serve(suite);
