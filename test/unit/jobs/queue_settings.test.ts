import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../../../scripts/dev/settings.ts'
import { queueNames } from '../../../src/core/jobs.ts'
import { backOffSeconds } from '../../../src/core/back_off.ts'
import { buryMsMax, jobAttemptsMax, jobRunMsMax } from '../../../src/core/limits.ts'

/*
 * wrangler.toml, read as text. A setting that is left out has one default in production and another in local runs, so each is
 * written down.
 */

type Section = Record<string, string | number>
const text = readFileSync(join(root, 'wrangler.toml'), 'utf8')

/** The tables of that name, each as its lines say. */
function sectionsOf(name: string): Section[] {
  return text
    .split(/^(?=\[)/m)
    .filter((part) => part.startsWith(`[[${name}]]`))
    .map((part) => {
      const lines = [...part.matchAll(/^(\w+) = (?:"([^"]*)"|(\d+))$/gm)]
      return Object.fromEntries(lines.map(([, key = '', words, number]) => [key, words ?? Number(number)]))
    })
}

const producers = sectionsOf('queues.producers')
const consumers = new Map(sectionsOf('queues.consumers').map((section) => [section['queue'], section]))
const consumerSettings = ['max_batch_size', 'max_batch_timeout', 'max_concurrency', 'max_retries', 'queue', 'retry_delay']
/** Cloudflare ends a batch after that time. */
const batchMsMax = 15 * 60_000

describe('the queues of the configuration', () => {
  it('have a producer each', () => {
    expect(producers.map(({ queue }) => String(queue)).toSorted()).toEqual([...queueNames].toSorted())
    for (const producer of producers) expect(Object.keys(producer).toSorted()).toEqual(['binding', 'queue'])
  })

  it('have a consumer each, and so has the dead-letter queue of each; there is no other', () => {
    const wanted = queueNames.flatMap((name) => [name, `${name}-dead`])
    expect([...consumers.keys()].map(String).toSorted()).toEqual(wanted.toSorted())
    expect(sectionsOf('queues.consumers')).toHaveLength(wanted.length)
  })

  it.each(queueNames)('%s: every setting is written down', (name) => {
    const consumer = consumers.get(name) ?? {}
    expect(Object.keys(consumer).toSorted()).toEqual([...consumerSettings, 'dead_letter_queue'].toSorted())
    expect(consumer['dead_letter_queue']).toBe(`${name}-dead`)
    expect(Object.keys(consumers.get(`${name}-dead`) ?? {}).toSorted()).toEqual(consumerSettings.toSorted())
  })

  it.each(queueNames)('%s: gives a message up after the deliveries that the code counts with', (name) => {
    expect(consumers.get(name)?.['max_retries']).toBe(jobAttemptsMax - 1)
  })

  it('give a message up after two to four hours', () => {
    const hoursOf = (id: string) => {
      const waits = Array.from({ length: jobAttemptsMax - 1 }, (_, i) => backOffSeconds(id, i + 1))
      return waits.reduce((sum, wait) => sum + wait, 0) / 3600
    }
    const hours = Array.from({ length: 1_000 }, (_, i) => hoursOf(`message-${i}`))
    expect(Math.min(...hours)).toBeGreaterThan(2)
    expect(Math.max(...hours)).toBeLessThan(4.2)
  })

  it.each(queueNames)('%s: a batch of messages that were given up, and cannot be written down, ends by itself', (name) => {
    expect(Number(consumers.get(`${name}-dead`)?.['max_batch_size']) * buryMsMax).toBeLessThan(batchMsMax)
  })

  it.each(queueNames)('%s: a batch of jobs that all hang ends by itself', (name) => {
    expect(Number(consumers.get(name)?.['max_batch_size']) * jobRunMsMax[name]).toBeLessThan(batchMsMax)
  })
})
