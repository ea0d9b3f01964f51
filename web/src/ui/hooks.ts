// Small helpers around the browser.
import { useMediaQuery } from '@mantine/hooks';
import { type RefCallback, type RefObject, useCallback, useEffect, useState, useSyncExternalStore } from 'react';

/** True below the width at which tables become cards and the sidebar a drawer. */
export function useNarrow(): boolean {
  return useMediaQuery('(max-width: 56em)', matchMedia('(max-width: 56em)').matches, {
    getInitialValueInEffect: false,
  });
}

/** The width of an element, known before it is painted for the first time. */
export function useWidth(): readonly [RefCallback<HTMLElement>, number] {
  const [width, setWidth] = useState(0);
  const ref = useCallback((element: HTMLElement | null) => {
    if (!element) return undefined;
    const measure = () => setWidth(element.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

/** Whether an element is on the screen. */
export function useInView(element: RefObject<HTMLElement | null>): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (!element.current) return undefined;
    const observer = new IntersectionObserver(([entry]) => setSeen(entry?.isIntersecting ?? false));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return seen;
}

const ticks = new Set<() => void>();
let clock: ReturnType<typeof setInterval> | undefined;

/** One clock for everything that counts seconds. */
function subscribeSeconds(handler: () => void): () => void {
  ticks.add(handler);
  clock ??= setInterval(() => ticks.forEach((tick) => tick()), 1_000);
  return () => {
    ticks.delete(handler);
    if (ticks.size > 0) return;
    clearInterval(clock);
    clock = undefined;
  };
}

const still = (): (() => void) => () => undefined;

/** Seconds until a time in milliseconds since the epoch, counting down; undefined without one. */
export function useCountdown(until: number | undefined): number | undefined {
  return useSyncExternalStore(until === undefined ? still : subscribeSeconds, () =>
    until === undefined ? undefined : Math.max(0, Math.ceil((until - Date.now()) / 1_000)),
  );
}

/**
 * What a switch shows: the value that was asked for until the answer is here, else the actual one. Without it a switch
 * would jump back under the finger. Returns [shown, ask, answered].
 */
export function useAsked<T>(actual: T): readonly [T, (value: T) => void, () => void] {
  const [asked, setAsked] = useState<{ value: T }>();
  return [asked ? asked.value : actual, (value) => setAsked({ value }), () => setAsked(undefined)];
}

/** The same for what follows by itself, as the address does: shows the value that was asked for until the actual one changes. */
export function useAhead<T>(actual: T): readonly [T, (value: T) => void] {
  const [asked, setAsked] = useState<{ value: T; before: T }>();
  if (asked && asked.before !== actual) setAsked(undefined);
  return [
    asked && asked.before === actual ? asked.value : actual,
    (value) => setAsked(value === actual ? undefined : { value, before: actual }),
  ];
}
