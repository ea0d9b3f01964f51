// Below the list while machines are chosen: what can be done to all of them, and what came of it for each.
import {
  IconAlertTriangle,
  IconCamera,
  IconCheck,
  IconClock,
  IconPlayerPlay,
  IconPlayerSkipForward,
  IconPower,
  IconTag,
  IconTrash,
  IconX,
} from '@tabler/icons-react';
import { useState } from 'react';
import type { Rights } from '../../can/rights';
import { t as translate, useT } from '../../i18n/i18n';
import type { VmFacts } from '../../live/vm';
import { Button, RowButton } from '../../ui/Button';
import { confirm } from '../../ui/confirm';
import { Dialog, DialogActions } from '../../ui/Dialog';
import { Loader } from '../../ui/feedback';
import { toast } from '../../ui/toast';
import { ask, word } from '../ask/ask';
import { errorText } from '../errorText';
import { type Selection, useChosen } from '../objects/selection';
import { type BulkVerb, type Outcome, readChosen, type Result, runBulk } from './bulk';
import { sure } from './act';
import classes from './bulk.module.css';

interface Props {
  selection: Selection;
  online: boolean;
  gone: ReadonlySet<string>;
  rights: Rights | undefined;
}

/** Names that a question lists; the rest is a number. */
const NAMED = 12;

function names(vms: readonly VmFacts[]): string[] {
  const shown = vms.slice(0, NAMED).map((vm) => vm.name);
  return vms.length > NAMED ? [...shown, translate('bulk.more', { count: vms.length - NAMED })] : shown;
}

/** Asks what there is to ask; undefined when somebody thinks better of it. */
async function question(verb: BulkVerb['verb'], vms: readonly VmFacts[]): Promise<BulkVerb | undefined> {
  const count = vms.length;
  switch (verb) {
    case 'start':
      return { verb };
    case 'stop': {
      const way = await confirm<'clean' | 'force'>({
        title: translate('bulk.stop.title', { count }),
        details: names(vms),
        verb: translate('action.stop'),
        cancel: translate('action.cancel'),
        close: translate('action.close'),
        danger: true,
        choices: (['clean', 'force'] as const).map((value) => ({
          value,
          label: translate(`vm.stop.${value}`),
          description: translate(`vm.stop.${value}Text`),
        })),
      });
      return way && { verb, force: way === 'force' };
    }
    case 'delete': {
      const yes = await sure({
        title: translate('bulk.delete.title', { count }),
        text: translate('bulk.delete.text'),
        details: names(vms),
        verb: translate('action.delete'),
      });
      return yes ? { verb } : undefined;
    }
    default:
      return undefined;
  }
}

export function BulkBar({ selection, online, gone, rights }: Props) {
  const t = useT();
  const ids = useChosen(selection);
  const [results, setResults] = useState<readonly Result[]>();
  const [shown, setShown] = useState(false);
  const count = ids.size;

  const around = (vm: VmFacts) => ({ online, poolConnected: !gone.has(vm.poolId), rights });

  async function run(vms: readonly VmFacts[], what: BulkVerb) {
    setShown(true);
    const done = await runBulk(vms, what, around, setResults);
    // What was not done stays chosen, to be looked at or tried again.
    selection.set(done.filter((one) => one.outcome !== 'done').map((one) => one.id));
  }

  async function begin(verb: BulkVerb['verb']) {
    try {
      const vms = await readChosen([...ids]);
      if (verb === 'snapshot' || verb === 'tag') {
        ask({
          title: t(`bulk.${verb}.title`, { count: vms.length }),
          verb: t(`bulk.${verb}.verb`),
          fields: [
            verb === 'tag'
              ? { kind: 'text', name: 'text', label: t('list.tag'), required: true }
              : { kind: 'text', name: 'text', label: t('col.name'), placeholder: t('vm.snapshot.namePlaceholder') },
          ],
          run: (values) => {
            const typed = word(values, 'text');
            // The results have a dialog of their own.
            void run(vms, verb === 'tag' ? { verb, tag: typed } : { verb, name: typed });
            return Promise.resolve();
          },
        });
        return;
      }
      const what = await question(verb, vms);
      if (what) await run(vms, what);
    } catch (error) {
      toast.error(errorText(error));
    }
  }

  const verbs = [
    ['start', t('action.start'), IconPlayerPlay],
    ['stop', t('action.stop'), IconPower],
    ['snapshot', t('bulk.snapshot.verb'), IconCamera],
    ['tag', t('bulk.tag.verb'), IconTag],
    ['delete', t('action.delete'), IconTrash],
  ] as const;
  const waiting = results?.some(({ outcome }) => outcome === 'waiting' || outcome === 'running') ?? false;
  return (
    <>
      {count > 0 && (
        <section className={classes['bar']} aria-label={t('bulk.label')}>
          <span role="status" className={classes['count']}>
            {t('bulk.count', { count })}
          </span>
          {verbs.map(([verb, label, Icon]) => (
            <Button
              key={verb}
              size="xs"
              variant="default"
              color={verb === 'delete' ? 'red' : undefined}
              leftSection={<Icon size={15} aria-hidden />}
              disabledReason={waiting ? t('bulk.busy') : online ? undefined : t('can.offline')}
              onClick={() => void begin(verb)}
            >
              {label}
            </Button>
          ))}
          <RowButton label={t('bulk.clear')} onClick={() => selection.set([])}>
            <IconX size={16} aria-hidden />
          </RowButton>
        </section>
      )}
      <Dialog
        opened={shown && results !== undefined}
        onClose={() => setShown(false)}
        title={t('bulk.results')}
        closeLabel={t('action.close')}
        size="lg"
      >
        {results && <Results results={results} />}
        <DialogActions>
          <Button onClick={() => setShown(false)} data-autofocus>
            {t('action.close')}
          </Button>
        </DialogActions>
      </Dialog>
    </>
  );
}

const ICONS: Record<Outcome, typeof IconCheck | undefined> = {
  waiting: IconClock,
  running: undefined,
  done: IconCheck,
  skipped: IconPlayerSkipForward,
  failed: IconAlertTriangle,
};

function Results({ results }: { results: readonly Result[] }) {
  const t = useT();
  const many = (...outcomes: Outcome[]) => results.filter((one) => outcomes.includes(one.outcome)).length;
  return (
    <>
      <p role="status" className={classes['sum']}>
        {t('bulk.sum', {
          done: many('done'),
          failed: many('failed'),
          skipped: many('skipped'),
          left: many('waiting', 'running'),
        })}
      </p>
      {/* Scrolled by keyboard, so it must take the focus. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <ul className={classes['results']} aria-label={t('bulk.results')} tabIndex={0}>
        {results.map(({ id, name, outcome, why }) => {
          const Icon = ICONS[outcome];
          return (
            <li key={id} data-outcome={outcome}>
              <span className={classes['icon']} aria-hidden="true">
                {Icon ? <Icon size={16} /> : <Loader size={14} />}
              </span>
              <span className={classes['name']}>{name}</span>
              <span className={classes['why']}>{why ?? t(`bulk.${outcome}`)}</span>
            </li>
          );
        })}
      </ul>
    </>
  );
}
