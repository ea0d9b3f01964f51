// Settings > Tokens: one's own, and ending those of others: of an account, or one that fell into wrong hands.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { useApiMutation, usersQuery, useUser } from '../../live/queries';
import { Button } from '../../ui/Button';
import { confirm } from '../../ui/confirm';
import { PasswordInput, Select } from '../../ui/input';
import { Card, Page } from '../../ui/Page';
import { toast } from '../../ui/toast';
import { errorText } from '../errorText';
import { OFFERED, usersByName } from '../people/people';
import { QueryState } from '../QueryState';
import own from './profile.module.css';
import { TokenList } from './TokenList';

export function TokensPage() {
  const t = useT();
  const query = useQuery(usersQuery);
  return (
    <Page title={t('nav.tokens')} description={t('tokens.pageText')}>
      <QueryState query={query}>
        {() => (
          <>
            <TokenList />
            <OfAccount />
            <Leaked />
          </>
        )}
      </QueryState>
    </Page>
  );
}

function OfAccount() {
  const t = useT();
  const self = useUser()?.id;
  const users = usersByName(useQuery(usersQuery).data ?? []);
  const [id, setId] = useState<string | null>(null);
  const remove = useApiMutation('token.delete', 'tokens');

  async function ask(name: string, userId: string) {
    const yes = await confirm({
      title: t('tokens.endAllTitle', { name }),
      text: userId === self ? t('tokens.endAllOwnText') : t('tokens.endAllText'),
      verb: t('tokens.endAll'),
      cancel: t('action.cancel'),
      close: t('action.close'),
      danger: true,
    });
    if (!yes) return;
    remove.mutate(
      { pattern: { user_id: userId } },
      {
        onSuccess: () => {
          toast.success(t('tokens.allEnded', { name }));
          setId(null);
        },
        onError: (error) => toast.error(errorText(error), t('tokens.removeFailed')),
      },
    );
  }

  const chosen = users.find((user) => user.id === id);
  return (
    <Card title={t('tokens.ofAccount')} description={t('tokens.ofAccountText')}>
      <form
        className={own['line']}
        onSubmit={(event) => {
          event.preventDefault();
          if (chosen) void ask(chosen.email, chosen.id);
        }}
      >
        <Select
          className={own['field']}
          label={t('tokens.account')}
          searchable
          limit={OFFERED}
          data={users.map((user) => ({ value: user.id, label: user.email }))}
          value={id}
          onChange={setId}
          nothingFoundMessage={t('list.nothingFound')}
        />
        <Button
          type="submit"
          variant="default"
          loading={remove.isPending}
          disabledReason={chosen ? undefined : t('tokens.chooseAccount')}
        >
          {t('tokens.endAll')}
        </Button>
      </form>
    </Card>
  );
}

function Leaked() {
  const t = useT();
  const [token, setToken] = useState('');
  const remove = useApiMutation('token.delete', 'tokens');
  const words = token.trim();
  return (
    <Card title={t('tokens.leaked')} description={t('tokens.leakedText')}>
      <form
        className={own['line']}
        onSubmit={(event) => {
          event.preventDefault();
          if (words === '') return;
          remove.mutate(
            { tokens: [words] },
            {
              onSuccess: () => {
                setToken('');
                toast.success(t('tokens.leakedDone'));
              },
              onError: (error) => toast.error(errorText(error), t('tokens.removeFailed')),
            },
          );
        }}
      >
        <PasswordInput
          className={own['field']}
          label={t('tokens.leakedToken')}
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
          autoComplete="off"
          visibilityToggleButtonProps={{ 'aria-label': t('form.showSecret') }}
        />
        <Button
          type="submit"
          variant="default"
          loading={remove.isPending}
          disabledReason={words === '' ? t('tokens.pasteFirst') : undefined}
        >
          {t('tokens.revoke')}
        </Button>
      </form>
    </Card>
  );
}
