// Whether the mail ledger can be used, without making or changing one.
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { checkPlace, type Place } from '../../engine/instance/place';

/** @throws Error that says what is wrong */
export async function checkLedger(place: Place): Promise<string> {
  if (place.kind === 'postgres') return checkPlace(place);
  const file = resolve(place.file);
  const isThere = existsSync(file);
  const folder = nearest(dirname(file));
  try {
    accessSync(isThere ? file : folder, constants.R_OK | constants.W_OK);
    accessSync(folder, constants.W_OK);
  } catch {
    throw new Error(
      `${isThere ? file : folder} cannot be written by this user. Give it the right, or choose another file.`,
    );
  }
  return isThere ? `SQLite file ${file}` : `SQLite file ${file}: it is made at the first start`;
}

const nearest = (folder: string): string =>
  existsSync(folder) || dirname(folder) === folder ? folder : nearest(dirname(folder));
