import { describe, expect, it } from 'vitest'
import { cloudflareError } from '../../../src/jobs/mail/cloudflare_error.ts'
import { smtpError } from '../../../src/jobs/mail/smtp_error.ts'
import type { SmtpFailure } from '../../../src/jobs/mail/smtp_error.ts'
import { sendgridError } from '../../../src/jobs/mail/transport_sendgrid.ts'

const later = { permanent: false, bounced: false, isSetup: false }
const never = { permanent: true, bounced: false, isSetup: false }
const setup = { permanent: false, bounced: false, isSetup: true }

const reply = (command: string, response: string): SmtpFailure => {
  return { message: 'failed', code: 'EENVELOPE', command, response, responseCode: Number(response.slice(0, 3)) }
}

describe('what a failure of SMTP means', () => {
  it.each<[string, SmtpFailure, object]>([
    ['a refused connection', { message: 'connect ECONNREFUSED', code: 'ECONNREFUSED', command: 'CONN' }, later],
    ['silence', { message: 'Timeout', code: 'ETIMEDOUT', command: 'CONN' }, later],
    ['an end in the middle', { message: 'Connection closed', code: 'ECONNECTION', command: 'CONN' }, later],
    ['a certificate of somebody else', { message: 'certificate', code: 'ETLS', command: 'CONN' }, setup],
    ['a busy greeting', { ...reply('CONN', '421 4.3.2 busy'), code: 'EPROTOCOL' }, later],
    ['a greeting that refuses', { ...reply('CONN', '554 5.3.2 not for you'), code: 'EPROTOCOL' }, setup],
    ['a wrong password', { ...reply('AUTH PLAIN', '535 5.7.8 wrong'), code: 'EAUTH' }, setup],
    ['a login that fails for now', { ...reply('AUTH PLAIN', '454 4.7.0 later'), code: 'EAUTH' }, setup],
    ['no credentials at all', { message: 'Missing credentials', code: 'EAUTH', command: 'API' }, setup],
    ['a sender who must log in', reply('MAIL FROM', '530 5.7.0 authentication required'), setup],
    ['a sender who is refused', reply('MAIL FROM', '550 5.7.1 not your domain'), setup],
    ['a mail announced too large', reply('MAIL FROM', '552 5.3.4 too large'), never],
    ['a sender who is to wait', reply('MAIL FROM', '451 4.7.1 later'), later],
    ['a greylisted recipient', reply('RCPT TO', '451 4.7.1 come back'), later],
    ['a full mailbox', reply('RCPT TO', '452 4.2.2 full'), later],
    ['a mailbox that does not exist', reply('RCPT TO', '550 5.1.1 no such user'), { ...never, bounced: true }],
    ['a mailbox that does not exist, in several lines', reply('RCPT TO', '550-5.1.1 no such\n550 5.1.1 user'), { ...never, bounced: true }],
    ['a domain that does not exist', reply('RCPT TO', '550 5.1.2 no such domain'), { ...never, bounced: true }],
    ['a recipient refused by a policy', reply('RCPT TO', '550 5.7.1 blocked'), never],
    ['a recipient refused without a reason', reply('RCPT TO', '550 no'), never],
    ['a recipient refused by what is not an enhanced code', reply('RCPT TO', '550 see 5.1.1'), never],
    ['a recipient only for those who log in', reply('RCPT TO', '530 5.7.0 log in'), setup],
    ['a DATA refused', reply('DATA', '554 5.6.0 no'), never],
    ['a mail taken for spam', { ...reply('DATA', '554 5.7.1 spam'), code: 'EMESSAGE' }, never],
    ['a mail about a missing mailbox refused as a whole', reply('DATA', '550 5.1.1 no such user'), never],
    ['a mail that is to come again', { ...reply('DATA', '451 4.3.0 disk full'), code: 'EMESSAGE' }, later],
    ['a mail larger than the server said it takes', { message: 'too large', code: 'EMESSAGE', command: 'API' }, never],
    ['a closed connection, seen before sending', { message: 'destroyed', code: 'ECONNECTION', command: 'API' }, later],
    ['a reply that is none', { message: 'Invalid greeting', code: 'EPROTOCOL', command: 'CONN' }, later],
  ])('%s', (_, failure, meaning) => {
    const { permanent, bounced, isSetup } = smtpError(failure)
    expect({ permanent, bounced, isSetup }).toEqual(meaning)
  })

  it('keeps what the server said, once', () => {
    expect(smtpError(reply('RCPT TO', '550 5.1.1 no such user')).message).toBe('failed: 550 5.1.1 no such user')
    expect(smtpError({ message: 'failed: 550 no', response: '550 no', responseCode: 550, command: 'DATA' }).message).toBe('failed: 550 no')
  })
})

describe('what an answer of SendGrid means', () => {
  it.each([
    [400, never],
    [413, never],
    [415, never],
    [401, setup],
    [403, setup],
    [404, setup],
    [301, setup],
    [429, later],
    [500, later],
    [503, later],
    [200, later],
  ])('%i', (status, meaning) => {
    const { permanent, bounced, isSetup } = sendgridError(status, 'text')
    expect({ permanent, bounced, isSetup }).toEqual(meaning)
  })
})

describe('what an error of the e-mail binding means', () => {
  it.each([
    ['E_VALIDATION_ERROR', never],
    ['E_CONTENT_TOO_LARGE', never],
    ['E_RECIPIENT_SUPPRESSED', never],
    ['E_SENDER_NOT_VERIFIED', setup],
    ['E_RECIPIENT_NOT_ALLOWED', setup],
    ['E_RATE_LIMIT_EXCEEDED', later],
    ['E_DELIVERY_FAILED', later],
    [undefined, later],
  ])('%s', (code, meaning) => {
    const { permanent, bounced, isSetup } = cloudflareError(Object.assign(new Error('no'), code === undefined ? {} : { code }))
    expect({ permanent, bounced, isSetup }).toEqual(meaning)
  })
})
