// Custom email rules: the JSON that n8n's Email Trigger (IMAP) takes (node-imap's search criteria), turned into what
// imapflow's search takes, with the same meaning. All rules of a list must match.
// Invariant: what comes out asks for no more and no less than was written; what cannot be asked is refused at once,
// with the faulty part named, for a rule that is dropped would let every mail through.
// Beyond node-imap: OR with more than two rules, AND, a list of rules where one is taken, one rule without a list around.
import type { SearchObject } from 'imapflow';
import { listFromJson } from './json';
import { findTerm, knownTerm, NOT_NEW, type Term } from './terms';
import { sequenceSet } from './values';

export interface SearchCriteria {
  readonly query: SearchObject;
  /** A rule in it that only Gmail knows (X-GM-EXT-1), if there is one. */
  readonly gmailOnly: string | null;
}

/** A list of rules, or one rule, as people write it; its days are those of no time zone. */
export type Rules = readonly unknown[];

/** @throws Error that names the faulty part, in words for who wrote it */
export function rulesFromJson(json: string): Rules {
  const rules = listFromJson(json);
  compileRules(rules);
  return isOneRule(rules) ? (withItsDay(rules) as Rules) : rules.map(withItsDay);
}

/** @throws Error that names the faulty part, in words for who wrote it */
export function compileRules(rules: Rules): SearchCriteria {
  const reader = new RuleReader();
  const query = isOneRule(rules) ? reader.rule(rules, 'rule 1') : reader.list(rules, '', 'rule');
  return { query, gmailOnly: reader.gmailOnly };
}

/** ["FROM", "ann"]: as a list of rules this could never be right. */
function isOneRule([first]: Rules): boolean {
  const name = typeof first === 'string' ? splitName(first).name : '';
  return isOperator(name) || knownTerm(name)?.takes !== undefined;
}

/** A time is a day of the machine where it was written; another one may be elsewhere. @param rule that can be used */
function withItsDay(rule: unknown): unknown {
  if (!Array.isArray(rule)) return rule;
  const [first, ...values] = rule as unknown[];
  if (typeof first !== 'string') return rule.map(withItsDay);
  const { name } = splitName(first);
  if (isOperator(name)) return [first, ...values.map(withItsDay)];
  return [first, ...(knownTerm(name)?.meant?.(values) ?? values)];
}

/** The query for those of these mails that match. @param uids a sequence set, as in `3,5:7` */
export const restrictedTo = (uids: string, { query }: SearchCriteria): SearchObject =>
  all([{ uid: uids }, query]);

class RuleReader {
  gmailOnly: string | null = null;

  /** Rules that must all match. */
  list(rules: readonly unknown[], where: string, each: string): SearchObject {
    if (rules.length === 0) throw new Error(`${where || 'The list of rules'} is empty. ${HOW}`);
    return all(rules.map((rule, i) => this.rule(rule, `${where}${each} ${i + 1}`)));
  }

  rule(rule: unknown, where: string): SearchObject {
    if (Array.isArray(rule) && Array.isArray(rule[0])) return this.list(rule, `${where}, `, 'part');
    const [given, ...values] = Array.isArray(rule) ? (rule as unknown[]) : [rule];
    if (typeof given !== 'string' || given === '') {
      const shown = JSON.stringify(rule);
      throw new Error(`${where} is ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}. ${HOW}`);
    }
    const { name, negated } = splitName(given);
    const here = `${where}, "${given}"`;
    const query = isOperator(name)
      ? this.#operator(name, values, here)
      : this.#term(name, values, negated, here);
    return negated ? { not: query } : query;
  }

  #operator(name: string, rules: readonly unknown[], here: string): SearchObject {
    if (rules.length < 2)
      throw new Error(
        `${here}: two rules or more must follow, as in ["${name}", "FLAGGED", ["FROM", "ann"]]. There ${
          rules.length === 0 ? 'is none' : 'is one'
        }.`,
      );
    const parts = rules.map((rule, i) => this.rule(rule, `${here}, part ${i + 1}`));
    return name === 'OR' ? { or: parts } : all(parts);
  }

  #term(name: string, values: readonly unknown[], negated: boolean, here: string): SearchObject {
    // node-imap's last resort: places in the mailbox, as in "1:10".
    const places = sequenceSet([name, ...values]);
    if (places) return { seq: places };
    try {
      const term = findTerm(name);
      checkCount(term, values);
      if (name === 'RECENT' && negated) throw new Error(NOT_NEW);
      if (name.startsWith('X-GM-')) this.gmailOnly ??= name;
      return term.read(values);
    } catch (error) {
      throw new Error(`${here}: ${(error as Error).message}`, { cause: error });
    }
  }
}

const HOW =
  'A rule is a name, such as "UNSEEN", or a list of a name and what it takes, such as ["FROM", "ann"].';

const isOperator = (name: string): boolean => name === 'OR' || name === 'AND';

function splitName(given: string): { name: string; negated: boolean } {
  const negated = given.startsWith('!');
  return { name: given.slice(negated ? 1 : 0).toUpperCase(), negated };
}

function checkCount({ takes = [], example, many }: Term, values: readonly unknown[]): void {
  if (many ? values.length > 0 : values.length === takes.length) return;
  const wanted = takes.length === 0 ? 'nothing may follow' : `${takes.join(' and ')} must follow`;
  const shape = example ? `, as in ${example}` : '';
  const given =
    values.length === 0
      ? 'there is nothing'
      : `there is ${values.map((value) => JSON.stringify(value)).join(', ')}`;
  const hint = takes.length === 0 ? ' Each further rule stands for itself: ["UNSEEN", "FLAGGED"].' : '';
  throw new Error(`${wanted}${shape}; ${given}.${hint}`);
}

/** All must match. imapflow's query has each key once: what does not fit beside the others is joined by De Morgan. */
function all(parts: readonly SearchObject[]): SearchObject {
  const groups: SearchObject[] = [];
  for (const part of parts) {
    const free = groups.find((group) => Object.keys(part).every((key) => !(key in group)));
    if (free) Object.assign(free, part);
    else groups.push({ ...part });
  }
  return groups.length === 1 ? groups[0]! : { not: { or: groups.map((group) => ({ not: group })) } };
}
