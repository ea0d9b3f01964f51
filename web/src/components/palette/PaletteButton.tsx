// What opens the palette: a button in the top bar, and Ctrl+K (or Command+K) from everywhere.
import { IconSearch } from '@tabler/icons-react';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useT } from '../../i18n/i18n';
import { UnstyledButton } from '../../ui/layout';
import classes from './PaletteButton.module.css';

const load = () => import('./Palette');
const Palette = lazy(load);

const APPLE = /mac|iphone|ipad/i.test(navigator.userAgent);

export function PaletteButton() {
  const t = useT();
  const [opened, setOpened] = useState(false);
  // Stays once it is there, so that closing has its fade.
  const [wanted, setWanted] = useState(false);
  const open = () => {
    setWanted(true);
    setOpened(true);
  };
  useEffect(() => {
    // While nobody waits: whoever presses the keys types on at once.
    const idle = setTimeout(() => void load(), 1_000);
    return () => clearTimeout(idle);
  }, []);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey)
        return;
      event.preventDefault();
      setWanted(true);
      setOpened((old) => !old);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  return (
    <>
      <UnstyledButton
        className={classes['button']}
        aria-label={t('palette.open')}
        aria-keyshortcuts="Control+K Meta+K"
        onClick={open}
      >
        <IconSearch size={15} aria-hidden />
        <span className={classes['words']}>{t('palette.button')}</span>
        <kbd className={classes['keys']}>{APPLE ? '⌘K' : 'Ctrl K'}</kbd>
      </UnstyledButton>
      {wanted && (
        <Suspense fallback={null}>
          <Palette opened={opened} onClose={() => setOpened(false)} />
        </Suspense>
      )}
    </>
  );
}
