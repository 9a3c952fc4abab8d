// What a run needs of the node's settings: how its mails become items, and a way to read those again that are not in
// the ledger.
import type { IExecuteFunctions } from 'n8n-workflow';
import { GmailClient } from '../../engine/gmail/api/client';
import { GmailRereader } from '../../engine/gmail/find/again';
import { cancelSignal } from '../host/n8n/cancel';
import { gmailItem, type GmailItemSettings } from '../host/items/gmail';
import type { RunSettings } from '../host/run/run';
import { collection, parametersOfRun } from '../host/trigger/parameters';
import { runTelling } from '../host/trigger/settings';
import { labelNames } from './label-names';
import { credentialName, readGmailLogin } from './login';
import { itemSettings, mostReadBytes } from './settings';

/** @throws NodeOperationError that names the setting */
export function runSettings(context: IExecuteFunctions): RunSettings {
  const items = runItems(context);
  return {
    shape: (run, content, facts) => gmailItem(run, content, facts, items),
    mostReadBytes: mostReadBytes(context),
    telling: runTelling(collection(parametersOfRun(context), 'options')),
    rereader: async () => {
      const login = await readGmailLogin(context);
      const signal = cancelSignal(context);
      return new GmailRereader(new GmailClient(login, { signal }), login.address, credentialName(context));
    },
  };
}

/** How mails become items in a run, or in a manual test. */
export const runItems = (context: IExecuteFunctions): GmailItemSettings => ({
  ...itemSettings(context),
  labelNames: labelNames(context, () => readGmailLogin(context)),
});
