// Where people say which mails they want to see. What they say goes into the address, and the list follows the address.
// Invariant: a field shows what the address says; what is typed counts when it is finished (Enter, or leaving the field).
import type { JSX } from 'preact';
import type { MailQuery } from '../../../engine/console/api';
import { sources, triggers } from '../../live/known';
import { Choice, known } from '../../parts/choice';
import { Field, StateChips } from '../../parts/fields';
import { Icon } from '../../parts/icons';
import { sourceName, workflowName } from '../../parts/names';
import { go } from '../../route';
import { fieldTime } from '../../words/time';
import { ALL_STATES, STATES } from '../../words/states';
import { annotationOf, annotationValue, inWords, setFilter, statesOf } from './filter';

const ANNOTATION = ['Annotated by', 'Category', 'Priority'] as const;

export function FilterBar({ filter }: { filter: MailQuery }): JSX.Element {
  const annotation = annotationOf(filter.annotation);
  const isMore = Boolean(filter.failures ?? filter.annotation ?? filter.since ?? filter.until);
  return (
    <section class="filter" aria-label="Filter">
      <States filter={filter} />
      <div class="fields">
        <Choice
          label="Workflow"
          view="Workflows"
          value={filter.workflow}
          ids={known(
            triggers.data.value?.triggers.map(({ workflowId }) => workflowId),
            filter.workflow,
          )}
          name={workflowName}
          choose={(workflow) => setFilter({ workflow })}
        />
        <Choice
          label="Mailbox"
          view="Sources"
          value={filter.source}
          ids={known(
            sources.data.value?.sources.map(({ id }) => String(id)),
            filter.source,
          )}
          name={sourceName}
          choose={(source) => setFilter({ source })}
        />
        <Field label="Sender" value={filter.sender} type="search" set={(sender) => setFilter({ sender })} />
        <Field
          label="Subject"
          value={filter.subject}
          type="search"
          set={(subject) => setFilter({ subject })}
        />
        {inWords(filter).length > 0 && (
          <button type="button" class="bare" onClick={() => go({ view: 'mails' })}>
            <Icon name="close" /> Clear the filter
          </button>
        )}
      </div>
      <details open={isMore}>
        <summary>More</summary>
        <div class="fields">
          <Field
            label="Failed at least (times)"
            value={filter.failures}
            type="number"
            set={(failures) => setFilter({ failures })}
          />
          {ANNOTATION.map((label, at) => (
            <Field
              key={label}
              label={label}
              value={annotation[at]}
              type="text"
              set={(value) => setFilter({ annotation: annotationValue(annotation.with(at, value)) })}
            />
          ))}
          {(['since', 'until'] as const).map((name) => (
            <Field
              key={name}
              label={name === 'since' ? 'Recorded since' : 'Recorded before'}
              value={fieldTime(filter[name] ?? '')}
              type="datetime-local"
              set={(local) => setFilter({ [name]: local && new Date(local).toISOString() })}
            />
          ))}
        </div>
      </details>
    </section>
  );
}

function States({ filter }: { filter: MailQuery }): JSX.Element {
  return (
    <StateChips
      states={ALL_STATES.map((state) => [state, STATES[state]])}
      chosen={statesOf(filter.state)}
      choose={(states) => setFilter({ state: states.join(',') })}
    />
  );
}
