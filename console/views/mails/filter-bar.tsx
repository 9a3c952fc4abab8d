// Where people say which mails they want to see. What they say goes into the address, and the list follows the address.
// Invariant: a field shows what the address says; what is typed counts when it is finished (Enter, or leaving the field).
import type { JSX } from 'preact';
import type { MailQuery } from '../../../engine/console/api';
import { sources, triggers } from '../../live/known';
import { Choice, known } from '../../parts/choice';
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
  const chosen = statesOf(filter.state);
  return (
    <div class="chips" role="group" aria-label="State">
      <button type="button" aria-pressed={chosen.length === 0} onClick={() => setFilter({ state: '' })}>
        All
      </button>
      {ALL_STATES.map((state) => {
        const isChosen = chosen.includes(state);
        const others = isChosen ? chosen.filter((one) => one !== state) : [...chosen, state];
        return (
          <button
            key={state}
            type="button"
            aria-pressed={isChosen}
            title={STATES[state].means}
            onClick={() => setFilter({ state: others.join(',') })}
          >
            {STATES[state].word}
          </button>
        );
      })}
    </div>
  );
}

interface Typing {
  readonly label: string;
  readonly value: string | undefined;
  readonly type: 'text' | 'search' | 'number' | 'datetime-local';
  readonly set: (value: string) => void;
}

function Field({ label, value = '', type, set }: Typing): JSX.Element {
  return (
    <label>
      <span>{label}</span>
      <input
        type={inputType(type)}
        value={value}
        onChange={({ currentTarget }) => set(currentTarget.value.trim())}
      />
    </label>
  );
}

/** preact's types tell each kind of field apart, and none that may be of several. */
const inputType = (type: Typing['type']): 'text' => type as 'text';
