// The public API is what docs/api-report.md says: a change shows in the review that makes it.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { apiReport, REPORT } from './api-report.js';

describe('the public API', () => {
  it('is as docs/api-report.md has it; `npm run api-report` writes it anew', async () => {
    expect(apiReport()).toBe(await readFile(REPORT, 'utf8'));
  });
});
