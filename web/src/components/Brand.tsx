// The mark: a stem with two branches, in a rounded square.
import classes from './Brand.module.css';

export function Brand({ large = false }: { large?: boolean }) {
  return (
    <span className={classes['brand']} data-large={large || undefined}>
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" fill="#0b7a6b" />
        <g fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round">
          <path d="M16 26V6" />
          <path d="M16 20c-5 0-8-3-8-9" />
          <path d="M16 16c5 0 8-3 8-8" />
        </g>
      </svg>
      <span>Xylem</span>
    </span>
  );
}
