// The configuration form of a plugin: made from its schema, with its presets; saved by hand; tried before or after.
import { IconAdjustments, IconChevronDown } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { fieldErrors } from '../../api/errors';
import { can } from '../../can/can';
import { merged, tidy } from '../../form/schema';
import { SchemaForm } from '../../form/SchemaForm';
import { localText, tm, useT } from '../../i18n/i18n';
import { queryClient } from '../../live/live';
import { pluginsQuery, useApiMutation } from '../../live/queries';
import { Button } from '../../ui/Button';
import { Alert } from '../../ui/feedback';
import { Group } from '../../ui/layout';
import { Menu } from '../../ui/menu';
import { Card } from '../../ui/Page';
import { Text } from '../../ui/text';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';
import { GrantsDialog } from './GrantsDialog';
import { asksOf, isGranted, type Plugin } from './pluginView';
import { TestDialog } from './TestDialog';

type Json = Record<string, unknown>;

const ungranted = (plugin: Plugin | undefined): string[] =>
  plugin ? asksOf(plugin).flatMap((ask) => (isGranted(ask) || ask.optional ? [] : [ask.scope])) : [];

export function Configuration({ plugin }: { plugin: Plugin }) {
  const t = useT();
  const configure = useApiMutation('plugin.configure', 'plugins');
  /** What is typed; undefined = as stored. */
  const [draft, setDraft] = useState<Json>();
  const [testing, setTesting] = useState(false);
  const [asking, setAsking] = useState<readonly string[]>();
  const value = draft ?? plugin.configuration;
  const schema = plugin.configurationSchema;
  const presets = plugin.configurationPresets ?? [];
  const faults = useMemo(() => fieldErrors(configure.error), [configure.error]);
  const testable = can.plugin.test(plugin);

  async function save(data: Json) {
    const before = new Set(ungranted(plugin));
    try {
      await configure.mutateAsync({ id: plugin.id, configuration: tidy(data) });
    } catch {
      // Shown in the form.
      return;
    }
    toast.success(t('plugin.saved'));
    setDraft(undefined);
    const after = queryClient.getQueryData(pluginsQuery.queryKey)?.find((other) => other.id === plugin.id);
    const fresh = ungranted(after).filter((scope) => !before.has(scope));
    if (fresh.length > 0) setAsking(fresh);
  }

  const buttons = (
    <>
      {configure.error && (
        <Alert color="red" variant="light" mt="lg" role="alert" title={t('plugin.saveFailed')}>
          {faults.length > 0 ? t('plugin.seeFields') : errorText(configure.error)}
        </Alert>
      )}
      <Group justify="space-between" mt="lg" gap="sm">
        <Text size="sm" c="dimmed" role="status">
          {draft ? t('plugin.unsaved') : ''}
        </Text>
        <Group gap="sm">
          {draft && (
            <Button
              type="button"
              variant="subtle"
              color="gray"
              onClick={() => {
                setDraft(undefined);
                configure.reset();
              }}
            >
              {t('action.discard')}
            </Button>
          )}
          {plugin.testable && (
            <Button
              type="button"
              variant="default"
              onClick={() => setTesting(true)}
              disabledReason={testable.yes ? undefined : tm(testable.reason)}
            >
              {t('plugin.test')}
            </Button>
          )}
          {schema && (
            <Button type="submit" loading={configure.isPending}>
              {t('action.save')}
            </Button>
          )}
        </Group>
      </Group>
    </>
  );

  return (
    <Card
      title={t('plugin.configuration')}
      actions={
        presets.length > 0 && (
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <Button
                variant="default"
                size="xs"
                leftSection={<IconAdjustments size={15} aria-hidden />}
                rightSection={<IconChevronDown size={14} aria-hidden />}
              >
                {t('plugin.presets')}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {presets.map((preset) => {
                const name = localText(preset.names) ?? preset.name;
                return (
                  <Menu.Item
                    key={name}
                    onClick={() => {
                      setDraft(merged(value ?? {}, preset.configuration) as Json);
                    }}
                  >
                    {name}
                  </Menu.Item>
                );
              })}
            </Menu.Dropdown>
          </Menu>
        )
      }
    >
      {schema ? (
        <SchemaForm
          id={`config-${plugin.id}`}
          schema={schema}
          texts={plugin.texts}
          value={value}
          errors={faults}
          onChange={setDraft}
          onSubmit={(data) => void save(data)}
        >
          {buttons}
        </SchemaForm>
      ) : (
        <>
          <Text size="sm" c="dimmed">
            {t('plugin.noConfiguration')}
          </Text>
          {plugin.testable && buttons}
        </>
      )}
      <TestDialog
        opened={testing}
        plugin={plugin}
        configuration={value && (tidy(value) as Json)}
        onClose={() => setTesting(false)}
      />
      <GrantsDialog plugin={plugin} scopes={asking} onClose={() => setAsking(undefined)} />
    </Card>
  );
}
