// What a file of the Postgres adapter does of the ledger's port: see ../common/parts.ts.
import type { PartOn } from '../common/parts';
import type { LedgerParts } from '../ledger';
import type { PostgresConnection } from './connection';

export type Part<Port> = PartOn<PostgresConnection, Port>;

export type Method<Name extends keyof LedgerParts> = Part<LedgerParts>[Name];
