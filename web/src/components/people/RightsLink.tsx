// From an account or a group to what it was granted.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { linkIcon } from '../../ui/linkIcon';

export function RightsLink({ who, label, children }: { who: string; label: string; children: ReactNode }) {
  return (
    <Link to="/settings/rights" search={{ who }} aria-label={label} title={label} className={linkIcon}>
      {children}
    </Link>
  );
}
