import type * as z from 'zod'

/**
 * What a request's value must be, in words that follow its name; undefined leaves it to the schema library. A message that a
 * schema gives itself comes first.
 */
export function issueText(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : typeText(issue.expected)
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`
    case 'too_big':
      return `must ${sizeText(issue.origin, 'at most', issue.maximum)}`
    case 'too_small':
      return `must ${sizeText(issue.origin, 'at least', issue.minimum)}`
    default:
      return undefined
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text that is given once',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

function typeText(expected: string): string | undefined {
  return typeNames[expected] === undefined ? undefined : `must be ${typeNames[expected]}`
}

function sizeText(origin: string, bound: string, size: number | bigint): string {
  if (origin === 'string') return `have ${bound} ${size} ${size === 1 ? 'character' : 'characters'}`
  if (origin === 'array' || origin === 'set') return `have ${bound} ${size} ${size === 1 ? 'entry' : 'entries'}`
  return `be ${bound} ${size}`
}
