// Deletes everything that this browser keeps, after a word is typed to confirm.
import { Button, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { deleteAll } from '../session/app-state.js';
import { STRINGS } from '../strings/index.js';

export function DeleteEverything() {
  const [open, { open: ask, close }] = useDisclosure();
  const [word, setWord] = useState('');
  const text = STRINGS.settings;
  return (
    <>
      <Button
        color="red"
        variant="light"
        leftSection={<IconTrash size={18} aria-hidden />}
        onClick={ask}
      >
        {text.deleteAll}
      </Button>
      <Modal
        opened={open}
        onClose={close}
        title={text.deleteAll}
        centered
        closeButtonProps={{ 'aria-label': STRINGS.common.close }}
      >
        <Stack>
          <Text size="sm">{text.deleteAllText}</Text>
          <TextInput
            label={text.deleteConfirm}
            value={word}
            onChange={(e) => setWord(e.currentTarget.value)}
            autoComplete="off"
            autoCapitalize="characters"
          />
          <Button
            color="red"
            disabled={word.trim() !== text.deleteWord}
            onClick={() => void deleteAll()}
          >
            {text.deleteAll}
          </Button>
        </Stack>
      </Modal>
    </>
  );
}
