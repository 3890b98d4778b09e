// Says that what is shown may be out of date, while the connection is down.
import { Alert } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { strings } from './strings/index.js';

export const Offline = ({ online }: { online: boolean }) =>
  online ? null : (
    <Alert color="orange" variant="light" icon={<IconPlugConnectedX />} role="status">
      {strings.offline}
    </Alert>
  );
