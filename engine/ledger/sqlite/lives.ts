// The life of one event, for people, in the SQLite ledger.
import type { ActionRecord, Deed, Lives, Try } from '../life';
import type { Method, Part } from './part';

const selectEvent = `select seq from event where id = ?`;

const selectTries = `
  select attempt, execution_id as executionId, began_at as beganAt, ended_at as endedAt, state, error
  from try where event_seq = ? order by attempt`;

const selectDeeds = `select at, what, by_whom as by from deed where event_seq = ? order by id`;

const actionFacts = `
  select id, kind, created_at as askedAt, tries, ended_at as endedAt, last_error as error from errand`;

const selectActions = `
  ${actionFacts} where event_id = ?1 and ended_at is null
  union all
  ${actionFacts} where event_id = ?1 and ended_at is not null
  order by id`;

const life: Method<'life'> = (connection, event) => {
  const found = connection.get<{ seq: number }>(selectEvent, event);
  if (!found) return null;
  const actions = connection.all<ActionRecord & { id: number }>(selectActions, event);
  return {
    tries: connection.all<Try>(selectTries, found.seq).map((row) => ({ ...row })),
    deeds: connection.all<Deed>(selectDeeds, found.seq).map((row) => ({ ...row })),
    actions: actions.map(({ id: _, ...action }) => action),
  };
};

export const lives: Part<Lives> = { life };
