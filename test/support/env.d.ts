import type { D1Migration } from 'cloudflare:test'
import type { Env } from '../../src/config.ts'

declare global {
  namespace Cloudflare {
    // What `env` of cloudflare:test is: the Worker's own bindings and those of test/vitest.config.ts.
    interface Env extends WorkerEnv {
      TEST_MIGRATIONS: D1Migration[]
      TEST_CRONS: string[]
    }
  }
}

type WorkerEnv = Env
