// What may be done with what was picked, or with all that the filter finds.
// Invariant: who may only look is not shown what they may not do.
import type { JSX } from 'preact';
import type { Acting, Chosen } from './acting';

interface Shown<Action extends string, Filter extends object> {
  readonly acting: Acting<Action, Filter>;
  readonly filter: Filter;
  /** The ids of what is shown. */
  readonly shown: readonly string[];
  readonly chosenAs: (action: Action, ids: readonly string[]) => Chosen<Filter>;
}

export function ActsBar<Action extends string, Filter extends object>({
  acting,
  filter,
  shown,
  chosenAs,
}: Shown<Action, Filter>): JSX.Element {
  const { selection, acts } = acting.on;
  const picked = selection.picked.value;
  const isAll = selection.isAll.value;
  const isEvery = shown.length > 0 && shown.every((id) => picked.has(id));
  const isNone = picked.size === 0 && !isAll;
  return (
    <div class={`acts ${isNone ? '' : 'is-on'}`} role="group" aria-label="Acts">
      <label class="tick">
        <input
          type="checkbox"
          checked={isEvery || isAll}
          indeterminate={!isEvery && picked.size > 0}
          onChange={({ currentTarget }) =>
            currentTarget.checked ? selection.pick(shown, true) : selection.pickNothing()
          }
        />
        <span class="unseen">Select all that is shown</span>
      </label>
      <span class="chosen" role="status">
        {isAll
          ? 'All that the filter finds'
          : isNone
            ? 'None selected'
            : `${acting.counted(picked.size)} selected`}
      </span>
      {!isAll && (
        <button type="button" class="bare" onClick={() => selection.pickAll()}>
          Select all that the filter finds
        </button>
      )}
      {!isNone && (
        <button type="button" class="bare" onClick={() => selection.pickNothing()}>
          Clear
        </button>
      )}
      <span class="push" />
      {acting.names.map((action) => (
        <button
          key={action}
          type="button"
          class={acts[action].isDanger ? 'danger' : ''}
          title={acts[action].means}
          disabled={isNone}
          onClick={() => acting.askFirst(action, isAll ? { filter } : chosenAs(action, [...picked]))}
        >
          {acts[action].label}
        </button>
      ))}
    </div>
  );
}
