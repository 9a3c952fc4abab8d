// The engines that a process has open, one for each place, shared by all who name it; let go when nobody needs them.
// Invariant: what is under way in an engine is never cut off: it is closed when nobody listens and no run is held there.
import { statSync } from 'node:fs';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';
import { type Engine, type EngineSettings, openEngine } from './engine';
import { type Place, placeName } from './place';

/** One that is not kept, that nobody has asked for so long, and where nothing is under way, is closed. */
const IDLE_MS = 15 * 60_000;
const LOOK_MS = 60_000;

interface OpenEngine {
  readonly opening: Promise<Engine>;
  readonly isKept: boolean;
  /** The file as it was opened; null: no file. */
  file: string | null;
  /** Monotonic. */
  usedAt: number;
}

/** Data alone: it may be shared by two copies of this package (engine/runtime/process-wide.ts). */
export interface OpenEngines {
  /** By the names of their places. Runs go on after their trigger has stopped. */
  readonly engines: Map<string, OpenEngine>;
  /**
   * Those whose file was deleted or replaced. Never closed, nor collected: SQLite would delete the files beside it by
   * their names, which are the new one's.
   */
  readonly abandoned: OpenEngine[];
  looking: NodeJS.Timeout | undefined;
}

export const noEngines = (): OpenEngines => ({ engines: new Map(), abandoned: [], looking: undefined });

interface OpenSettings extends EngineSettings {
  /** Also while it is idle: its place is not to change, as one does whose settings a person may edit. */
  readonly isKept: boolean;
}

/** The engine of the place, opened once. @throws LedgerFault */
export function openOnce(open: OpenEngines, place: Place, settings: OpenSettings): Promise<Engine> {
  const { log, isKept } = settings;
  const name = placeName(place);
  const known = open.engines.get(name);
  if (known && isInPlace(known, place)) {
    known.usedAt = monotonicNow();
    return known.opening;
  }
  if (known) {
    log.error(`The mail ledger ${name} was deleted or replaced while it was used: the one there now is used`);
    open.abandoned.push(known);
  }
  const opening = openEngine(place, settings);
  const opened: OpenEngine = { opening, isKept, file: null, usedAt: monotonicNow() };
  open.engines.set(name, opened);
  open.looking ??= setInterval(() => void closeIdle(open, log), LOOK_MS).unref();
  opening.then(
    () => (opened.file = fileOf(place)),
    // A failure is not kept: the next one to ask tries again.
    () => {
      if (open.engines.get(name) === opened) open.engines.delete(name);
    },
  );
  return opening;
}

/** Closes the engines that nobody needs any more. */
export async function closeIdle({ engines }: OpenEngines, log: Log, idleMs = IDLE_MS): Promise<void> {
  for (const [name, known] of engines) {
    const isIdle = (): boolean => monotonicNow() - known.usedAt >= idleMs;
    if (known.isKept || !isIdle()) continue;
    const engine = await known.opening.catch(() => null);
    if (!engine || engine.listeners.size > 0 || !engine.runs.isIdle || !engine.outbox.isIdle) continue;
    if (!isIdle() || engines.get(name) !== known) continue;
    engines.delete(name);
    await engine.close().catch((error: unknown) => log.debug(`A ledger did not close: ${errorText(error)}`));
  }
}

const isInPlace = ({ file }: OpenEngine, place: Place): boolean => file === null || file === fileOf(place);

/** One name for one file, also when another one takes its place. Null: it is not there, or is no file. */
function fileOf(place: Place): string | null {
  if (place.kind !== 'sqlite') return null;
  try {
    const { dev, ino } = statSync(place.file);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}
