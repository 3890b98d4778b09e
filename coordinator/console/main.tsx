// Entry point of the console.
import '@mantine/notifications/styles.css';
import { mount } from '../../common/web/mount.js';
import { App } from './app.js';
import './console.css';

mount(<App />);
