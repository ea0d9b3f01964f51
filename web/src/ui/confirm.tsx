// `await confirm({...})`: every verb that destroys something asks first. One place draws the question.
import { Group, List, Radio, Stack, Text } from '@mantine/core';
import { useState, useSyncExternalStore } from 'react';
import { Button } from './Button';
import { Dialog, DialogActions } from './Dialog';

export interface Choice<V extends string = string> {
  value: V;
  label: string;
  description?: string;
  disabledReason?: string | undefined;
}

export interface Question<V extends string = string> {
  title: string;
  text?: string;
  /** What it is about, one by one. */
  details?: readonly string[] | undefined;
  /** The verb on the button, and the way out. */
  verb: string;
  cancel: string;
  close: string;
  danger?: boolean;
  /** Ways to do it; the first possible one is chosen. */
  choices?: readonly Choice<V>[];
}

type Asked = { question: Question; answer: (value: string | undefined) => void };

let asked: Asked | undefined;
const handlers = new Set<() => void>();
const publish = (next: Asked | undefined) => {
  asked = next;
  for (const handler of handlers) handler();
};
const subscribe = (handler: () => void) => {
  handlers.add(handler);
  return () => handlers.delete(handler);
};

/** Returns the choice (or 'yes' without choices), or undefined for no. */
export function confirm<V extends string = 'yes'>(question: Question<V>): Promise<V | undefined> {
  asked?.answer(undefined);
  return new Promise((resolve) => {
    publish({
      question,
      answer: (value) => {
        publish(undefined);
        resolve(value as V | undefined);
      },
    });
  });
}

/** Takes the question away; the answer is no. */
export const withdraw = (): void => asked?.answer(undefined);

export function ConfirmHost() {
  const current = useSyncExternalStore(subscribe, () => asked);
  const [last, setLast] = useState(current);
  // The words stay while the dialog fades out.
  if (current && current !== last) setLast(current);
  const shown = current ?? last;
  // There before it is asked for the first time: only then it knows where the focus was.
  return (
    <Dialog
      opened={current !== undefined}
      onClose={withdraw}
      title={shown?.question.title ?? ''}
      closeLabel={shown?.question.close ?? ''}
    >
      {shown && <Body key={shown.question.title} question={shown.question} answer={shown.answer} />}
    </Dialog>
  );
}

function Body({ question, answer }: Asked) {
  const choices = question.choices ?? [];
  const [value, setValue] = useState(
    () => choices.find((choice) => choice.disabledReason === undefined)?.value ?? 'yes',
  );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        answer(value);
      }}
    >
      <Stack gap="md">
        {question.text && <Text size="sm">{question.text}</Text>}
        {question.details && question.details.length > 0 && (
          <List size="sm" spacing={2} styles={{ item: { overflowWrap: 'anywhere' } }}>
            {question.details.map((detail) => (
              <List.Item key={detail}>{detail}</List.Item>
            ))}
          </List>
        )}
        {choices.length > 0 && (
          <Radio.Group value={value} onChange={setValue} aria-label={question.title}>
            <Stack gap="sm">
              {choices.map((choice) => (
                <Radio
                  key={choice.value}
                  value={choice.value}
                  label={choice.label}
                  description={choice.disabledReason ?? choice.description}
                  disabled={choice.disabledReason !== undefined}
                />
              ))}
            </Stack>
          </Radio.Group>
        )}
      </Stack>
      <DialogActions>
        <Group gap="sm">
          <Button type="button" variant="default" onClick={() => answer(undefined)}>
            {question.cancel}
          </Button>
          <Button type="submit" color={question.danger ? 'red' : undefined} data-autofocus>
            {question.verb}
          </Button>
        </Group>
      </DialogActions>
    </form>
  );
}
