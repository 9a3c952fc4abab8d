// What a run needs of the node's settings: how its mails become items, and a way to read those again that are not in
// the ledger.
import type { IExecuteFunctions } from 'n8n-workflow';
import { ImapRereader } from '../../engine/imap/find/again';
import { accountName } from '../../engine/imap/session/login';
import { otherAccount } from '../../engine/source/other-account';
import { cancelSignal } from '../host/n8n/cancel';
import type { ImapType } from '../host/n8n/imap-credential';
import type { RunSettings } from '../host/run/run';
import { collection, parametersOfRun } from '../host/trigger/parameters';
import { runTelling } from '../host/trigger/settings';
import { readLogin } from './login';
import { itemSettings, mostReadBytes } from './settings';
import { imapShape } from './shape';

/** @throws NodeOperationError that names the setting */
export function runSettings(context: IExecuteFunctions): RunSettings {
  const type = context.getNodeParameter('authentication', 0) as ImapType;
  return {
    shape: imapShape(itemSettings(context)),
    mostReadBytes: mostReadBytes(context),
    telling: runTelling(collection(parametersOfRun(context), 'options')),
    rereader: async () => {
      const login = await readLogin(context, type);
      const signal = cancelSignal(context);
      const rereader = await ImapRereader.connect(login, signal);
      return {
        read: (claim, mostBytes) => {
          if (claim.account !== accountName(login))
            throw otherAccount(claim.account, accountName(login), login.credential);
          return rereader.read(claim, mostBytes);
        },
        end: () => rereader.end(),
      };
    },
  };
}
