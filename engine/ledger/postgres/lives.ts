// The life of one event, for people, in the Postgres ledger.
import type { ActionRecord, Deed, Lives, Try } from '../life';
import type { Method, Part } from './part';

const selectEvent = `select seq from durable_mail.event where id = $1`;

const selectTries = `
  select attempt, execution_id as "executionId", began_at as "beganAt", ended_at as "endedAt", state, error
  from durable_mail.try where event_seq = $1 order by attempt`;

const selectDeeds = `select at, what, by_whom as by from durable_mail.deed where event_seq = $1 order by id`;

const actionFacts = `
  select id, kind, created_at as "askedAt", tries, ended_at as "endedAt", last_error as error from durable_mail.errand`;

const selectActions = `
  ${actionFacts} where event_id = $1 and ended_at is null
  union all
  ${actionFacts} where event_id = $1 and ended_at is not null
  order by id`;

const life: Method<'life'> = async (connection, event) => {
  const found = await connection.get<{ seq: number }>(selectEvent, event);
  if (!found) return null;
  const actions = await connection.all<ActionRecord & { id: number }>(selectActions, event);
  return {
    tries: await connection.all<Try>(selectTries, found.seq),
    deeds: await connection.all<Deed>(selectDeeds, found.seq),
    actions: actions.map(({ id: _, ...action }) => action),
  };
};

export const lives: Part<Lives> = { life };
