import { useEffect } from 'react';
import { unsaved } from '../store/state.ts';
import { useStudio } from '../store/store.ts';

/** Has the browser ask before the page is left, while something runs or is nowhere but here. */
export function useLeaveWarning(): void {
  const needed = useStudio(unsaved);
  useEffect(() => {
    if (!needed) return;
    const onLeave = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', onLeave);
    return () => window.removeEventListener('beforeunload', onLeave);
  }, [needed]);
}
