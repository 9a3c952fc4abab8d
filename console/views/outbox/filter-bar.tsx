// Where people say what of the outbox they want to see. What they say goes into the address, and the list follows the address.
import type { OutboxQuery } from '../../../engine/console/api';
import type { JSX } from 'preact';
import { me } from '../../api/session';
import { outboxCounts, triggers } from '../../live/known';
import { Choice, known } from '../../parts/choice';
import { Field, StateChips } from '../../parts/fields';
import { Icon } from '../../parts/icons';
import { workflowName } from '../../parts/names';
import { go } from '../../route';
import { ALL_ENTRY_STATES, countsByState, ENTRY_STATES } from '../../words/entries';
import { fieldTime } from '../../words/time';
import { entriesInWords, entryStatesOf, setEntryFilter } from './filter';

const KINDS: Readonly<Record<string, string>> = { mail: 'Mails', webhook: 'Webhooks' };

export function FilterBar({ filter }: { filter: OutboxQuery }): JSX.Element {
  const counts = outboxCounts.data.value;
  const text = (label: string, name: 'recipient' | 'subject'): JSX.Element => (
    <Field
      label={label}
      value={filter[name]}
      type="search"
      set={(value) => setEntryFilter({ [name]: value })}
    />
  );
  const time = (label: string, name: 'since' | 'until'): JSX.Element => (
    <Field
      label={label}
      value={fieldTime(filter[name] ?? '')}
      type="datetime-local"
      set={(local) => setEntryFilter({ [name]: local && new Date(local).toISOString() })}
    />
  );
  return (
    <section class="filter" aria-label="Filter">
      <StateChips
        states={ALL_ENTRY_STATES.map((state) => [state, ENTRY_STATES[state]])}
        chosen={entryStatesOf(filter.state)}
        choose={(states) => setEntryFilter({ state: states.join(',') })}
        {...(counts && { counts: countsByState(counts) })}
      />
      <div class="fields">
        <Choice
          label="Kind"
          view="Outbox"
          value={filter.kind}
          ids={known(Object.keys(KINDS), filter.kind)}
          name={(kind) => KINDS[kind] ?? kind}
          choose={(kind) => setEntryFilter({ kind })}
        />
        <Choice
          label="Workflow"
          view="Workflows"
          value={filter.workflow}
          ids={known(
            triggers.data.value?.triggers.map(({ workflowId }) => workflowId),
            filter.workflow,
          )}
          name={workflowName}
          choose={(workflow) => setEntryFilter({ workflow })}
        />
        {me.value?.showMail !== false && (
          <>
            {text('Recipient', 'recipient')}
            {text('Subject', 'subject')}
          </>
        )}
        {time('Queued since', 'since')}
        {time('Queued before', 'until')}
        {entriesInWords(filter).length > 0 && (
          <button type="button" class="bare" onClick={() => go({ view: 'outbox' })}>
            <Icon name="close" /> Clear the filter
          </button>
        )}
      </div>
    </section>
  );
}
