import { useEffect, useState } from 'react';
import { Button } from '../components/button.tsx';
import { readLocal, writeLocal } from '../store/local-values.ts';

type Theme = 'dark' | 'light';
const STORAGE_KEY = 'theme';

/** Light or dark, the system's choice until the person chooses. */
export function ThemeButton() {
  const [chosen, setChosen] = useState<Theme | null>(storedTheme);
  const system = useSystemTheme();
  const theme = chosen ?? system;
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
  }, [theme]);
  const toggle = (): void => {
    const next = theme === 'dark' ? 'light' : 'dark';
    writeLocal(STORAGE_KEY, next);
    setChosen(next);
  };
  return (
    <Button kind="icon" onPress={toggle} label={theme === 'dark' ? 'Light theme' : 'Dark theme'}>
      {theme === 'dark' ? '☀' : '☾'}
    </Button>
  );
}

function storedTheme(): Theme | null {
  const stored = readLocal(STORAGE_KEY);
  return stored === 'dark' || stored === 'light' ? stored : null;
}

function useSystemTheme(): Theme {
  const [query] = useState(() => window.matchMedia('(prefers-color-scheme: light)'));
  const [light, setLight] = useState(query.matches);
  useEffect(() => {
    const onChange = (): void => setLight(query.matches);
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, [query]);
  return light ? 'light' : 'dark';
}
