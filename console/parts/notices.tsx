// What came of what was asked for, at the edge of the page: it is read out, and goes by itself unless it went wrong.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { Unanswered } from '../api/request';
import { Icon } from './icons';

interface Notice {
  readonly id: number;
  readonly text: string;
  readonly isWrong: boolean;
}

const MOST = 4;
const STAYS_MS = 8_000;

const notices = signal<readonly Notice[]>([]);
let ids = 0;

export function tell(text: string, isWrong = false): void {
  const notice = { id: ++ids, text, isWrong };
  notices.value = [...notices.value, notice].slice(-MOST);
  if (!isWrong) setTimeout(() => drop(notice.id), STAYS_MS);
}

/** @returns null: it failed, and that was told */
export async function orTell<Answer>(work: Promise<Answer>): Promise<Answer | null> {
  try {
    return await work;
  } catch (error) {
    // Where the session ended the sign-in says so.
    if (!(error instanceof Unanswered && error.status === 401))
      tell(error instanceof Error ? error.message : String(error), true);
    return null;
  }
}

function drop(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

export function Notices(): JSX.Element {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, isWrong }) => (
        <p key={id} class={`notice ${isWrong ? 'is-bad' : 'is-good'}`}>
          <Icon name={isWrong ? 'bad' : 'good'} />
          <span>{text}</span>
          <button type="button" class="bare" aria-label="Close this notice" onClick={() => drop(id)}>
            <Icon name="close" />
          </button>
        </p>
      ))}
    </div>
  );
}
