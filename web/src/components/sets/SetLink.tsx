// The resource set of a machine, as a link to where it is shown: to administrators all sets, to others their own.
import { Link } from '@tanstack/react-router';
import { useUser } from '../../live/queries';
import { useSet } from '../../live/sets';

/** Nothing when the set is none that this account may know of. */
export function SetLink({ id, className }: { id: string; className?: string }) {
  const set = useSet(id);
  const admin = useUser()?.permission === 'admin';
  if (!set) return null;
  return admin ? (
    <Link to="/settings/sets" search={{ q: set.name }} className={className} title={set.name}>
      {set.name}
    </Link>
  ) : (
    <Link to="/self" className={className} title={set.name}>
      {set.name}
    </Link>
  );
}
