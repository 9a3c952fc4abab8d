// What can be done: each address of `POST /api/…`. Who has not the right to operate is kept from it before.
import type { Act } from './acting';
import type { LookAnswer } from './api';
import { only } from './asked-acts';
import { removeOne, takeBackOne } from './endpoints';
import { actOnMails } from './mail-acts';
import { actOnOutbox } from './outbox-acts';
import { Refusal } from './refusal';
import { removeTemplate, saveTemplate } from './templates';
import { settleOne } from './work';

export const ACTS: Readonly<Record<string, Act>> = {
  '/api/act': actOnMails,

  '/api/jobs/stop': async ({ jobs }, { job, ...more }) => {
    only(more);
    return jobs.stop(typeof job === 'string' ? job : '');
  },

  '/api/look': async ({ ledger, look }, { source, ...more }): Promise<LookAnswer> => {
    only(more);
    const known = (await ledger.sources()).find(({ id }) => id === source);
    if (!known)
      throw new Refusal(404, 'There is no such source: "source" is its number, as in /api/sources.');
    if (!known.served)
      throw new Refusal(
        409,
        'No published workflow listens to this source, so nobody looks at it. Publish one to read it.',
      );
    look(known.id);
    return { asked: true };
  },

  '/api/outbox/act': actOnOutbox,
  '/api/templates/save': saveTemplate,
  '/api/templates/remove': removeTemplate,
  '/api/endpoints/takeBack': takeBackOne,
  '/api/endpoints/remove': removeOne,
  '/api/work/settle': settleOne,
};
