// Fills in the same fields of several photographs at once.
import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import {
  type Fields,
  invalidFields,
  type Photograph,
  withoutEmpty,
} from '../photographs/photograph.js';
import { useSession } from '../session/app-state.js';
import { STRINGS } from '../strings/index.js';
import { ErrorNote } from './error-note.js';
import { FieldsForm, InvalidFields } from './fields-form.js';
import { useTask } from './use-task.js';

const text = STRINGS.collect.many;

export function DescribeMany({
  photographs,
  onDone,
  onCancel,
}: {
  photographs: readonly Photograph[];
  onDone: () => void;
  onCancel: () => void;
}) {
  const { collection } = useSession();
  const [fields, setFields] = useState<Fields>({});
  const [tried, setTried] = useState(false);
  const { busy, error, run } = useTask();
  const wrong = invalidFields(fields);
  const filled = Object.keys(withoutEmpty(fields)) as (keyof Fields)[];
  const overwritten = photographs.filter(({ fields: before }) =>
    filled.some((field) => before[field] !== undefined && before[field] !== fields[field]),
  ).length;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (wrong.length > 0 || filled.length === 0) return;
        void run(async () => (await collection.describeAll(photographs, fields), onDone()));
      }}
    >
      <Stack>
        <Text size="sm" c="dimmed">
          {text.hint}
        </Text>
        <FieldsForm fields={fields} onChange={setFields} />
        {tried && <InvalidFields wrong={wrong} />}
        {overwritten > 0 && <Text size="sm">{text.overwrites(overwritten)}</Text>}
        <ErrorNote error={error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            {STRINGS.common.cancel}
          </Button>
          <Button type="submit" loading={busy} disabled={filled.length === 0}>
            {text.apply(photographs.length)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
