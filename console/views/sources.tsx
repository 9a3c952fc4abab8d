// The front page: each source with how it stands, what that means and what to do; what needs somebody stands first.
// Invariant: however many there are, so many are drawn as somebody asked to see: thousands at once would hold up the browser.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { SourcesAnswer, SourceTold, Standing } from '../../engine/console/api';
import { sources } from '../live/known';
import { Asking, Nothing, Wrong } from '../parts/held';
import { Icon } from '../parts/icons';
import { More, PIECE } from '../parts/more';
import { count, counted } from '../words/numbers';
import { Source } from './source';
import { byNeed, STANDINGS } from './standings';

/** More than these are looked for by their names. */
const FEW = 20;

export function Sources(): JSX.Element {
  const answer = sources.data.value;
  const error = sources.error.value;
  return (
    <>
      <h1>Sources</h1>
      {error !== null && <Wrong text={error} again={() => void sources.load()} />}
      {answer === null ? (
        error === null && <Asking />
      ) : (
        <>
          <Whole answer={answer} />
          {answer.sources.length === 0 ? (
            <Nothing>
              No mailbox is watched yet. Publish a workflow that begins with Durable IMAP Trigger or Durable
              Gmail Trigger.
            </Nothing>
          ) : (
            <Listed sources={answer.sources} />
          )}
        </>
      )}
    </>
  );
}

function Listed({ sources }: { sources: readonly SourceTold[] }): JSX.Element {
  const wanted = useSignal('');
  const most = useSignal(PIECE);
  const sorted = useMemo(() => byNeed(sources), [sources]);
  const found = sorted.filter(({ account, mailbox }) => isNamed(`${account} ${mailbox}`, wanted.value));
  const find = (text: string): void => {
    wanted.value = text.trim();
    most.value = PIECE;
  };
  return (
    <>
      {sources.length > FEW && (
        <label class="find">
          <span>Find a mailbox</span>
          <input type="search" onInput={({ currentTarget }) => find(currentTarget.value)} />
          <span class="faint" role="status">
            {wanted.value !== '' && `${counted(found.length, 'source')} found`}
          </span>
        </label>
      )}
      <ul class="sources">
        {found.slice(0, most.value).map((source) => (
          <Source key={source.id} source={source} />
        ))}
      </ul>
      <More left={found.length - most.value} show={() => (most.value += PIECE)} />
      {found.length === 0 && <Nothing>No source has this in its name.</Nothing>}
    </>
  );
}

const isNamed = (name: string, part: string): boolean => name.toLowerCase().includes(part.toLowerCase());

/** One sentence for all of them: whether somebody is needed. */
function Whole({ answer }: { answer: SourcesAnswer }): JSX.Element | null {
  const of = (standing: Standing): number => answer.standings[standing] ?? 0;
  const all = answer.sources.length;
  if (all === 0) return null;
  const standing = of('broken') > 0 ? 'broken' : of('troubled') > 0 ? 'troubled' : 'well';
  const { tone, icon } = STANDINGS[standing];
  const many = of(standing);
  const said =
    standing === 'broken'
      ? `${counted(many, 'source is', 'sources are')} broken: no mail comes from there.`
      : standing === 'troubled'
        ? `${counted(many, 'source has', 'sources have')} trouble, and ${many === 1 ? 'is' : 'are'} tried again.`
        : all === of('off')
          ? 'No trigger listens.'
          : 'All that is listened to is read. Nothing is broken.';
  return (
    <p class={`whole is-${tone}`} role="status">
      <Icon name={icon} />
      <strong>{said}</strong>
      <span class="faint">{summary(answer)}</span>
    </p>
  );
}

const summary = ({ standings }: SourcesAnswer): string =>
  (Object.keys(STANDINGS) as Standing[])
    .filter((standing) => standings[standing])
    .map((standing) => `${count(standings[standing] ?? 0)} ${STANDINGS[standing].word.toLowerCase()}`)
    .join(' · ');
