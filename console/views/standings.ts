// How a source stands, in a word, a colour and an icon: what is quiet can never look like what is broken.
import type { SourceTold, Standing } from '../../engine/console/api';
import type { IconName } from '../parts/icons';
import type { Tone } from '../words/states';

interface Look {
  readonly word: string;
  readonly tone: Tone;
  readonly icon: IconName;
}

/** What needs somebody first. */
export const STANDINGS: Readonly<Record<Standing, Look>> = {
  broken: { word: 'Broken', tone: 'bad', icon: 'bad' },
  troubled: { word: 'Troubled', tone: 'warn', icon: 'warn' },
  busy: { word: 'Catching up', tone: 'busy', icon: 'busy' },
  well: { word: 'Well', tone: 'good', icon: 'good' },
  quiet: { word: 'Quiet', tone: 'good', icon: 'quiet' },
  off: { word: 'Off', tone: 'quiet', icon: 'off' },
};

const ORDER = Object.keys(STANDINGS);

export const byNeed = (sources: readonly SourceTold[]): readonly SourceTold[] =>
  sources.toSorted((one, other) => ORDER.indexOf(one.standing) - ORDER.indexOf(other.standing));

const CONNECTIONS: Readonly<Record<SourceTold['connection'], string>> = {
  connecting: 'connecting',
  idling: 'connected, told of new mail',
  polling: 'connected, looks from time to time',
  backing_off: 'waiting to connect again',
  closed: 'not connected',
};

export const connectionWord = (source: SourceTold): string => CONNECTIONS[source.connection];

const STATES: Readonly<Record<SourceTold['state'], string>> = {
  pending: 'not read yet',
  syncing: 'reading for the first time',
  idle: 'up to date',
  gap_checking: 'looking for what came meanwhile',
  gap_syncing: 'reading what came meanwhile',
  error: 'failed',
  retry_scheduled: 'failed, will try again',
};

/** As people find it: the machine, and the process on it. */
export function processWord(holder: string): string {
  const [host, pid] = holder.split(':');
  return pid === undefined ? holder : `process ${pid} on ${host}`;
}

export const stateWord = (source: SourceTold): string => STATES[source.state];
