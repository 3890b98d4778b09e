// The console: where it starts.
import { Container, Title } from '@mantine/core';
import { mount } from '../../common/web/mount.js';
import { strings } from './strings.js';

mount(
  <Container component="main" py="xl">
    <Title>{strings.title}</Title>
  </Container>,
);
