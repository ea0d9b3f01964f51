// Makes a role, or changes one: its name, its privileges, and who has it.
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { ACTIONS } from '../../api/actions.gen';
import { ApiError, CODE } from '../../api/errors';
import type { Schemas } from '../../api/methods';
import { useT } from '../../i18n/i18n';
import { client } from '../../live/live';
import { useSteps } from '../../live/queries';
import { Button, IconButton } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { Autocomplete, NativeSelect, TextInput } from '../../ui/input';
import { required } from '../../ui/required';
import { closing, DialogForm } from '../DialogForm';
import { difference, type Group, type User } from './people';
import classes from './roles.module.css';
import { SubjectsSelect } from './SubjectsSelect';

export type Privilege = Schemas['AclPrivilege'];

interface Line {
  key: number;
  /** None: it is new. */
  id?: string;
  effect: Privilege['effect'];
  resource: string;
  action: string;
  /** Empty: all objects. */
  selector: string;
}

let keys = 0;
const lineOf = ({ id, effect, resource, action, selector = '' }: Privilege): Line => ({
  key: (keys += 1),
  id,
  effect,
  resource,
  action,
  selector,
});
const newLine = (): Line => ({ key: (keys += 1), effect: 'allow', resource: 'vm', action: 'read', selector: '' });

/** What can be said about a type; any one property is typed by hand. */
const actionsOf = (resource: string): string[] => [
  '*',
  ...(ACTIONS[resource] ?? []).filter((action) => !action.endsWith('*')),
];

interface Props {
  opened: boolean;
  role: Schemas['AclRole'] | undefined;
  privileges: readonly Privilege[];
  holders: readonly string[];
  users: readonly User[];
  groups: readonly Group[];
  onClose: () => void;
}

export function RoleDialog({ opened, role, onClose, ...rest }: Props) {
  const t = useT();
  return (
    <Dialog
      opened={opened}
      onClose={onClose}
      size="xl"
      title={role ? t('roles.editTitle', { name: role.name }) : t('roles.addTitle')}
      closeLabel={t('action.close')}
    >
      <RoleForm key={role?.id ?? 'new'} role={role} onClose={onClose} {...rest} />
    </Dialog>
  );
}

