// Where a ledger is, as a process that a test starts is told: a file, or the URL of a Postgres.
import { openPlace, type Place } from '../../../engine/instance/place';
import { settingsFromUrl } from '../../../engine/ledger/postgres/settings';
import { silentLog } from '../log';

const placeOf = (where: string): Place =>
  where.startsWith('postgres://')
    ? { kind: 'postgres', settings: settingsFromUrl(where) }
    : { kind: 'sqlite', file: where };

export const openAt = (where: string): ReturnType<typeof openPlace> =>
  openPlace(placeOf(where), silentLog, undefined);
