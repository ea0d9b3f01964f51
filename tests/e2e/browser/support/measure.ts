// What the speed of the page is measured with: a probe inside the page, the browser's own trace, and what the processes
// took meanwhile.
import { readFileSync } from 'node:fs';
import type { Browser, Page } from '@playwright/test';

/** What happened while somebody scrolled. */
export interface Looked {
  /** Frames that the page itself made; between them the browser moves what there is. */
  frames: number;
  /** Frames in which a row in view was still empty. */
  waiting: number;
  /** Frames in which a part of the view had no row at all. */
  bare: number;
  /** Milliseconds of each task that held the page up for more than 50. */
  long: number[];
  /** Messages of the daemon, and their size. */
  messages: number;
  kilobytes: number;
  pixels: number;
}

/** Times are milliseconds since the navigation began. */
interface Probe {
  /** Resolves when the table has rows, all of them filled, and a frame with them has been made. */
  rows: (count?: number) => Promise<number>;
  /** Resolves like `rows`, for the first list of another length than this. */
  otherRows: (count: number) => Promise<number>;
  /** Time of the latest change of the text in a box. */
  typed: number;
  /** From the first scrolling on, for so many milliseconds; the trace has marks `begin` and `end` then. */
  look: (duration: number) => Promise<Looked>;
}

declare global {
  interface Window {
    probe: Probe;
  }
}

/** Runs in the page, before its own scripts. */
function install(): void {
  let messages = 0;
  let characters = 0;
  const { WebSocket: Original } = window;
  window.WebSocket = class extends Original {
    constructor(url: string | URL) {
      super(url);
      this.addEventListener('message', ({ data }: MessageEvent) => {
        messages += 1;
        characters += String(data).length;
      });
    }
  };
  const long: number[] = [];
  const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((task) => task.duration)));
  observer.observe({ type: 'longtask' });

  const body = () => [...document.querySelectorAll<HTMLElement>('[role=row][data-body]')];
  const total = () => Number(document.querySelector('[role=table]')?.getAttribute('aria-rowcount') ?? 0) - 1;
  /** A message is handled after the frame that is made now. */
  const afterFrame = (done: (time: number) => void) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.addEventListener('message', () => done(performance.now()));
      port1.start();
      port2.postMessage(null);
    });
  const until = (wanted: () => boolean) =>
    new Promise<number>((done) => {
      const ready = () => wanted() && body().length > 0 && body().every((row) => row.ariaBusy === null);
      const changes = new MutationObserver(() => {
        if (!ready()) return;
        changes.disconnect();
        afterFrame(done);
      });
      if (ready()) afterFrame(done);
      else changes.observe(document, { subtree: true, childList: true, attributes: true });
    });

  const look = (seen: Looked, table: Element) => {
    seen.frames += 1;
    const { top, bottom } = table.getBoundingClientRect();
    const inView = body()
      .map((row) => ({ row, box: row.getBoundingClientRect() }))
      .filter(({ box }) => box.bottom > top && box.top < bottom);
    if (inView.some(({ row }) => row.ariaBusy === 'true')) seen.waiting += 1;
    const filled = inView.reduce((sum, { box }) => sum + Math.min(box.bottom, bottom) - Math.max(box.top, top), 0);
    // The list stands at its end, or its header covers the first row.
    if (inView.length > 0 && filled < bottom - top - 42) seen.bare += 1;
  };

  window.probe = {
    typed: 0,
    rows: (count) => until(() => total() > 0 && (count === undefined || total() === count)),
    otherRows: (count) => until(() => total() > 0 && total() !== count),
    look: (duration) =>
      new Promise((done) => {
        const begin = ({ target }: Event) => {
          performance.mark('begin');
          const seen: Looked = { frames: 0, waiting: 0, bare: 0, long: [], messages, kilobytes: characters, pixels: 0 };
          const table = target as Element;
          const from = table.scrollTop;
          const end = performance.now() + duration;
          long.length = 0;
          const each = (now: number) => {
            if (now < end) {
              look(seen, table);
              requestAnimationFrame(each);
              return;
            }
            performance.mark('end');
            seen.long = [...long];
            seen.messages = messages - seen.messages;
            seen.kilobytes = Math.round((characters - seen.kilobytes) / 1_000);
            seen.pixels = table.scrollTop - from;
            done(seen);
          };
          requestAnimationFrame(each);
        };
        document.addEventListener('scroll', begin, { capture: true, once: true });
      }),
  };
  document.addEventListener('input', (event) => (window.probe.typed = event.timeStamp), true);
}

