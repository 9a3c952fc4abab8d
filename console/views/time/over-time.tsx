// How it went over an hour, a day or a week: what came, how runs ended, and how long mails and runs took; of all, of one
// mailbox, or of one workflow.
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { SeriesAnswer } from '../../../engine/console/api';
import { ask, pathOf } from '../../api/ask';
import { Resource } from '../../api/resource';
import { sources, triggers } from '../../live/known';
import { onLive } from '../../live/live';
import { now } from '../../live/now';
import { Choice, known } from '../../parts/choice';
import { Asking, Wrong } from '../../parts/held';
import { sourceName, workflowName } from '../../parts/names';
import { go, route } from '../../route';
import { count, seconds } from '../../words/numbers';
import { type Line, Plot } from './plot';
import { RANGES, rangeOf, type RangeName, spreadsOf, sumsOf } from './ranges';
import { drawer, loadDrawer } from './uplot';

const PACE_MS = 5_000;
const LATEST_MS = 60_000;

export function OverTime(): JSX.Element {
  const { query } = route.value;
  const range = rangeOf(query['range']);
  const { source = '', workflow = '' } = query;
  const series = useMemo(() => seriesOf(range, source, workflow), [range, source, workflow]);
  useEffect(loadDrawer, []);
  useEffect(() => {
    void series.load();
    void triggers.load();
    const timer = setInterval(() => series.soon(LATEST_MS), LATEST_MS);
    const stop = onLive({
      event: ({ type }) => {
        if (range === 'hour' && type.startsWith('email.')) series.soon(PACE_MS);
      },
      anew: (hasHoles) => series.anew(hasHoles),
    });
    return () => {
      stop();
      clearInterval(timer);
      series.clear();
    };
  }, [series]);
  const error = series.error.value;
  const answer = series.data.value;
  return (
    <>
      <h1>Over time</h1>
      <Choices range={range} source={source} workflow={workflow} />
      {error !== null && <Wrong text={error} again={() => void series.load()} />}
      <Undrawn />
      {answer === null ? error === null && <Asking /> : <Plots {...answer} range={range} />}
    </>
  );
}

/** The numbers are below all the same. */
function Undrawn(): JSX.Element | null {
  const error = drawer.error.value;
  if (error === null) return null;
  return (
    <Wrong text={error} again={loadDrawer}>
      <button type="button" onClick={() => location.reload()}>
        Reload the page
      </button>
    </Wrong>
  );
}

interface Told {
  readonly sums: SeriesAnswer;
  readonly spreads: SeriesAnswer;
}

function seriesOf(range: RangeName, source: string, workflow: string): Resource<Told> {
  const { ms, step, spreadStep, gatheredMs } = RANGES[range];
  return new Resource((signal) => {
    const until = Math.ceil((now.peek() + 1) / gatheredMs) * gatheredMs;
    const times = { from: new Date(until - ms).toISOString(), until: new Date(until).toISOString() };
    const told = (step: string): Promise<SeriesAnswer> =>
      ask(pathOf('/api/series', { ...times, step, source, workflow }), signal);
    const sums = told(step);
    return Promise.all([sums, step === spreadStep ? sums : told(spreadStep)]).then(([sums, spreads]) => ({
      sums,
      spreads,
    }));
  });
}

interface Chosen {
  readonly range: RangeName;
  readonly source: string;
  readonly workflow: string;
}

function Choices({ range, source, workflow }: Chosen): JSX.Element {
  const choose = (change: Partial<Chosen>): void =>
    go({ view: 'time', query: { range, source, workflow, ...change } });
  return (
    <section class="filter" aria-label="What is looked at">
      <div class="fields">
        <div class="chips" role="group" aria-label="How long">
          {(Object.keys(RANGES) as RangeName[]).map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={name === range}
              onClick={() => choose({ range: name })}
            >
              {RANGES[name].word}
            </button>
          ))}
        </div>
        <Choice
          label="Mailbox"
          view="Sources"
          value={source}
          ids={known(
            sources.data.value?.sources.map(({ id }) => String(id)),
            source,
          )}
          name={sourceName}
          choose={(source) => choose({ source })}
        />
        <Choice
          label="Workflow"
          view="Workflows"
          value={workflow}
          ids={known(
            triggers.data.value?.triggers.map(({ workflowId }) => workflowId),
            workflow,
          )}
          name={workflowName}
          choose={(workflow) => choose({ workflow })}
        />
      </div>
    </section>
  );
}

function Plots({ sums, spreads, range }: Told & { range: RangeName }): JSX.Element {
  const { gatheredMs, per } = RANGES[range];
  const whole = { from: Date.parse(sums.from) / 1_000, until: Date.parse(sums.until) / 1_000 };
  const mails = useMemo(() => {
    const { times, waiting, ...all } = sumsOf(sums, gatheredMs);
    const now = `${count(waiting.at(-1) ?? 0)} at the end`;
    const open: Line = {
      name: 'waiting or running',
      color: 'first',
      values: waiting,
      filled: true,
      whole: now,
    };
    return { times, lines: linesOf(all), open: [open] };
  }, [sums, gatheredMs]);
  const { times } = mails;
  return (
    <div class="plots">
      <Plot
        title={`Mails per ${per}`}
        times={times}
        lines={mails.lines}
        {...whole}
        word={wholeNumber}
        stepped
      />
      <Plot title="Waiting" times={times} lines={mails.open} {...whole} word={wholeNumber} stepped />
      <Spread title="From arrival to run" answer={spreads} name="untilRun" {...whole} />
      <Spread title="From run to end" answer={spreads} name="untilEnd" {...whole} />
    </div>
  );
}

const wholeNumber = (value: number): string => (Number.isInteger(value) ? count(value) : '');

const linesOf = (sums: Omit<ReturnType<typeof sumsOf>, 'times' | 'waiting'>): readonly Line[] => {
  const line = (name: string, color: Line['color'], values: readonly number[], filled = false): Line => ({
    name,
    color,
    values,
    filled,
    whole: count(values.reduce((sum, value) => sum + value, 0)),
  });
  return [
    line('recorded', 'first', sums.recorded, true),
    line('done', 'second', sums.done),
    line('failed runs', 'third', sums.failed),
    line('dead', 'fourth', sums.dead),
  ];
};

interface Spreading {
  readonly title: string;
  readonly answer: SeriesAnswer;
  readonly name: 'untilRun' | 'untilEnd';
  readonly from: number;
  readonly until: number;
}

function Spread({ title, answer, name, from, until }: Spreading): JSX.Element {
  const { times, lines } = useMemo(() => {
    const { times, p50, p95 } = spreadsOf(answer, name);
    const most = (values: readonly number[]): string =>
      values.length > 0 ? `at most ${seconds(Math.max(...values))}` : 'none';
    const lines: readonly Line[] = [
      { name: 'half within (p50)', color: 'first', values: p50, whole: most(p50) },
      { name: '95 % within (p95)', color: 'third', values: p95, whole: most(p95) },
    ];
    return { times, lines };
  }, [answer, name]);
  return (
    <Plot
      title={title}
      times={times}
      lines={lines}
      from={from}
      until={until}
      word={seconds}
      stepped={false}
    />
  );
}
