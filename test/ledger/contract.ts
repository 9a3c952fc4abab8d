// The contract that every ledger adapter keeps. An adapter's test opens it on a real database and runs this.
import { describe } from 'node:test';
import { annotationsContract } from './contract/annotations';
import { changesContract } from './contract/changes';
import { claimContract } from './contract/claim';
import { clockContract } from './contract/clock';
import { concurrencyContract } from './contract/concurrency';
import { constraintsContract } from './contract/constraints';
import { Fixture } from './contract/fixture';
import type { OpenLedger } from './contract/harness';
import { holdsContract } from './contract/holds';
import { inspectionContract } from './contract/inspection';
import { lifeContract } from './contract/life';
import { errandsContract } from './contract/errands';
import { livesContract } from './contract/lives';
import { offerContract } from './contract/offer';
import { onceAnswersContract } from './contract/once-answers';
import { onceKeysContract } from './contract/once-keys';
import { overTimeContract } from './contract/over-time';
import { ownershipContract } from './contract/ownership';
import { readingsContract } from './contract/readings';
import { recordContract } from './contract/record';
import { runEndsContract } from './contract/run-ends';
import { scansContract } from './contract/scans';
import { servingContract } from './contract/serving';
import { settleContract } from './contract/settle';
import { sweepContract } from './contract/sweep';
import { unreadContract } from './contract/unread';

export function ledgerContract(name: string, open: OpenLedger): void {
  describe(`the ledger on ${name}`, () => {
    const fixture = new Fixture(open);
    recordContract(fixture);
    holdsContract(fixture);
    unreadContract(fixture);
    offerContract(fixture);
    claimContract(fixture);
    clockContract(fixture);
    settleContract(fixture);
    runEndsContract(fixture);
    errandsContract(fixture);
    onceKeysContract(fixture);
    onceAnswersContract(fixture);
    inspectionContract(fixture);
    annotationsContract(fixture);
    livesContract(fixture);
    overTimeContract(fixture);
    changesContract(fixture);
    sweepContract(fixture);
    servingContract(fixture);
    readingsContract(fixture);
    ownershipContract(fixture);
    constraintsContract(fixture);
    concurrencyContract(fixture);
    scansContract(fixture);
    lifeContract(fixture);
  });
}
