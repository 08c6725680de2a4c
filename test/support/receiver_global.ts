import type { TestProject } from 'vitest/node'
import { startReceiver } from './receiver.ts'

declare module 'vitest' {
  interface ProvidedContext {
    receiverUrl: string
  }
}

/** One receiver of webhooks for all tests in the real runtime, which reach it over a real connection. */
export default async function setup(project: TestProject) {
  const receiver = await startReceiver()
  project.provide('receiverUrl', receiver.url)
  return () => receiver.close()
}
