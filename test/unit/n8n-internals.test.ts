// An n8n that lacks what newer ones have: what still works, what is said of the rest, and what is refused.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { IExecuteFunctions, ITriggerFunctions, Logger } from 'n8n-workflow';
import { LoggerProxy } from 'n8n-workflow';
import { freshAccessToken, TokenFault } from '../../nodes/host/n8n/access-token';
import type { Collector } from '../../nodes/host/listen/collector';
import { rootMode } from '../../nodes/host/n8n/internals';
import { refuseWithoutRefresh, workflowSettings } from '../../nodes/host/n8n/newer';
import { sayWeaker } from '../../nodes/host/n8n/weaker';
import { refuseWhatCannotWork } from '../../nodes/host/listen/refusal';
import { Telling } from '../../nodes/host/listen/telling';

const VERSION = /Everything works from n8n 2\.15 on \(this is \d+\.\d+\.\d+, or near it\)\.$/;

describe('in an n8n that lacks something', () => {
  let said: string[] = [];
  beforeEach(() => {
    said = [];
    const say = (text: string): void => void said.push(text);
    const logger: Logger = { debug: () => undefined, info: () => undefined, warn: say, error: say };
    LoggerProxy.init(logger);
  });

  const trigger = (more: object = {}): ITriggerFunctions =>
    ({
      getNode: () => ({ name: 'Mail', parameters: {} }),
      getWorkflow: () => ({ id: 'w1' }),
      getActivationMode: () => 'init',
      getCredentials: () => assert.fail('there is none'),
      getWorkflowSettings: () => ({}),
      ...more,
    }) as unknown as ITriggerFunctions;

  it('a trigger is published, and says once that nobody will be told of faults', async () => {
    await refuseWhatCannotWork(trigger());
    await refuseWhatCannotWork(trigger());
    assert.equal(said.length, 1);
    assert.match(said[0]!, /does not let a trigger report what goes wrong/);
    assert.match(said[0]!, VERSION);
  });

  it('a trigger of an n8n that has all of it says nothing', async () => {
    await refuseWhatCannotWork(
      trigger({ saveFailedExecution: () => undefined, getWorkflowSettings: () => ({}) }),
    );
    assert.deepEqual(said, []);
  });

  it("the workflow's settings are read where they stand, and engine 2.0 is refused there, too", async () => {
    const settings = { engineType: 'v2' };
    const older = { getWorkflowSettings: undefined };
    assert.deepEqual(workflowSettings(trigger({ ...older, workflow: { settings } })), settings);
    assert.deepEqual(workflowSettings(trigger(older)), {});
    await assert.rejects(refuseWhatCannotWork(trigger({ ...older, workflow: { settings } })), /engine 2\.0/);
  });

  it('what cannot be told by a failed execution is an error in the log', () => {
    const collector = { watched: () => '"INBOX" of "ann"' } as unknown as Collector;
    new Telling(trigger(), collector, false).notRead(new Error('The password is wrong.'));
    assert.equal(said.length, 1);
    assert.match(
      said[0]!,
      /"Mail" of workflow w1: "INBOX" of "ann" is not being read: The password is wrong/,
    );
  });

  it('a login by OAuth2 is refused, with the version that is needed', async () => {
    assert.throws(() => refuseWithoutRefresh({ helpers: {} }), /Update n8n to 2\.15 or newer \(this is /);
    assert.doesNotThrow(() => refuseWithoutRefresh({ helpers: { refreshOAuth2Token: () => undefined } }));
    // Published before, by an n8n that could: not tried for ever as if the provider were away.
    const credential = { oauthTokenData: { access_token: 'old', refresh_token: 'r', expires_in: 1 } };
    const context = { ...trigger(), helpers: {} } as never;
    await assert.rejects(
      freshAccessToken(context, 'gmailOAuth2', credential, true),
      (error: Error) => error instanceof TokenFault && error.kind === 'login' && /2\.15/.test(error.message),
    );
  });

  it('a test by hand is known in the workflows that it calls, or it is said that it is not', () => {
    const called = (additionalData?: object): IExecuteFunctions =>
      ({ getMode: () => 'integrated', ...(additionalData && { additionalData }) }) as never;
    assert.equal(rootMode(called({ rootExecutionMode: 'manual' })), 'manual');
    // Who called did not say; that is not for want of a place to say it.
    assert.equal(rootMode(called({ rootExecutionMode: undefined })), 'integrated');
    assert.deepEqual(said, []);
    assert.equal(rootMode(called({})), 'integrated');
    assert.equal(rootMode(called()), 'integrated');
    assert.equal(said.length, 1);
    assert.match(said[0]!, /takes the keys of Run Once/);
  });

  it('each thing is said once a process', () => {
    for (let times = 0; times < 3; times++) for (const what of ['One.', 'Two.']) sayWeaker(what);
    assert.equal(said.length, 2);
  });
});
