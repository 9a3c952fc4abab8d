// The front page: each source with how it stands, what that means and what to do; what needs somebody stands first.
import type { JSX } from 'preact';
import type { SourcesAnswer, Standing } from '../../engine/console/api';
import { sources } from '../live/known';
import { Asking, Nothing, Wrong } from '../parts/held';
import { Icon } from '../parts/icons';
import { counted } from '../words/numbers';
import { Source } from './source';
import { byNeed, STANDINGS } from './standings';

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
            <ul class="sources">
              {byNeed(answer.sources).map((source) => (
                <Source key={source.id} source={source} />
              ))}
            </ul>
          )}
        </>
      )}
    </>
  );
}

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
    .map((standing) => `${standings[standing]} ${STANDINGS[standing].word.toLowerCase()}`)
    .join(' · ');
