// The table in Postgres that another system fills with accounts, and with jobs of their own.
// Invariants: only its known columns are taken, so that it may have others; a table that cannot be read now changes nothing.
import { openOtherTable, type OtherTable } from '../../engine/instance/other-table';
import { errorText } from '../../engine/runtime/log';
import type { Config } from '../config/schema';
import { readSecret } from '../config/secret';

export type FromPostgres = NonNullable<Config['accountsFrom']>['postgres'];

const COLUMNS = ['name', 'account', 'job', 'enabled'];

export interface AccountsTable {
  /** For people. */
  readonly place: string;
  /** @throws Error that names the place */
  rows(): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

/** @param called the table has changed, or may have @throws Error that names the place */
export async function openAccountsTable(from: FromPostgres, called: () => void): Promise<AccountsTable> {
  const { table, query, listen } = from;
  const sql = query ?? `select * from ${table!}`;
  const opened: OtherTable = await openOtherTable(tableUrl(from), sql).catch(named);
  const deafen = listen === undefined ? undefined : opened.listen(listen, called);
  return {
    place: opened.place,
    rows: async () =>
      (await opened.rows()).map((row) =>
        Object.fromEntries(COLUMNS.flatMap((name) => (Object.hasOwn(row, name) ? [[name, row[name]]] : []))),
      ),
    close: async () => {
      deafen?.();
      await opened.close();
    },
  };
}

/** As it is now. @throws Error that names the key */
export function tableUrl({ url }: FromPostgres): string {
  try {
    return readSecret(url);
  } catch (error) {
    return named(error);
  }
}

function named(error: unknown): never {
  throw new Error(`accountsFrom.postgres.url: ${errorText(error)}`, { cause: error });
}
