import type { TestProject } from 'vitest/node'
import { startReceiver } from './receiver.ts'
import type { Receiver } from './receiver.ts'

declare module 'vitest' {
  interface ProvidedContext {
    receiverUrl: string
  }
}

let receiver: Receiver | undefined

/** One receiver of webhooks for all tests in the real runtime, which reach it over a real connection. */
export async function setup(project: TestProject): Promise<void> {
  receiver = await startReceiver()
  project.provide('receiverUrl', receiver.url)
}

export async function teardown(): Promise<void> {
  await receiver?.close()
}
