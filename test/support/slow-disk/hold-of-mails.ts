// `hold-of-mails <own|here> <file> <mails>`: prints how long the ledger held the event loop while mails went their way, ms.
import { holdOfMails, type Where } from './ledger-holds';

const [, , where, file, mails] = process.argv;
holdOfMails(where as Where, file!, Number(mails)).then(
  (ms) => console.log(JSON.stringify(ms)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
