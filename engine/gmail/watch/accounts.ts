// The Gmail accounts that are watched in this process: polled accounts, and what is Gmail's own about them.
import { PolledAccounts } from '../../polled/accounts';
import type { PolledKind } from '../../polled/kind';
import type { StartWatch } from '../../source/source';
import type { WatchPorts } from '../../source/watched';
import { GmailClient } from '../api/client';
import type { GmailLogin } from '../api/login';
import { quotaOf } from '../api/quota';
import { PullSubscriptions } from '../notify/pull';
import type { GmailReading } from '../read/reading';
import { GmailAccount } from './account';
import { GMAIL_TIMES, type GmailTimes } from './pace';
import { AllRefused, sharedApi } from './shared-api';
import { asksFor, type GmailTypes } from './subscriber';

export class GmailAccounts {
  /** For the registry of sources. */
  readonly start: StartWatch<GmailLogin, GmailReading>;

  constructor(ports: WatchPorts, times: Partial<GmailTimes> = {}) {
    const all = { ...GMAIL_TIMES, ...times };
    this.start = new PolledAccounts(gmailKind(ports, all), ports, all).start;
  }
}

function gmailKind(ports: WatchPorts, times: GmailTimes): PolledKind<GmailTypes> {
  const pulls = new PullSubscriptions({ log: ports.log });
  return {
    names: (account) => {
      const name = `Gmail account ${account}`;
      return { name, called: `the ${name}`, settings: 'settings of a trigger', server: 'Gmail' };
    },
    reaching: {
      open: (login, key, signal) => {
        const { endpoints, address, quota, credential } = login;
        // Google counts what each credential spends.
        const bucket = quotaOf(endpoints.gmail, address, quota, credential?.id ?? key);
        return new GmailClient(login, { signal, quota: bucket });
      },
      serverOf: ({ endpoints }) => `gmail ${endpoints.gmail.replace(/\/+$/, '').toLowerCase()}`,
      shared: sharedApi,
      asksFor,
      allRefused: (cause) => new AllRefused(cause),
    },
    watch: (source, bell, notices) => new GmailAccount(source, ports, times, { bell, notices, pulls }),
  };
}
