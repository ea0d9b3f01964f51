// After a save that changes what the plugin needs: the new powers, to be granted at once or later.
import { useT } from '../../i18n/i18n';
import { Button } from '../../ui/Button';
import { Dialog, DialogActions } from '../../ui/Dialog';
import { Text } from '../../ui/text';
import { GrantItem } from './Grants';
import classes from './Grants.module.css';
import { asksOf, isGranted, type Plugin } from './pluginView';

interface Props {
  plugin: Plugin;
  /** Scopes to ask for; undefined = closed. */
  scopes: readonly string[] | undefined;
  onClose: () => void;
}

export function GrantsDialog({ plugin, scopes, onClose }: Props) {
  const t = useT();
  const asks = asksOf(plugin).filter((ask) => scopes?.includes(ask.scope));
  const done = asks.every(isGranted);
  return (
    <Dialog
      opened={scopes !== undefined}
      onClose={onClose}
      title={t('grant.needed')}
      size="lg"
      closeLabel={t('action.close')}
    >
      <Text size="sm" mb="md">
        {plugin.loaded ? t('grant.neededRunning') : t('grant.neededText')}
      </Text>
      <ul className={classes['list']}>
        {asks.map((ask) => (
          <GrantItem key={ask.scope} plugin={plugin} ask={ask} />
        ))}
      </ul>
      <DialogActions>
        <Button variant={done ? 'filled' : 'default'} onClick={onClose}>
          {t(done ? 'action.done' : 'grant.later')}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
