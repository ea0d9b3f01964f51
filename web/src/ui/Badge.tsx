// A state in one word, with a dot whose colour repeats it.
import classes from './Badge.module.css';

export type Tone = 'good' | 'warn' | 'bad' | 'quiet' | 'busy';

export function StateBadge({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className={classes['badge']} data-tone={tone}>
      <span className={classes['dot']} aria-hidden="true" />
      {children}
    </span>
  );
}

export function Tag({ children }: { children: string }) {
  return <span className={classes['tag']}>{children}</span>;
}
