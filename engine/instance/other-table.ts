// A table that another system fills, for whoever is told by it what to do: opened here, as all that is in Postgres.
export { openOtherTable, type OtherTable } from '../ledger/postgres/other-table';
