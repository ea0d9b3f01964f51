// A link to an object's page for rows: the router's own link watches the address, which is too much a thousand times over.
import { useRouter } from '@tanstack/react-router';
import type { MouseEvent, ReactNode } from 'react';

/** The pages of objects, by type. */
export const PAGES = {
  pool: '/pools/$id',
  host: '/hosts/$id',
  VM: '/vms/$id',
  SR: '/srs/$id',
  network: '/networks/$id',
} as const;
export type Paged = keyof typeof PAGES;

interface Props {
  type: Paged;
  id: string;
  className?: string | undefined;
  title?: string;
  children: ReactNode;
}

export function ObjectAnchor({ type, id, className, title, children }: Props) {
  const router = useRouter();
  function follow(event: MouseEvent) {
    // A new tab or window is the browser's business.
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void router.navigate({ to: PAGES[type], params: { id } });
  }
  const href = PAGES[type].replace('$id', encodeURIComponent(id));
  return (
    <a href={href} onClick={follow} className={className} title={title}>
      {children}
    </a>
  );
}
