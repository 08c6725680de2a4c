import { expect, it } from 'vitest'
import { isTemporary } from '../../../src/core/temporary.ts'

const marked = (marks: object) => Object.assign(new Error('gone'), marks)

it.each([
  [marked({ retryable: true })],
  [marked({ overloaded: true })],
  [new Error('Network connection lost.')],
  [new Error('Durable Object storage operation exceeded timeout which caused object to be reset.')],
  [new Error('Durable Object reset because its code was updated.')],
  [new Error('Your account is doing too much. Please back off and try again later.')],
  [new Error('internal error; reference = abc')],
  [new Error('D1_ERROR: D1 DB is overloaded. Too many requests queued.')],
  [new Error('the query failed', { cause: new Error('Network connection lost.') })],
])('%s may pass', (error) => {
  expect(isTemporary(error)).toBe(true)
})

it.each([
  [new RangeError('a batch of 0 blocks')],
  [new TypeError('undefined is not a function')],
  [new Error('this shard is {}, not {}')],
  [marked({ retryable: false, overloaded: 'yes', remote: true })],
  ['overloaded'],
  [undefined],
])('%s does not', (error) => {
  expect(isTemporary(error)).toBe(false)
})
