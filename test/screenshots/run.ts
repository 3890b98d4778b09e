// `npm run screenshots [-- NAME…]`: makes the pictures in docs/screenshots.
import { launchBrowser, noBrowser } from '../support/browser.js';
import { capture } from './capture.js';
import { consoleShots } from './console.js';

if (noBrowser) throw new Error(noBrowser);
const browser = await launchBrowser();
const { shots, close } = await consoleShots();
try {
  await capture(browser, shots, process.argv.slice(2));
} finally {
  await browser.close();
  await close();
}
