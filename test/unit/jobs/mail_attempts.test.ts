import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../../../scripts/dev/settings.ts'
import { mailAttemptsMax } from '../../../src/core/limits.ts'

it('takes for the last delivery of a mail the one that the queue makes last', () => {
  // As text: loading wrangler, which could parse it, takes seconds.
  const consumers = readFileSync(join(root, 'wrangler.toml'), 'utf8')
    .split('[[')
    .filter((part) => part.startsWith('queues.consumers]]'))
  const mails = consumers.filter((part) => /^queue = "email-jobs"$/m.test(part))
  expect(mails.map((part) => Number(/^max_retries = (\d+)$/m.exec(part)?.[1]))).toEqual([mailAttemptsMax - 1])
})
