// Several logins lead to one account, and each may be refused: who gets mail, who is told, and of what.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GmailFault } from '../../engine/gmail/api/fault';
import type { GmailApi } from '../../engine/gmail/api/api';
import type { GmailLogin } from '../../engine/gmail/api/login';
import { asksFor, type GmailSubscriber, type GmailTypes } from '../../engine/gmail/watch/subscriber';
import { askingInTurn } from '../../engine/polled/in-turn';
import { type Candidate, Logins } from '../../engine/polled/logins';
import { GMAIL_TIMES } from '../../engine/gmail/watch/pace';
import { AllRefused, sharedApi } from '../../engine/gmail/watch/shared-api';

const FAULTS = ['login', 'forbidden', 'quota', 'token'] as const;
type Trouble = (typeof FAULTS)[number] | null;

const faultOf = (trouble: Exclude<Trouble, null>, name: string): GmailFault =>
  trouble === 'quota' || trouble === 'token'
    ? new GmailFault('busy', `No: "${name}"`, {
        isOfQuota: trouble === 'quota',
        isOfToken: trouble === 'token',
      })
    : new GmailFault(trouble, `No: "${name}"`);

const over = (candidates: readonly Candidate<GmailTypes>[], logins: Logins<GmailTypes>): GmailApi =>
  sharedApi(askingInTurn(candidates, logins, (cause) => new AllRefused(cause)));

/** Some logins of one account, in trouble or not, and all that their owners are told. */
class Setting {
  readonly told = new Map<number, string[]>();
  readonly asked: string[] = [];
  readonly troubles: Trouble[];
  readonly candidates: Candidate<GmailTypes>[];
  readonly logins = new Logins<GmailTypes>(
    'Gmail account ann@example.com',
    asksFor,
    { ...GMAIL_TIMES, retryMs: [0], rejectedMs: [0] },
    (tell) => tell(),
  );

  constructor(troubles: readonly Trouble[]) {
    this.troubles = [...troubles];
    this.candidates = troubles.map((_, id) => ({
      key: String(id),
      login: { stored: 'as it was' } as GmailLogin,
      api: { profile: () => this.#answer(id), modify: () => this.#answer(id) } as unknown as GmailApi,
      owners: [this.#owner(id)],
    }));
  }

  get api(): GmailApi {
    return over(this.candidates, this.logins);
  }

  #owner(id: number): GmailSubscriber {
    const told: string[] = [];
    this.told.set(id, told);
    return {
      subscription: { id, cursor: 'somewhere' },
      outage: { afterMs: 0, whenOver: false },
      hasActions: true,
      report: (fault: Error) => told.push(fault.message),
      warn: (fault: Error) => told.push(`warned: ${fault.message}`),
    } as unknown as GmailSubscriber;
  }

  #answer(id: number): Promise<unknown> {
    this.asked.push(String(id));
    const trouble = this.troubles[id] ?? null;
    return trouble === null ? Promise.resolve(true) : Promise.reject(faultOf(trouble, `credential ${id}`));
  }
}

/** Repeatable: mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('an account with several logins', () => {
  it('is reached while any of them works; told are only owners of those that do not, of their own', async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = randomOf(seed);
      const pick = (): Trouble => (random() < 0.5 ? null : FAULTS[Math.floor(random() * FAULTS.length)]!);
      const setting = new Setting(Array.from({ length: 1 + Math.floor(random() * 5) }, pick));
      for (let round = 0; round < 4; round++) {
        const works = setting.troubles.includes(null);
        if (works) await setting.api.profile();
        else await assert.rejects(setting.api.profile(), AllRefused, `seed ${seed}`);
      }
      for (const [id, told] of setting.told) {
        if (setting.troubles[id] === null) assert.deepEqual(told, [], `seed ${seed}`);
        assert.ok(told.length <= 1, `seed ${seed}: once`);
        for (const text of told) assert.match(text, new RegExp(`No: "credential ${id}"$`), `seed ${seed}`);
      }
    }
  });

  it('is changed with another login where one may only read, and is read with that one still', async () => {
    const setting = new Setting(['forbidden', null]);
    const change = { add: [], remove: ['UNREAD'] };
    for (let times = 0; times < 3; times++) await setting.api.modify('1', change);
    const [own, other] = [...setting.told.values()];
    assert.deepEqual([own!.length, other], [1, []], 'its owner knows, once');
    assert.match(
      own![0]!,
      /^warned: No: "credential 0" Until then it is done with the credential of another/,
    );
    setting.troubles[0] = null;
    setting.asked.length = 0;
    await setting.api.profile();
    assert.deepEqual(setting.asked, ['0']);
    await setting.api.modify('1', change);
    setting.troubles[0] = 'forbidden';
    await setting.api.modify('1', change);
    assert.equal(own!.length, 2, 'and again, if it worked in between');
    Object.assign(setting.candidates[0]!.login, { stored: 'signed in again' });
    for (let times = 0; times < 2; times++) await setting.api.modify('1', change);
    assert.equal(own!.length, 3, 'and again, if another is stored');
  });

  it('is changed with another login while the quota of one is used up: that passes, and nobody need know', async () => {
    const setting = new Setting(['quota', null]);
    await setting.api.modify('1', { add: [], remove: ['UNREAD'] });
    assert.deepEqual([...setting.told.values()], [[], []]);
  });

  it('is not asked with the others for what says nothing of the login', async () => {
    const setting = new Setting([null, null]);
    const away = new GmailFault('unreachable', 'Nobody answers.');
    const api = { profile: () => Promise.reject(away) } as unknown as GmailApi;
    const [first, second] = setting.candidates;
    await assert.rejects(over([{ ...first!, api }, second!], setting.logins).profile(), away);
    assert.deepEqual(setting.asked, []);
  });
});
