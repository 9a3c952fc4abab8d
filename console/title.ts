// The page's title says what a person has to know who looks at another tab.
import { effect } from '@preact/signals';
import { link } from './live/live';
import { sources } from './live/known';

const NAME = 'Mail Console';

export function startTitle(): void {
  effect(() => {
    const broken = sources.data.value?.standings.broken ?? 0;
    const parts = [
      ...(broken > 0 ? [`${broken} broken`] : []),
      ...(link.value.mode === 'lost' ? ['not connected'] : []),
    ];
    document.title = parts.length > 0 ? `(${parts.join(', ')}) ${NAME}` : NAME;
  });
}
