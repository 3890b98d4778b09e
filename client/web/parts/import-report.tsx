// The result of an import: how many photographs were added, which were not, and why.
import { Alert, List, Text } from '@mantine/core';
import { IconPhotoCheck } from '@tabler/icons-react';
import type { Imported } from '../photographs/import-files.js';
import { fieldName } from './fields-form.js';
import { STRINGS } from '../strings/index.js';

const SHOWN = 8;
const text = STRINGS.collect.imported;

export function ImportReport({
  imported: {
    added,
    completed,
    known,
    conflicts,
    refused,
    problems,
    folders,
    unnamed,
    others,
    notes,
  },
  onClose,
}: {
  imported: Imported;
  onClose: () => void;
}) {
  const kinds = Object.entries(others).sort(([, a], [, b]) => b - a);
  return (
    <Alert
      variant="light"
      color={problems.length + refused.length + conflicts.length > 0 ? 'yellow' : 'sea'}
      icon={<IconPhotoCheck aria-hidden />}
      title={text.title(added.length)}
      withCloseButton
      onClose={onClose}
      closeButtonLabel={STRINGS.common.close}
      aria-live="polite"
    >
      {completed.length > 0 && <Text size="sm">{text.completed(completed.length)}</Text>}
      {known > 0 && <Text size="sm">{text.known(known)}</Text>}
      {unnamed > 0 && <Text size="sm">{text.unnamed(unnamed)}</Text>}
      {kinds.length > 0 && (
        <Text size="sm">
          {text.others(
            kinds.reduce((sum, [, n]) => sum + n, 0),
            kinds.map(([kind, n]) => `${n} × ${kind === 'hidden' ? text.hidden : kind}`).join(', '),
          )}
        </Text>
      )}
      {added.some(({ fields }) => fields.diagnostic === undefined) && (
        <Text size="sm">{text.label}</Text>
      )}
      <Reasons title={text.notes} reasons={notes} />
      <Reasons
        title={text.folders}
        reasons={Object.entries(folders).map(
          ([folder, n]) => `${folder}: ${STRINGS.photographs(n)}`,
        )}
      />
      <Reasons
        title={text.refused(refused.length)}
        reasons={refused.map(
          ({ name, quality }) =>
            `${name}: ${quality.map(({ problem }) => STRINGS.quality[problem].title.toLowerCase()).join(', ')}`,
        )}
      />
      <Reasons
        title={text.conflicts(conflicts.length)}
        reasons={conflicts.map(({ name, field, here, table }) =>
          text.conflict(name, fieldName(field), here, table),
        )}
      />
      <Reasons
        title={text.problems(problems.length)}
        reasons={problems.map(({ message }) => message)}
      />
    </Alert>
  );
}

function Reasons({ title, reasons }: { title: string; reasons: readonly string[] }) {
  if (reasons.length === 0) return null;
  return (
    <>
      <Text size="sm" mt="xs" fw={600}>
        {title}
      </Text>
      <List size="sm">
        {reasons.slice(0, SHOWN).map((reason) => (
          <List.Item key={reason}>{reason}</List.Item>
        ))}
        {reasons.length > SHOWN && <List.Item>{text.more(reasons.length - SHOWN)}</List.Item>}
      </List>
    </>
  );
}
