// What may be done with what was picked, or with all that the filter finds.
// Invariant: who may only look is not shown what they may not do.
import type { JSX } from 'preact';
import type { MailQuery } from '../../../engine/console/api';
import { counted } from '../../words/numbers';
import { ACT_NAMES, ACTS } from '../../words/states';
import { askFirst, chosenAs } from './acting';
import { rows } from './list';
import { isAll, pick, picked, pickAll, pickNothing } from './selection';

export function ActsBar({ filter }: { filter: MailQuery }): JSX.Element {
  const shown = rows.value.map(({ id }) => id);
  const isEvery = shown.length > 0 && shown.every((id) => picked.value.has(id));
  const isNone = picked.value.size === 0 && !isAll.value;
  return (
    <div class={`acts ${isNone ? '' : 'is-on'}`} role="group" aria-label="Acts">
      <label class="tick">
        <input
          type="checkbox"
          checked={isEvery || isAll.value}
          indeterminate={!isEvery && picked.value.size > 0}
          onChange={({ currentTarget }) => (currentTarget.checked ? pick(shown, true) : pickNothing())}
        />
        <span class="unseen">Select all that is shown</span>
      </label>
      <span class="chosen" role="status">
        {isAll.value
          ? 'All that the filter finds'
          : isNone
            ? 'None selected'
            : `${counted(picked.value.size, 'mail')} selected`}
      </span>
      {!isAll.value && (
        <button type="button" class="bare" onClick={pickAll}>
          Select all that the filter finds
        </button>
      )}
      {!isNone && (
        <button type="button" class="bare" onClick={pickNothing}>
          Clear
        </button>
      )}
      <span class="push" />
      {ACT_NAMES.map((action) => (
        <button
          key={action}
          type="button"
          class={action === 'forget' ? 'danger' : ''}
          title={ACTS[action].means}
          disabled={isNone}
          onClick={() =>
            askFirst(action, isAll.value ? { filter } : chosenAs(action, [...picked.value], rows.value))
          }
        >
          {ACTS[action].label}
        </button>
      ))}
    </div>
  );
}
