import { describe, expect, it } from 'vitest'
import { rowOf } from './collect.ts'
import { platforms } from './producers_platforms.ts'
import { loggers } from './producers_loggers.ts'

describe('a record of', () => {
  it.each(Object.entries({ ...platforms, ...loggers }))('%s becomes the row that a person expects', (_, { record, row }) => {
    expect(rowOf(record)).toEqual(row)
  })
})
