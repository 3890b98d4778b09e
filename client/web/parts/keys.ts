// Shortcuts of a page: keys that act wherever the focus is, except where a person types or chooses.
import { useEffect, useRef } from 'react';

/** Where a key means something else. */
const TYPING = 'input:not([type=checkbox]), textarea, [contenteditable], [role=listbox]';
const PRESSING = `${TYPING}, button, a, [role=option], [role=slider], [role=radio]`;

/**
 * Calls what belongs to a key, such as `ArrowLeft` or `3`, while the page is shown. Enter and Space
 * stay with a button or link that has the focus.
 */
export function useKeys(keys: Readonly<Record<string, () => void>>): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const act = latest.current[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      const presses = event.key === 'Enter' || event.key === ' ';
      if (event.target instanceof Element && event.target.closest(presses ? PRESSING : TYPING))
        return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}
