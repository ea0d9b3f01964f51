// Filters by a click: state, pool, tag. They stand beside what is typed, and in the address.
import { useT } from '../../i18n/i18n';
import { countOf, type Counts } from '../../live/counts';
import { text } from '../../live/vm';
import { useRows } from '../../live/useWatch';
import { useAhead } from '../../ui/hooks';
import { SegmentedControl, Select } from '../../ui/input';
import type { Kind } from './kind';
import type { ListSearch } from './listSearch';
import classes from './QuickFilters.module.css';

interface Props {
  kind: Kind;
  search: ListSearch;
  onSearch: (change: ListSearch) => void;
  /** How many there are by state, as far as the other filters let them through. */
  counts: Counts | undefined;
  /** Tags that objects of this kind carry. */
  tags: readonly string[];
}

export function QuickFilters({ kind, search, onSearch, counts, tags }: Props) {
  const t = useT();
  const [pools] = useRows(
    kind.type === 'pool' ? undefined : { type: 'pool', fields: ['name_label'], sort: [{ by: 'name_label' }] },
    500,
  );
  const { states } = kind;
  const [pool, askPool] = useAhead(search.pool ?? null);
  const [tag, askTag] = useAhead(search.tag ?? null);
  const [state, askState] = useAhead(search.state ?? '');
  const count = (value?: string) =>
    counts && countOf(counts, { type: kind.type, ...(states && value !== undefined && { [states.property]: value }) });
  const stated = (label: string, value?: string) => {
    const many = count(value);
    return many === undefined ? label : t('list.stateCount', { state: label, count: many });
  };
  return (
    <>
      {(pools.length > 1 || search.pool !== undefined) && (
        <Select
          className={classes['select']}
          aria-label={t('list.pool')}
          placeholder={t('list.allPools')}
          clearable
          searchable
          clearButtonProps={{ 'aria-label': t('list.allPools') }}
          nothingFoundMessage={t('list.nothingFound')}
          value={pool}
          onChange={(value) => {
            askPool(value);
            onSearch({ pool: value ?? undefined });
          }}
          data={pools.map((one) => ({ value: one.id, label: text(one['name_label']) || one.id }))}
        />
      )}
      {(tags.length > 0 || search.tag !== undefined) && (
        <Select
          className={classes['select']}
          aria-label={t('list.tag')}
          placeholder={t('list.allTags')}
          clearable
          searchable
          clearButtonProps={{ 'aria-label': t('list.allTags') }}
          nothingFoundMessage={t('list.nothingFound')}
          value={tag}
          onChange={(value) => {
            askTag(value);
            onSearch({ tag: value ?? undefined });
          }}
          data={[...new Set([...tags, ...(search.tag === undefined ? [] : [search.tag])])].toSorted()}
        />
      )}
      {states && (
        <div className={classes['states']}>
          <SegmentedControl
            aria-label={t('list.show')}
            size="xs"
            value={state}
            onChange={(value) => {
              askState(value);
              onSearch({ state: value === '' ? undefined : value });
            }}
            data={[
              { value: '', label: stated(t('list.all')) },
              ...states.values
                // The first two always, the others when there are any.
                .filter(([value], index) => index < 2 || search.state === value || (count(value) ?? 0) > 0)
                .map(([value, label]) => ({ value, label: stated(t(label), value) })),
            ]}
          />
        </div>
      )}
    </>
  );
}
