// The form for a lesion's data: diagnosis and patient first, the other columns of PAD-UFES-20 on
// demand.
import {
  Alert,
  Button,
  Collapse,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAlertTriangle, IconChevronDown } from '@tabler/icons-react';
import {
  type Field,
  fieldProblem,
  type Fields,
  labelIn,
  REGIONS,
} from '../photographs/photograph.js';
import { useSession } from '../session/app-state.js';
import { diagnosisChoice, diagnosisName, STRINGS } from '../strings/index.js';

const SIGNS = ['itch', 'grew', 'hurt', 'changed', 'bleed', 'elevation'] as const;
const text = STRINGS.fields;

/** The table's words for yes and no. */
const ANSWERS = [
  { value: 'True', label: text.yes },
  { value: 'False', label: text.no },
];

export function FieldsForm({
  fields,
  onChange,
}: {
  fields: Fields;
  onChange: (fields: Fields) => void;
}) {
  const [more, { toggle }] = useDisclosure(
    ['gender', 'biopsed', 'diameter_1', ...SIGNS].some(
      (field) => fields[field as Field] !== undefined,
    ),
  );
  const { labels } = useSession();
  const set = (field: Field) => (value: string | null) =>
    onChange({ ...fields, [field]: value ?? '' });
  const problem = (field: Field, expected?: string) =>
    fields[field] && fieldProblem(field, fields[field])
      ? expected
        ? text.outside(expected)
        : text.invalid
      : undefined;
  // An imported value that isn't on the list is kept.
  const choices = (
    field: Field,
    known: { value: string; label: string }[],
    nameOf = (value: string) => value,
  ) =>
    !fields[field] || known.some((k) => k.value === fields[field])
      ? known
      : [...known, { value: fields[field], label: nameOf(fields[field]) }];
  const select = (
    field: Field,
    label: string,
    known: { value: string; label: string }[],
    searchable = false,
  ) => (
    <Select
      label={label}
      data={choices(field, known)}
      value={fields[field] || null}
      onChange={set(field)}
      clearable
      searchable={searchable}
      placeholder={text.none}
      comboboxProps={{ withinPortal: true }}
      clearButtonProps={{ 'aria-label': `${label}: ${text.none}` }}
    />
  );
  const number = (field: Field, label: string, description: string) => (
    // A text: a field for numbers leaves out what it does not take, and 47,5 becomes 475.
    <TextInput
      label={label}
      description={description}
      value={fields[field] ?? ''}
      onChange={(e) => set(field)(e.currentTarget.value)}
      autoComplete="off"
      inputMode="decimal"
      error={problem(field, description)}
    />
  );
  const label = labelIn(fields, labels);
  const inStudy =
    !fields.diagnostic || label === fields.diagnostic
      ? undefined
      : label === undefined
        ? text.foreign
        : text.countsAs(diagnosisName(label));
  return (
    <Stack gap="md">
      <Select
        label={text.diagnostic}
        value={fields.diagnostic || null}
        onChange={set('diagnostic')}
        clearable
        maxDropdownHeight={380}
        placeholder={text.none}
        size="md"
        clearButtonProps={{ 'aria-label': `${text.diagnostic}: ${text.none}` }}
        data={choices(
          'diagnostic',
          labels.names.map((name) => ({ value: name, label: diagnosisChoice(name) })),
          diagnosisChoice,
        )}
        description={inStudy}
      />
      <TextInput
        label={text.patient_id}
        description={text.patientHint}
        value={fields.patient_id ?? ''}
        onChange={(e) => set('patient_id')(e.currentTarget.value)}
        error={problem('patient_id')}
        autoComplete="off"
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        {number('age', text.age, text.ageRange)}
        {select(
          'region',
          text.region,
          REGIONS.map((region) => ({ value: region, label: STRINGS.regions[region]! })),
          true,
        )}
      </SimpleGrid>
      {select(
        'fitspatrick',
        text.fitspatrick,
        STRINGS.fitzpatrick.map((label, i) => ({ value: String(i + 1), label })),
      )}
      <Button
        variant="subtle"
        size="compact-md"
        onClick={toggle}
        aria-expanded={more}
        rightSection={
          <IconChevronDown size={16} aria-hidden style={{ rotate: more ? '180deg' : '0deg' }} />
        }
        style={{ alignSelf: 'flex-start' }}
      >
        {text.more}
      </Button>
      <Collapse expanded={more}>
        <Stack gap="md">
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            {select(
              'gender',
              text.gender,
              Object.entries(text.genders).map(([value, label]) => ({ value, label })),
            )}
            {select('biopsed', text.biopsed, ANSWERS)}
            {number('diameter_1', text.diameter_1, text.diameterRange)}
            {number('diameter_2', text.diameter_2, text.diameterRange)}
          </SimpleGrid>
          <div>
            <Text fw={500} size="sm" mb="xs">
              {text.signs}
            </Text>
            <Stack gap="xs">
              {SIGNS.map((sign) => (
                <Sign key={sign} label={text[sign]} value={fields[sign]} onChange={set(sign)} />
              ))}
            </Stack>
          </div>
        </Stack>
      </Collapse>
    </Stack>
  );
}

/** What a field is called here; its column's name where it has no other. */
export function fieldName(field: Field): string {
  const name = field in text ? text[field as keyof typeof text] : field;
  return typeof name === 'string' ? name : field;
}

/** Which fields keep a form from being saved, where a person looks then: above its button. */
export function InvalidFields({ wrong }: { wrong: readonly Field[] }) {
  if (wrong.length === 0) return null;
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      role="alert"
      py="xs"
    >
      {text.correct(wrong.map(fieldName))}
    </Alert>
  );
}

function Sign({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string | undefined;
  onChange: (value: string) => void;
}) {
  return (
    <div
      style={{ display: 'flex', alignItems: 'center', justifyContent: 'space-between', gap: 12 }}
    >
      <Text size="sm">{label}</Text>
      <SegmentedControl
        aria-label={label}
        size="xs"
        value={value === 'True' || value === 'False' ? value : ''}
        onChange={onChange}
        data={[...ANSWERS, { value: '', label: text.unknown }]}
      />
    </div>
  );
}
