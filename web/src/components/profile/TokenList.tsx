// One's own tokens: what each is for, until when, and when it was last used; making one, which is shown this once.
import { IconBrowser, IconPencil, IconPlus, IconTerminal2, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { formatTime, useT } from '../../i18n/i18n';
import { tokensQuery, useApiMutation } from '../../live/queries';
import { Tag } from '../../ui/Badge';
import { Button, IconButton } from '../../ui/Button';
import { confirm } from '../../ui/confirm';
import { Card } from '../../ui/Page';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';
import classes from '../people/people.module.css';
import { QueryState } from '../QueryState';
import { NewTokenDialog } from './NewTokenDialog';
import { RenameTokenDialog } from './RenameTokenDialog';
import own from './profile.module.css';
import { browserOf, isOver, lastUse, sorted, type Token } from './tokens';

/** Sessions that are listed at first: every sign-in leaves one for some hours. */
const FEW = 5;

export function TokenList() {
  const t = useT();
  const [now] = useState(() => Date.now());
  const query = useQuery(tokensQuery);
  const [adding, setAdding] = useState(false);
  const [renamed, setRenamed] = useState<Token>();
  const [all, setAll] = useState(false);
  return (
    <>
      <Card
        title={t('tokens.title')}
        description={t('tokens.text')}
        actions={
          <Button variant="default" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
            {t('tokens.add')}
          </Button>
        }
      >
        <QueryState query={query}>
          {(tokens) => {
            const { programs, browsers } = sorted(tokens);
            return (
              <>
                <h3 className={own['heading']}>{t('tokens.programs')}</h3>
                {programs.length === 0 ? (
                  <p className={own['none']}>{t('tokens.none')}</p>
                ) : (
                  <ul className={classes['rows']} aria-label={t('tokens.programs')}>
                    {programs.map((token) => (
                      <TokenItem key={token.id} token={token} now={now} onRename={() => setRenamed(token)} />
                    ))}
                  </ul>
                )}
                <h3 className={own['heading']}>{t('tokens.browsers')}</h3>
                <ul className={classes['rows']} aria-label={t('tokens.browsers')}>
                  {browsers.slice(0, all ? undefined : FEW).map((token) => (
                    <TokenItem key={token.id} token={token} now={now} />
                  ))}
                </ul>
                {!all && browsers.length > FEW && (
                  <Button variant="subtle" size="xs" mt="xs" onClick={() => setAll(true)}>
                    {t('tokens.showAll', { count: browsers.length })}
                  </Button>
                )}
              </>
            );
          }}
        </QueryState>
      </Card>
      <NewTokenDialog opened={adding} onClose={() => setAdding(false)} />
      <RenameTokenDialog token={renamed} onClose={() => setRenamed(undefined)} />
    </>
  );
}

function TokenItem({ token, now, onRename }: { token: Token; now: number; onRename?: () => void }) {
  const t = useT();
  const remove = useApiMutation('token.deleteOwn', 'tokens');
  const browser = browserOf(token);
  const use = lastUse(token);
  let name = token.description ?? t('tokens.noDescription');
  if (browser?.browser && browser.system) {
    name = t('tokens.browserOn', { browser: browser.browser, system: browser.system });
  } else if (browser) name = browser.browser ?? browser.system ?? t('tokens.someBrowser');

  async function askRemove() {
    const yes = await confirm({
      title: browser ? t('tokens.endTitle', { name }) : t('tokens.removeTitle', { name }),
      text: browser ? t('tokens.endText') : t('tokens.removeText'),
      verb: browser ? t('tokens.end') : t('action.delete'),
      cancel: t('action.cancel'),
      close: t('action.close'),
      danger: true,
    });
    if (!yes) return;
    remove.mutate(
      { tokens: [token.id] },
      {
        onSuccess: () => toast.success(t('tokens.removed', { name })),
        onError: (error) => toast.error(errorText(error), t('tokens.removeFailed')),
      },
    );
  }

  const Icon = browser ? IconBrowser : IconTerminal2;
  return (
    <li className={classes['row']} aria-label={name}>
      <span className={classes['kind']} aria-hidden="true">
        <Icon size={18} stroke={1.7} />
      </span>
      <div className={classes['words']}>
        <div className={classes['title']}>
          <strong>{name}</strong>
          {token.client && <Tag>{token.client.id}</Tag>}
          {browser && token.description === navigator.userAgent && <Tag>{t('tokens.likeThis')}</Tag>}
          {isOver(token, now) && <Tag>{t('tokens.over')}</Tag>}
        </div>
        <p className={own['facts']}>
          <span>{t('tokens.created', { time: formatTime(token.created_at) })}</span>
          <span>{t('tokens.until', { time: formatTime(token.expiration) })}</span>
          <span>
            {use ? t('tokens.used', { time: formatTime(use.time), address: use.address }) : t('tokens.unused')}
          </span>
        </p>
      </div>
      <div className={classes['actions']}>
        {onRename && (
          <IconButton label={t('tokens.rename', { name })} onClick={onRename}>
            <IconPencil size={18} aria-hidden />
          </IconButton>
        )}
        <IconButton
          label={browser ? t('tokens.endNamed', { name }) : t('tokens.remove', { name })}
          tone="danger"
          busy={remove.isPending}
          onClick={() => void askRemove()}
        >
          <IconTrash size={18} aria-hidden />
        </IconButton>
      </div>
    </li>
  );
}
