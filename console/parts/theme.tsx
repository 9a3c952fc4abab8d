// Light or dark: as the reader's system says, or as they say here.
// Invariant: what they said is kept where the page has storage, and holds until they leave where it has none.
import { computed, effect, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { settings } from '../api/settings';
import { Icon } from './icons';

const KEPT = 'mail-console-theme';
const THEMES = { system: 'System', light: 'Light', dark: 'Dark' } as const;

type Theme = keyof typeof THEMES;

const isTheme = (name: string | null): name is Theme => name !== null && name in THEMES;

const system = matchMedia('(prefers-color-scheme: dark)');
const isSystemDark = signal(system.matches);
system.addEventListener('change', ({ matches }) => (isSystemDark.value = matches));

const theme = signal<Theme>(kept());

export const isDark = computed(() =>
  theme.value === 'system' ? isSystemDark.value : theme.value === 'dark',
);

export function startTheme(): void {
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
  });
}

export function ThemeChoice(): JSX.Element {
  return (
    <label class="theme" title="Light or dark">
      <Icon name="theme" />
      <span class="unseen">Colours</span>
      <select value={theme.value} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        {Object.entries(THEMES).map(([name, word]) => (
          <option key={name} value={name} selected={name === theme.value}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
}

function choose(name: string): void {
  if (!isTheme(name)) return;
  theme.value = name;
  if (!settings.hasStorage) return;
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // The reader forbids it.
  }
}

function kept(): Theme {
  if (!settings.hasStorage) return 'system';
  try {
    const name = localStorage.getItem(KEPT);
    return isTheme(name) ? name : 'system';
  } catch {
    return 'system';
  }
}
