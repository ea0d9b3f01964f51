// Makes a resource set, or changes one: who may use it, what is in it, how much there is.
import { useState } from 'react';
import { useT } from '../../i18n/i18n';
import { client } from '../../live/live';
import { useSteps } from '../../live/queries';
import { Dialog } from '../../ui/Dialog';
import { Checkbox, Fieldset, NumberInput, TagsInput, TextInput } from '../../ui/input';
import { required } from '../../ui/required';
import { closing, DialogForm } from '../DialogForm';
import { ObjectPicker } from '../people/ObjectPicker';
import type { Group, User } from '../people/people';
import { SubjectsSelect } from '../people/SubjectsSelect';
import { faultsOf, isBytes, LIMITS, limitName, type ResourceSet, totalsOf, typedOf } from './limits';
import classes from './sets.module.css';

/** What can be in a set. */
const OFFERABLE = ['VM-template', 'SR', 'network'] as const;

interface Props {
  opened: boolean;
  set: ResourceSet | undefined;
  users: readonly User[];
  groups: readonly Group[];
  onClose: () => void;
}

export function SetDialog({ opened, set, ...rest }: Props) {
  const t = useT();
  return (
    <Dialog
      opened={opened}
      onClose={rest.onClose}
      size="lg"
      title={set ? t('sets.editTitle', { name: set.name }) : t('sets.addTitle')}
      closeLabel={t('action.close')}
    >
      <SetForm key={set?.id ?? 'new'} set={set} {...rest} />
    </Dialog>
  );
}

function SetForm({ set, users, groups, onClose }: Omit<Props, 'opened'>) {
  const t = useT();
  const [name, setName] = useState(set?.name ?? '');
  const [subjects, setSubjects] = useState(set?.subjects ?? []);
  const [objects, setObjects] = useState(set?.objects ?? []);
  const [limits, setLimits] = useState(typedOf(set));
  const [tags, setTags] = useState(set?.tags ?? []);
  const [share, setShare] = useState(set?.shareByDefault ?? false);
  const [tried, setTried] = useState(false);
  const noName = name.trim() === '';
  const faults = faultsOf(limits);

  const save = useSteps(async () => {
    const wanted = {
      name: name.trim(),
      subjects,
      objects,
      limits: totalsOf(limits, set),
      tags,
      shareByDefault: share,
    };
    await (set ? client.call('resourceSet.set', { id: set.id, ...wanted }) : client.call('resourceSet.create', wanted));
  }, 'sets');

  function submit() {
    setTried(true);
    if (noName || faults.length > 0) return;
    save.mutate(undefined, closing(onClose, t(set ? 'sets.saved' : 'sets.added', { name: name.trim() })));
  }

  return (
    <DialogForm verb={set ? t('action.save') : t('sets.create')} save={save} onSubmit={submit} onClose={onClose}>
      <TextInput
        label={t('groups.name')}
        {...required(true)}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={tried && noName ? t('form.required') : undefined}
        data-autofocus
        autoComplete="off"
      />
      <SubjectsSelect
        label={t('sets.subjects')}
        description={t('sets.subjectsHelp')}
        users={users}
        groups={groups}
        value={subjects}
        onChange={setSubjects}
      />
      <ObjectPicker
        types={OFFERABLE}
        label={t('sets.objects')}
        description={t('sets.objectsHelp')}
        placeholder={t('rights.objectsPlaceholder')}
        value={objects}
        onChange={setObjects}
      />
      <Fieldset legend={t('sets.limits')} variant="unstyled" className={classes['fieldset']}>
        <div className={classes['pair']}>
          {LIMITS.map((one) => (
            <NumberInput
              key={one}
              label={limitName(one)}
              placeholder={t('sets.unlimited')}
              min={0}
              allowDecimal={isBytes(one)}
              suffix={isBytes(one) ? ' GiB' : ''}
              value={limits[one]}
              onChange={(value) => setLimits((old) => ({ ...old, [one]: String(value) }))}
              error={tried && faults.includes(one) ? t('sets.noAmount') : undefined}
            />
          ))}
        </div>
      </Fieldset>
      <TagsInput
        label={t('col.tags')}
        description={t('sets.tagsHelp')}
        value={tags}
        onChange={setTags}
        acceptValueOnBlur
      />
      <Checkbox
        label={t('sets.share')}
        description={t('sets.shareHelp')}
        checked={share}
        onChange={(event) => setShare(event.currentTarget.checked)}
      />
    </DialogForm>
  );
}
