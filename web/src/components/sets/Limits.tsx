// What is used of a set and what is left, as bars with words.
import { useT } from '../../i18n/i18n';
import { amountText, type Amounts, limitName, type ResourceSet, usesOf } from './limits';
import classes from './sets.module.css';

interface Props {
  set: ResourceSet;
  label: string;
  /** What somebody is about to use. */
  planned?: Amounts;
}

export function Limits({ set, label, planned = {} }: Props) {
  const t = useT();
  const uses = usesOf(set);
  if (uses.length === 0) return <p className={classes['none']}>{t('sets.noLimits')}</p>;
  return (
    <ul className={classes['limits']} aria-label={label}>
      {uses.map(({ name, used, total }) => {
        const more = planned[name] ?? 0;
        const left = (total ?? 0) - used - more;
        const part = (amount: number): string => `${total ? Math.min(1, amount / total) * 100 : 100}%`;
        return (
          <li key={name}>
            <span className={classes['limitName']}>{limitName(name)}</span>
            <span className={classes['amount']}>
              {total === undefined
                ? t('sets.usedOnly', { used: amountText(name, used) })
                : t('cell.usedOf', { used: amountText(name, used), size: amountText(name, total) })}
            </span>
            {total !== undefined && (
              <>
                <span className={classes['track']} aria-hidden="true">
                  <span data-planned style={{ width: part(used + more) }} data-over={left < 0 || undefined} />
                  <span style={{ width: part(used) }} data-high={used > total * 0.9 || undefined} />
                </span>
                <span className={classes['left']} data-over={left < 0 || undefined}>
                  {left < 0
                    ? t('sets.over', { amount: amountText(name, -left) })
                    : t(more > 0 ? 'sets.leftThen' : 'sets.left', { amount: amountText(name, left) })}
                </span>
              </>
            )}
          </li>
        );
      })}
    </ul>
  );
}
