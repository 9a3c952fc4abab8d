// uPlot, which draws: with it the page would be larger than people are promised, so it is asked for when it is needed first,
// along with what is drawn.
// Invariants: it runs under the page's policy, which knows it by its digest; it comes from where all else is asked for, as who
// is logged in; what fails is told in words, and all else of the view is there all the same.
import type uPlot from 'uplot';
import type { PlotsAnswer } from '../../../engine/console/api';
import { ask, pathOf } from '../../api/ask';
import { Unanswered } from '../../api/request';
import { Resource } from '../../api/resource';
import { settings } from '../../api/settings';

export type UPlot = typeof uPlot;

const resource = new Resource<UPlot>(async (signal) => {
  const path = pathOf('/api/plots', { digest: settings.plots });
  return run((await ask<PlotsAnswer>(path, signal)).script);
});

export const drawer = { uPlot: resource.data, error: resource.error };

/** Once: it is kept as long as the page is. */
export function loadDrawer(): void {
  if (resource.data.peek() === null && !resource.isAsked.peek()) void resource.load();
}

/** @throws Unanswered: the policy knows another one */
function run(script: string): UPlot {
  const element = document.createElement('script');
  element.textContent = script;
  document.head.append(element);
  element.remove();
  const { uPlot } = globalThis as { uPlot?: UPlot };
  if (uPlot) return uPlot;
  throw new Unanswered(0, 'What draws the plots did not arrive as this page knows it. Reload the page.');
}