/** Every page of the context will know what happens in it. */
export const watchSpeed = (page: Page): Promise<unknown> => page.context().addInitScript(install);

/** What the browser's trace says of the time between the marks. */
export interface Traced {
  /** Frames that reached the screen, a second. */
  average: number;
  /** In the worst whole second. */
  worst: number;
  /** The longest time without a new frame on the screen, in milliseconds. */
  gap: number;
  /** What the page's main thread took of a processor. */
  main: number;
}

export type Scrolled = Traced & Looked;

interface TraceEvent {
  name: string;
  ts: number;
  tdur?: number;
  pid: number;
  tid: number;
}

/** Scrolls by the wheel in the middle of an element, for 8 seconds, at so many pixels a second. */
export async function scroll(browser: Browser, page: Page, selector: string, speed: number): Promise<Scrolled> {
  const box = await page.locator(selector).boundingBox();
  if (!box) throw new Error(`${selector} is not there`);
  const session = await page.context().newCDPSession(page);
  await browser.startTracing(page, {
    categories: ['blink.user_timing', 'toplevel', 'disabled-by-default-display.framedisplayed'],
  });
  const [seen] = await Promise.all([
    page.evaluate(() => window.probe.look(8_000)),
    session.send('Input.synthesizeScrollGesture', {
      x: box.x + box.width / 2,
      y: box.y + box.height / 2,
      yDistance: -speed * 9,
      speed,
      gestureSourceType: 'mouse',
    }),
  ]);
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  await session.detach();
  return { ...read(trace.traceEvents), ...seen };
}

function read(events: readonly TraceEvent[]): Traced {
  const mark = (name: string) => {
    const event = events.find((one) => one.name === name);
    if (!event) throw new Error(`the trace has no mark ${name}`);
    return event;
  };
  const begin = mark('begin');
  const end = mark('end').ts;
  const within = events.filter(({ ts }) => ts >= begin.ts && ts < end);
  const frames = within.filter(({ name }) => name === 'Display::FrameDisplayed').map(({ ts }) => ts);
  const seconds = (end - begin.ts) / 1e6;
  const perSecond = Array.from({ length: Math.floor(seconds) }, (_, second) => {
    const from = begin.ts + second * 1e6;
    return frames.filter((ts) => ts >= from && ts < from + 1e6).length;
  });
  const edges = [begin.ts, ...frames.toSorted((a, b) => a - b), end];
  const tasks = within.filter(
    ({ name, pid, tid }) => name === 'ThreadControllerImpl::RunTask' && pid === begin.pid && tid === begin.tid,
  );
  return {
    average: frames.length / seconds,
    worst: Math.min(...perSecond),
    gap: Math.max(...edges.slice(1).map((ts, index) => (ts - (edges[index] ?? ts)) / 1_000)),
    main: tasks.reduce((sum, { tdur = 0 }) => sum + tdur, 0) / (end - begin.ts),
  };
}

/** Processor seconds that a process has taken. */
export function processorTime(pid: number): number {
  // The name in parentheses may contain spaces; after it, user and system time are the 12th and 13th field.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The part of the machine's processors that worked between two calls of the function. */
export function machine(): () => number {
  const now = () => {
    const fields = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.split(/\s+/).slice(1, 9).map(Number) ?? [];
    const all = fields.reduce((sum, field) => sum + field, 0);
    return { all, idle: (fields[3] ?? 0) + (fields[4] ?? 0) };
  };
  const before = now();
  return () => {
    const after = now();
    return 1 - (after.idle - before.idle) / (after.all - before.all);
  };
}