function RoleForm({ role, privileges, holders, users, groups, onClose }: Omit<Props, 'opened'>) {
  const t = useT();
  const [name, setName] = useState(role?.name ?? '');
  const [description, setDescription] = useState(role?.description ?? '');
  // What was there when the dialog opened: what others add meanwhile stays.
  const [before] = useState({ privileges, holders });
  const [lines, setLines] = useState<readonly Line[]>(() => privileges.map(lineOf));
  const [held, setHeld] = useState<string[]>([...holders]);
  const [tried, setTried] = useState(false);
  /** Made in an earlier attempt that failed later on, with the privileges that it got by then. */
  const made = useRef({ id: role?.id, done: new Map<number, string>() });

  const save = useSteps(
    async () => {
      const words = { name: name.trim(), description: description.trim() };
      const { done } = made.current;
      const id = made.current.id ?? (await client.call('aclRole.create', words));
      made.current.id = id;
      if (role && (words.name !== role.name || words.description !== (role.description ?? ''))) {
        await client.call('aclRole.set', { id, ...words });
      }
      for (const old of before.privileges) {
        if (!lines.some((line) => line.id === old.id)) {
          // Gone in an earlier attempt, or by somebody else.
          await client.call('aclPrivilege.delete', { id: old.id }).catch(ignoreGone);
        }
      }
      for (const { key, id: known, effect, resource, action, selector } of lines) {
        const says = { effect, resource, action: action.trim() };
        const filter = selector.trim();
        const there = known ?? done.get(key);
        if (there === undefined) {
          const fresh = { roleId: id, ...says, ...(filter !== '' && { selector: filter }) };
          done.set(key, await client.call('aclPrivilege.create', fresh));
          continue;
        }
        const old = before.privileges.find((one) => one.id === known);
        const same =
          old?.effect === effect &&
          old.resource === resource &&
          old.action === says.action &&
          (old.selector ?? '') === filter;
        if (!same) {
          await client.call('aclPrivilege.set', { id: there, ...says, selector: filter === '' ? null : filter });
        }
      }
      const { added, removed } = difference(before.holders, held);
      const isGroup = (subject: string) => groups.some((group) => group.id === subject);
      for (const one of added) {
        await (isGroup(one)
          ? client.call('aclRole.addGroup', { id, groupId: one })
          : client.call('aclRole.addUser', { id, userId: one }));
      }
      for (const one of removed) {
        await (isGroup(one)
          ? client.call('aclRole.removeGroup', { id, groupId: one })
          : client.call('aclRole.removeUser', { id, userId: one }));
      }
    },
    'roles',
    'privileges',
    'holders',
  );
  const noName = name.trim() === '';
  const noAction = lines.some((line) => line.action.trim() === '');

  function submit() {
    setTried(true);
    if (noName || noAction) return;
    save.mutate(undefined, closing(onClose, t(role ? 'roles.saved' : 'roles.added', { name: name.trim() })));
  }

  const change = (key: number, part: Partial<Line>) =>
    setLines(lines.map((line) => (line.key === key ? { ...line, ...part } : line)));

  return (
    <DialogForm verb={role ? t('action.save') : t('roles.create')} save={save} onSubmit={submit} onClose={onClose}>
      <TextInput
        label={t('groups.name')}
        {...required(true)}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={tried && noName ? t('form.required') : undefined}
        data-autofocus
        autoComplete="off"
      />
      <TextInput
        label={t('col.description')}
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
        autoComplete="off"
      />
      <SubjectsSelect
        label={t('roles.holders')}
        description={t('roles.holdersHelp')}
        users={users}
        groups={groups}
        value={held}
        onChange={setHeld}
      />
      <section aria-label={t('roles.privileges')}>
        <div className={classes['heads']}>
          <span className={classes['legend']}>{t('roles.privileges')}</span>
          <Button
            type="button"
            size="xs"
            variant="default"
            leftSection={<IconPlus size={15} aria-hidden />}
            onClick={() => setLines([...lines, newLine()])}
          >
            {t('roles.addPrivilege')}
          </Button>
        </div>
        {lines.length === 0 && <p className={classes['empty']}>{t('roles.noPrivileges')}</p>}
        {lines.map((line, index) => (
          <PrivilegeLine
            key={line.key}
            number={index + 1}
            line={line}
            fault={tried && line.action.trim() === '' ? t('form.required') : undefined}
            onChange={(part) => change(line.key, part)}
            onRemove={() => setLines(lines.filter((one) => one !== line))}
          />
        ))}
      </section>
    </DialogForm>
  );
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof ApiError) || error.code !== CODE.noSuchObject) throw error;
}

interface LineProps {
  number: number;
  line: Line;
  fault: string | undefined;
  onChange: (part: Partial<Line>) => void;
  onRemove: () => void;
}

function PrivilegeLine({ number, line, fault, onChange, onRemove }: LineProps) {
  const t = useT();
  const known = actionsOf(line.resource);
  return (
    <div className={classes['line']} role="group" aria-label={t('roles.privilegeNumber', { number })}>
      <NativeSelect
        label={t('roles.effect')}
        value={line.effect}
        data={[
          { value: 'allow', label: t('roles.effect.allow') },
          { value: 'deny', label: t('roles.effect.deny') },
        ]}
        onChange={(event) => onChange({ effect: event.currentTarget.value === 'deny' ? 'deny' : 'allow' })}
      />
      <NativeSelect
        label={t('roles.type')}
        value={line.resource}
        data={Object.keys(ACTIONS)}
        onChange={(event) => {
          const resource = event.currentTarget.value;
          onChange({ resource, action: actionsOf(resource).includes(line.action) ? line.action : 'read' });
        }}
      />
      <Autocomplete
        label={t('roles.action')}
        value={line.action}
        data={known}
        // All are offered until something else is typed.
        filter={({ options, search }) =>
          known.includes(search)
            ? options
            : options.filter((one) => 'value' in one && one.value.includes(search.trim()))
        }
        onChange={(action) => onChange({ action })}
        error={fault}
        autoComplete="off"
      />
      <TextInput
        label={t('roles.selector')}
        placeholder={t('roles.selectorAll')}
        value={line.selector}
        onChange={(event) => onChange({ selector: event.currentTarget.value })}
        spellCheck={false}
        autoComplete="off"
      />
      <span className={classes['remove']}>
        <IconButton label={t('roles.removePrivilege', { number })} tone="danger" onClick={onRemove}>
          <IconTrash size={17} aria-hidden />
        </IconButton>
      </span>
    </div>
  );
}
