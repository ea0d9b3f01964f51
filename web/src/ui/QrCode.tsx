// A QR code as a picture: dark on light in both colour schemes, because readers expect it so.
import { useMemo } from 'react';
import { encode } from './qr';

/** Light modules around the code, which readers need. */
const QUIET = 4;

export function QrCode({ text, label, className }: { text: string; label: string; className?: string | undefined }) {
  const modules = useMemo(() => encode(text), [text]);
  if (!modules) return null;
  const size = modules.length + 2 * QUIET;
  const path = modules
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : '')))
    .join('');
  return (
    <svg
      role="img"
      aria-label={label}
      className={className}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
