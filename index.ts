// n8n finds the nodes through package.json; this is for whoever requires the package itself.
export { DurableGmailTrigger } from './nodes/DurableGmailTrigger/DurableGmailTrigger.node';
export { DurableImapTrigger } from './nodes/DurableImapTrigger/DurableImapTrigger.node';
