import net from 'node:net'
import tls from 'node:tls'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import { smtpReplyBytesMax } from '../../core/limits.ts'
import type { SmtpSettings } from '../../core/mail_settings.ts'
import { MailError } from './mail_error.ts'
import { renderMail } from './mime.ts'
import { smtpError } from './smtp_error.ts'
import type { SmtpFailure } from './smtp_error.ts'
import type { OutgoingMail, Transport } from './outgoing.ts'

/** Waits for the answer to QUIT no longer: the mail is accepted by then. */
const goodbyeMs = 1_000

/** Hands each mail to a server, in a connection of its own. node:net and node:tls of Workers are made of cloudflare:sockets. */
export function smtpTransport(settings: SmtpSettings): Transport {
  return async (_, mail) => {
    const message = await renderMail(mail)
    await withDeadline(settings.deadlineMs, async (deadline) => {
      const socket = await openSocket(settings, deadline)
      await converse(settings, socket, mail, message, deadline)
    })
  }
}

interface Deadline {
  /** What is to be closed in the end, or when time is up. */
  onClose(close: () => void): void
  /** What counts is done: from here on there is no deadline. */
  reached(): void
}

/**
 * Time of a socket counts silence only: a server that says a byte now and then would hold a mail for ever. So all there is ends at one
 * deadline, whatever it is at.
 */
async function withDeadline(ms: number, work: (deadline: Deadline) => Promise<void>): Promise<void> {
  const closers: (() => void)[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new MailError('deadline', `the mail server took longer than ${ms} ms`, { permanent: false })), ms)
  })
  try {
    await Promise.race([work({ onClose: (close) => closers.push(close), reached: () => clearTimeout(timer) }), late])
  } finally {
    clearTimeout(timer)
    for (const close of closers) close()
  }
}

/**
 * An open connection, encrypted already where TLS is there from the first byte: nodemailer would look up the host itself and begin
 * TLS by itself, which takes other ways of node:tls than Workers have.
 */
function openSocket({ host, port, security }: SmtpSettings, { onClose }: Deadline): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = security === 'tls' ? tls.connect({ host, port, servername: host }) : net.connect({ host, port })
    onClose(() => socket.destroy())
    const fail = (error: Error): void => reject(smtpError({ ...pick(error), command: 'CONN' }))
    const end = (): void => fail(Object.assign(new Error('the mail server closed the connection'), { code: 'ECONNECTION' }))
    socket.once('error', fail)
    socket.once('close', end)
    socket.once(security === 'tls' ? 'secureConnect' : 'connect', () => {
      socket.removeListener('close', end)
      // What fails from here on, nodemailer hears too; a socket without any listener would end the isolate's run.
      resolve(socket)
    })
  })
}

/** The whole conversation; resolves once the server accepted the mail. */
async function converse(
  settings: SmtpSettings,
  connection: net.Socket,
  mail: OutgoingMail,
  message: string,
  deadline: Deadline,
): Promise<void> {
  const { security, login, deadlineMs } = settings
  const smtp = new SMTPConnection({
    host: settings.host,
    port: settings.port,
    connection,
    secure: security === 'tls',
    secured: security === 'tls',
    // A server that does not offer TLS, or somebody on the way who takes the offer out, gets no mail and no password.
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    name: mail.from.address.replace(/^.*@/, ''),
    connectionTimeout: deadlineMs,
    greetingTimeout: deadlineMs,
    socketTimeout: deadlineMs,
    socketCloseTimeout: 0,
    maxResponseSize: smtpReplyBytesMax,
  })
  deadline.onClose(() => smtp.close())
  // A failure comes to the callback of the step, or as an event, or both: the first one counts.
  const failed = new Promise<never>((_, reject) => smtp.on('error', (error: SmtpFailure) => reject(smtpError(pick(error)))))
  const step = <T>(run: (done: (error?: SmtpFailure | null, value?: T) => void) => void): Promise<T | undefined> =>
    Promise.race([failed, settled(run)])
  failed.catch(() => undefined)
  const ended = new Promise<void>((resolve) => smtp.once('end', resolve))
  await step((done) => smtp.connect(done))
  if (login !== null) await step((done) => smtp.login(login, done))
  await step((done) => smtp.send({ from: mail.from.address, to: [mail.to] }, message, done))
  deadline.reached()
  smtp.quit()
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, goodbyeMs))])
}

function settled<T>(run: (done: (error?: SmtpFailure | null, value?: T) => void) => void): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    run((error, value) => {
      if (error === undefined || error === null) resolve(value)
      else reject(smtpError(pick(error)))
    })
  })
}

/** Only what counts: an error of nodemailer holds its whole connection. */
function pick({ message, code, responseCode, response, command }: SmtpFailure | (Error & Partial<SmtpFailure>)): SmtpFailure {
  return { message, code, responseCode, response, command }
}
