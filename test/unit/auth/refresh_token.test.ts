import { describe, expect, it } from 'vitest'
import { newRefreshToken, newRotationSalt, parseRefreshToken, successorOf } from '../../../src/features/auth/refresh_token.ts'

const sessionId = '01923f00-0000-7000-8000-00000000000a'

describe('a refresh token', () => {
  it('is read back as what it was made as', () => {
    const token = newRefreshToken(sessionId)
    expect(token.text).toMatch(/^[\w-]{107}$/)
    expect(parseRefreshToken(token.text)).toMatchObject({ sessionId, familyHash: token.familyHash, secretHash: token.secretHash })
  })

  it('shares its family and not its secret with its successor', () => {
    const token = newRefreshToken(sessionId)
    const next = successorOf(token, newRotationSalt())
    expect(next.sessionId).toBe(sessionId)
    expect(next.familyHash).toBe(token.familyHash)
    expect(next.secretHash).not.toBe(token.secretHash)
  })

  it('has one successor for each salt', () => {
    const token = newRefreshToken(sessionId)
    const salt = newRotationSalt()
    expect(successorOf(token, salt).text).toBe(successorOf(token, salt).text)
    expect(successorOf(token, newRotationSalt()).text).not.toBe(successorOf(token, salt).text)
  })

  it.each(['', 'a', 'a'.repeat(106), 'a'.repeat(108), `${'a'.repeat(106)}!`, `${'a'.repeat(106)}\n`])('is not %j', (text) => {
    expect(parseRefreshToken(text)).toBeUndefined()
  })
})
