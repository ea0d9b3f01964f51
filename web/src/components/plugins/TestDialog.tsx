// Tries a plugin with the configuration as it stands in the form, saved or not, and shows each step. When a power is
// missing nothing runs: the dialog names it and asks for a yes that holds for one call.
import { IconCircleCheck, IconCircleDashed, IconCircleX, IconShieldQuestion } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { fieldErrors } from '../../api/errors';
import type { Schemas } from '../../api/methods';
import { SchemaForm } from '../../form/SchemaForm';
import { tidy } from '../../form/schema';
import { localText, useT } from '../../i18n/i18n';
import { useApiMutation } from '../../live/queries';
import { Button } from '../../ui/Button';
import { Dialog, DialogActions } from '../../ui/Dialog';
import { Alert, Loader } from '../../ui/feedback';
import { Group } from '../../ui/layout';
import { Text } from '../../ui/text';
import { errorText } from '../errorText';
import { firstOptions, type Options, tidyOptions } from './grantOptions';
import { GrantOptionsFields } from './GrantOptionsFields';
import { type Plugin, pluginName } from './pluginView';
import classes from './TestDialog.module.css';

type Json = Record<string, unknown>;

interface Props {
  opened: boolean;
  plugin: Plugin;
  configuration: Json | undefined;
  onClose: () => void;
}

export function TestDialog({ opened, plugin, configuration, onClose }: Props) {
  const t = useT();
  return (
    <Dialog
      opened={opened}
      onClose={onClose}
      size="lg"
      title={t('test.title', { name: pluginName(plugin) })}
      closeLabel={t('action.close')}
    >
      <TestBody plugin={plugin} configuration={configuration} onClose={onClose} />
    </Dialog>
  );
}

function TestBody({ plugin, configuration, onClose }: Omit<Props, 'opened'>) {
  const t = useT();
  const test = useApiMutation('plugin.test');
  const [data, setData] = useState<Json>({});
  const [options, setOptions] = useState<Record<string, Options>>({});
  const missing = test.isPending ? [] : (test.data?.missingGrants ?? []);
  const optionsOf = (scope: string): Options =>
    options[scope] ?? firstOptions(scope, requestedOf(plugin, scope), configuration);

  function run(grants?: { capability: string; options: Options }[], input = data) {
    test.mutate({
      id: plugin.id,
      ...(plugin.testSchema && { data: tidy(input) }),
      ...(configuration && { configuration }),
      ...(grants && { grants }),
    });
  }

  const allow = () =>
    run(missing.map(({ capability }) => ({ capability, options: tidyOptions(optionsOf(capability)) })));

  const faults = useMemo(() => fieldErrors(test.error), [test.error]);
  const buttons = (
    <DialogActions>
      <Button type="button" variant="default" onClick={onClose}>
        {t('action.close')}
      </Button>
      <Button type="submit" variant={missing.length > 0 ? 'default' : 'filled'} loading={test.isPending}>
        {t('test.run')}
      </Button>
    </DialogActions>
  );

  return (
    <>
      <Text size="sm" c="dimmed" mb="md">
        {t('test.text')}
      </Text>
      <div className={classes['outcome']} aria-live="polite">
        {test.isPending && (
          <Group gap="sm">
            <Loader size="sm" />
            <Text size="sm">{t('test.running')}</Text>
          </Group>
        )}
        {test.error && !test.isPending && (
          <Alert color="red" variant="light" title={t('test.failed')}>
            {errorText(test.error)}
            {faults.map((fault) => (
              <div key={`${fault.instancePath} ${fault.message}`}>
                {fault.instancePath} {fault.message}
              </div>
            ))}
          </Alert>
        )}
        {missing.length > 0 && (
          <section className={classes['needs']} aria-label={t('test.needs')}>
            <h3>
              <IconShieldQuestion size={19} aria-hidden /> {t('test.needs')}
            </h3>
            <Text size="sm">{t('test.needsText')}</Text>
            <ul>
              {missing.map(({ capability, reason }) => (
                <li key={capability} aria-label={capability}>
                  <code>{capability}</code>
                  {reason && (
                    <Text size="sm" c="dimmed">
                      {localText(reason)}
                    </Text>
                  )}
                  <GrantOptionsFields
                    scope={capability}
                    requested={requestedOf(plugin, capability)}
                    value={optionsOf(capability)}
                    onChange={(next) => setOptions((old) => ({ ...old, [capability]: next }))}
                  />
                </li>
              ))}
            </ul>
            <Group justify="flex-end">
              <Button onClick={allow}>{t('test.allow')}</Button>
            </Group>
          </section>
        )}
        {test.data && !test.isPending && missing.length === 0 && <Result result={test.data} />}
      </div>
      {plugin.testSchema ? (
        <SchemaForm
          id={`test-${plugin.id}`}
          schema={plugin.testSchema}
          value={data}
          onChange={setData}
          onSubmit={(value) => run(undefined, value)}
          errors={faults}
        >
          {buttons}
        </SchemaForm>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            run();
          }}
        >
          {buttons}
        </form>
      )}
    </>
  );
}

const requestedOf = (plugin: Plugin, scope: string): Options =>
  plugin.capabilities?.find((c) => c.resolved.includes(scope) || scope.startsWith(`${c.name}:`))?.options ?? {};

/** A step that was not tried, because one before it failed. */
const isSkipped = (check: Schemas['TestCheck']): boolean => check.error?.code === 'test.not-reached';

function Result({ result }: { result: Schemas['TestResult'] }) {
  const t = useT();
  const failed = result.checks.filter((check) => !check.ok && !isSkipped(check)).length;
  return (
    <section aria-label={t('test.result')} className={classes['result']}>
      <p className={classes['summary']} data-ok={result.ok || undefined}>
        {result.ok ? <IconCircleCheck size={20} aria-hidden /> : <IconCircleX size={20} aria-hidden />}
        {result.ok ? t('test.passed') : t('test.notPassed', { count: failed })}
      </p>
      <ol>
        {result.checks.map((check, index) => (
          <li key={`${index} ${check.name}`} data-outcome={check.ok ? 'ok' : isSkipped(check) ? 'skipped' : 'bad'}>
            <span className={classes['mark']}>
              {check.ok ? (
                <IconCircleCheck size={18} role="img" aria-label={t('test.ok')} />
              ) : isSkipped(check) ? (
                <IconCircleDashed size={18} role="img" aria-label={t('test.skipped')} />
              ) : (
                <IconCircleX size={18} role="img" aria-label={t('test.bad')} />
              )}
            </span>
            <div>
              <strong>{check.name}</strong>
              <div>{check.ok ? check.message : (check.error?.message ?? check.message)}</div>
              {!check.ok && check.error && !isSkipped(check) && (
                <code>{[check.error.kind, check.error.code].filter(Boolean).join(' · ')}</code>
              )}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
