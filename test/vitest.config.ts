import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { root } from '../scripts/dev/settings.ts'
import { cronsOf, readWranglerConfig } from '../scripts/dev/wrangler_config.ts'

/** A secret as production has it, new in each run. */
function testJwtKeys(): string {
  const { privateKey } = generateKeyPairSync('ed25519')
  return JSON.stringify([{ ...privateKey.export({ format: 'jwk' }), kid: randomUUID() }])
}

/** A test that asserts nothing, say because what it loops over is empty, would pass for ever. */
const expect = { requireAssertions: true }

/**
 * unit: pure code in Node. workerd: Worker, D1 and Durable Objects in the real runtime, one storage
 * for all files (isolation per file costs five times the run), so each test makes its own tenant.
 * e2e: real processes, one after the other.
 */
export default defineConfig({
  root,
  test: {
    // Each request writes a log line: shown only where a test fails.
    silent: 'passed-only',
    projects: [
      {
        root,
        // Pure code keeps no state that a file could leave behind; loading it anew for each file doubles the run.
        test: {
          name: 'unit',
          expect,
          include: ['test/unit/**/*.test.ts', 'test/sim/**/*.test.ts'],
          setupFiles: ['test/support/unpooled_buffers.ts'],
          isolate: false,
          maxWorkers: '100%',
          testTimeout: 60_000,
        },
      },
      {
        root,
        // As auth/password.ts imports it; test/support/password_cost.ts says why.
        resolve: { alias: [{ find: /^\.\/password_cost\.ts$/, replacement: join(root, 'test/support/password_cost.ts') }] },
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: join(root, 'wrangler.toml') },
            miniflare: {
              bindings: {
                ENVIRONMENT: 'test',
                // The hostile suite sends thousands of requests as one person; the limits have their own tests.
                RATE_LIMIT_USER_PER_HOUR: '1000000',
                RATE_LIMIT_API_KEY_PER_MINUTE: '1000000',
                JWT_KEYS: testJwtKeys(),
                ENCRYPTION_KEYS: JSON.stringify([{ kid: 'test', k: randomBytes(32).toString('base64url') }]),
                METRICS_TOKEN: 'metrics-token-of-the-tests',
                WEBHOOK_PRIVATE_TARGETS: 'true',
                TEST_MIGRATIONS: await readD1Migrations(join(root, 'migrations')),
                TEST_CRONS: cronsOf(await readWranglerConfig()),
              },
              // Nobody reads these queues: a mail that went out in the middle of a test would have forgotten its token, and a
              // message of a task that the runtime delivers by itself keeps the runtime from ending. Tests deliver what they want.
              queueProducers: {
                TASK_JOBS: { queueName: 'task-jobs-of-tests' },
                EMAIL_JOBS: { queueName: 'email-jobs-of-tests' },
                ALERT_JOBS: { queueName: 'alert-jobs-of-tests' },
                NOTIFY_JOBS: { queueName: 'notify-jobs-of-tests' },
              },
            },
          })),
        ],
        test: {
          name: 'workerd',
          expect,
          include: ['test/workerd/**/*.test.ts'],
          setupFiles: ['test/support/apply_migrations.ts'],
          globalSetup: ['test/support/receiver_global.ts'],
          isolate: false,
          maxWorkers: 1,
          testTimeout: 60_000,
        },
      },
      {
        root,
        test: {
          name: 'e2e',
          expect,
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
