import { afterAll, beforeAll, vi } from 'vitest'

/**
 * For files that send thousands of requests: each writes a log line, and handing those to the test runner takes longer than
 * answering. Errors are still shown.
 */
export function withoutLogLines(): void {
  beforeAll(() => void vi.spyOn(console, 'log').mockImplementation(() => undefined))
  afterAll(() => void vi.restoreAllMocks())
}

/** Prints a line in spite of that. */
export function say(line: string): void {
  console.info(line)
}
