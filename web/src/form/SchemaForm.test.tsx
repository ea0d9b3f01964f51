import { fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { describe, expect, it, vi } from 'vitest';
import type { Schemas } from '../api/methods';
import { UiProvider } from '../ui/Provider';
import { STORED } from './schema';
import { SchemaForm } from './SchemaForm';

const schema = {
  type: 'object',
  required: ['base', 'password'],
  properties: {
    base: { type: 'string', title: 'Search base' },
    port: { type: 'integer', title: 'Port', default: 636 },
    password: { type: 'string', title: 'Its password', 'x-secret': true, maxLength: 8 },
    deep: {
      type: 'object',
      title: 'Group',
      properties: { list: { type: 'array', title: 'Names', items: { type: 'string' } } },
    },
  },
};

function setup(initial: Record<string, unknown>, errors: Schemas['InvalidParameter'][] = []) {
  const submitted = vi.fn();
  const changed = vi.fn();
  function Host() {
    const [value, setValue] = useState(initial);
    return (
      <UiProvider>
        <SchemaForm
          id="f"
          schema={schema}
          value={value}
          errors={errors}
          onChange={(next) => {
            changed(next);
            setValue(next);
          }}
          onSubmit={submitted}
        >
          <button type="submit">Save</button>
        </SchemaForm>
      </UiProvider>
    );
  }
  render(<Host />);
  return { submitted, changed, save: () => fireEvent.click(screen.getByRole('button', { name: 'Save' })) };
}

const input = (label: string) => screen.getByLabelText<HTMLInputElement>(label);
const type = (label: string, value: string) => fireEvent.change(input(label), { target: { value } });

describe('a stored secret', () => {
  it('is not shown, and kept when nobody touches it', () => {
    const { save, submitted } = setup({ base: 'dc=org', password: STORED });
    expect(screen.getByText(/Stored/)).toBeTruthy();
    expect(document.body.innerHTML).not.toContain(STORED);
    save();
    expect(submitted).toHaveBeenCalledWith({ base: 'dc=org', port: 636, password: STORED });
  });

  it('is replaced by what is typed', () => {
    const { save, submitted } = setup({ base: 'dc=org', password: STORED });
    fireEvent.click(screen.getByRole('button', { name: 'Replace: Its password' }));
    type('Its password', 'new');
    save();
    expect(submitted.mock.calls[0]?.[0]).toMatchObject({ password: 'new' });
  });

  it('comes back with "keep"', () => {
    const { save, submitted } = setup({ base: 'dc=org', password: STORED });
    fireEvent.click(screen.getByRole('button', { name: 'Replace: Its password' }));
    type('Its password', 'oops');
    fireEvent.click(screen.getByRole('button', { name: 'Keep the stored one' }));
    save();
    expect(submitted.mock.calls[0]?.[0]).toMatchObject({ password: STORED });
  });

  it('that was never there has nothing to keep', () => {
    setup({ base: 'dc=org' });
    expect(input('Its password').type).toBe('password');
    expect(screen.queryByRole('button', { name: 'Keep the stored one' })).toBeNull();
  });
});

describe('the form', () => {
  it('has defaults without anybody changing anything', () => {
    const { changed } = setup({});
    expect(input('Port').value).toBe('636');
    expect(changed).not.toHaveBeenCalled();
  });

  it('does not send what is incomplete, and says where', () => {
    const { save, submitted } = setup({ password: 'x' });
    save();
    expect(submitted).not.toHaveBeenCalled();
    expect(screen.getByText('Please fill this in.')).toBeTruthy();
    expect(input('Search base').getAttribute('aria-invalid')).toBe('true');
  });

  it("shows the daemon's findings at their fields", () => {
    setup({ base: 'x', password: 'x' }, [{ instancePath: '/base', message: 'is not a distinguished name' }]);
    expect(screen.getByText('is not a distinguished name')).toBeTruthy();
    expect(input('Search base').getAttribute('aria-invalid')).toBe('true');
  });

  it('grows and shrinks lists', () => {
    const { changed } = setup({ base: 'x', password: 'x' });
    fireEvent.click(screen.getByRole('button', { name: 'Add to Names' }));
    type('Names-1', 'one');
    expect(changed.mock.lastCall?.[0]).toMatchObject({ deep: { list: ['one'] } });
    fireEvent.click(screen.getByRole('button', { name: 'Remove item 1' }));
    expect(changed.mock.lastCall?.[0]).toMatchObject({ deep: { list: [] } });
  });
});
