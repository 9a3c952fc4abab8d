// Draws lines over time on a canvas, in the colours of the page: axes that can be read, and where the pointer is.
// Invariants: it is drawn anew whenever its width or the colours change, and whole; the y axis begins at nothing.
import { axisTime } from '../../words/time';

export interface Line {
  readonly name: string;
  /** One of the style's `--line-…`. */
  readonly color: 'first' | 'second' | 'third' | 'fourth';
  readonly values: readonly number[];
  /** What it says as a whole, where nobody points at a time. */
  readonly whole: string;
  readonly filled?: boolean;
}

export interface Plotted {
  readonly title: string;
  /** s since 1970, growing. */
  readonly times: readonly number[];
  readonly from: number;
  readonly until: number;
  readonly lines: readonly Line[];
  readonly word: (value: number) => string;
  /** Each value counts from its time to the next one. */
  readonly stepped: boolean;
}

const HEIGHT = 180;
const MARGIN = { top: 8, right: 12, bottom: 28, left: 56 } as const;
/** How far labels are apart at least, px. */
const APART = { x: 90, y: 32 } as const;
/** More points than these would be a smear. */
const MOST_POINTS = 200;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** What times are apart on an axis, s. */
const STEPS = [1, 5, 10, 15, 30]
  .map((minutes) => minutes * MINUTE)
  .concat([1, 2, 3, 6, 12, 24, 48].map((hours) => hours * HOUR));

export class Drawing {
  readonly #canvas = document.createElement('canvas');
  readonly #probe = document.createElement('i');
  readonly #plotted: Plotted;
  #pointed: number | null = null;

  /** @param point is told where the pointer is, as the place of a time; null: nowhere */
  constructor(place: HTMLElement, plotted: Plotted, point: (at: number | null) => void) {
    this.#plotted = plotted;
    this.#canvas.height = HEIGHT;
    place.append(this.#canvas, this.#probe);
    const pointed = (at: number | null): void => {
      if (at === this.#pointed) return;
      point((this.#pointed = at));
      this.draw();
    };
    this.#canvas.onpointermove = ({ offsetX }) => pointed(this.#nearest(offsetX));
    this.#canvas.onpointerleave = () => pointed(null);
  }

  remove(): void {
    this.#canvas.remove();
    this.#probe.remove();
  }

  draw(): void {
    const width = this.#width;
    const on = this.#canvas.getContext('2d');
    if (!on || width === 0) return;
    const ratio = devicePixelRatio;
    this.#canvas.width = width * ratio;
    this.#canvas.height = HEIGHT * ratio;
    on.scale(ratio, ratio);
    on.font = `12px ${getComputedStyle(this.#probe).fontFamily}`;
    this.#axes(on);
    for (const line of this.#plotted.lines) this.#line(on, line);
  }

  get #width(): number {
    return this.#canvas.parentElement?.clientWidth ?? 0;
  }

  get #most(): number {
    const all = this.#plotted.lines.map(({ values }) =>
      values.reduce((one, other) => Math.max(one, other), 0),
    );
    return Math.max(1e-3, Math.max(...all) * 1.1);
  }

  #x(time: number): number {
    const { from, until } = this.#plotted;
    const within = this.#width - MARGIN.left - MARGIN.right;
    return MARGIN.left + ((time - from) / (until - from)) * within;
  }

  #y(value: number): number {
    return HEIGHT - MARGIN.bottom - (value / this.#most) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  }

  #nearest(x: number): number | null {
    const { times, stepped } = this.#plotted;
    let nearest: number | null = null;
    let least = Infinity;
    for (const [at, time] of times.entries()) {
      const far = Math.abs(this.#x(time) - x);
      if (stepped ? this.#x(time) <= x : far < least) [nearest, least] = [at, far];
    }
    return nearest;
  }

  /** As the style says it just now: a canvas knows no `light-dark()`. */
  #ink(name: string): string {
    this.#probe.style.color = `var(--${name})`;
    return getComputedStyle(this.#probe).color;
  }

  #axes(on: CanvasRenderingContext2D): void {
    const { from, until, word, times } = this.#plotted;
    on.fillStyle = this.#ink('faint');
    on.strokeStyle = this.#ink('edge');
    const apart = stepOf(this.#most / ((HEIGHT - MARGIN.top - MARGIN.bottom) / APART.y));
    on.textAlign = 'right';
    for (let value = 0; value <= this.#most; value += apart) {
      ruled(on, MARGIN.left, this.#y(value), this.#width - MARGIN.right, this.#y(value));
      on.fillText(word(Number(value.toPrecision(6))), MARGIN.left - 8, this.#y(value) + 4);
    }
    const second = this.#x(from + 1) - this.#x(from);
    const step = STEPS.find((step) => step * second >= APART.x) ?? STEPS.at(-1)!;
    const zone = new Date(from * 1_000).getTimezoneOffset() * MINUTE;
    on.textAlign = 'center';
    for (let time = Math.ceil((from - zone) / step) * step + zone; time <= until; time += step) {
      ruled(on, this.#x(time), MARGIN.top, this.#x(time), HEIGHT - MARGIN.bottom);
      on.fillText(axisTime(time * 1_000, step), this.#x(time), HEIGHT - 8);
    }
    const pointed = this.#pointed === null ? undefined : times[this.#pointed];
    if (pointed === undefined) return;
    on.strokeStyle = this.#ink('faint');
    ruled(on, this.#x(pointed), MARGIN.top, this.#x(pointed), HEIGHT - MARGIN.bottom);
  }

  #line(on: CanvasRenderingContext2D, { color, values, filled = false }: Plotted['lines'][number]): void {
    const { times, until, stepped } = this.#plotted;
    const path = new Path2D();
    for (const [at, time] of times.entries()) {
      const y = this.#y(values[at] ?? 0);
      path.lineTo(this.#x(time), y);
      // The last step is as wide as the others.
      if (stepped) path.lineTo(this.#x(times[at + 1] ?? until), y);
    }
    on.strokeStyle = on.fillStyle = this.#ink(`line-${color}`);
    on.lineWidth = 1.5;
    on.stroke(path);
    const dots = stepped || times.length >= MOST_POINTS ? [] : [...times.keys()];
    for (const at of this.#pointed === null ? dots : [...dots, this.#pointed]) {
      on.beginPath();
      on.arc(this.#x(times[at]!), this.#y(values[at] ?? 0), at === this.#pointed ? 3.5 : 2, 0, 7);
      on.fill();
    }
    if (!filled || times.length === 0) return;
    path.lineTo(this.#x(until), this.#y(0));
    path.lineTo(this.#x(times[0]!), this.#y(0));
    on.fillStyle = this.#ink(`fill-${color}`);
    on.fill(path);
  }
}

function ruled(on: CanvasRenderingContext2D, x: number, y: number, toX: number, toY: number): void {
  on.lineWidth = 1;
  on.beginPath();
  on.moveTo(x, y);
  on.lineTo(toX, toY);
  on.stroke();
}

/** 1, 2 or 5 times a power of ten, and no less than that. */
function stepOf(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((times) => times * power >= least) ?? 10) * power;
}
