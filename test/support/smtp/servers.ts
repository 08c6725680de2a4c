import net from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { SMTPServer } from 'smtp-server'
import type { SMTPServerOptions } from 'smtp-server'
import type { Certificate } from './certificates.ts'

/** A mail that a server accepted. */
export interface Received {
  to: string[]
  message: string
  isEncrypted: boolean
  /** Who logged in, by what method. */
  login: string | undefined
}

/** Servers of one test file, all ended at once. */
export interface MailServers {
  /** A real server; gives its port. Addresses decide: `gone@` is refused for good, `later@` the first time, `spam@` after the last dot. */
  real(options: SMTPServerOptions): Promise<number>
  /** A server that keeps to the protocol but for some replies. */
  faulty(faults: Faults): Promise<number>
  readonly received: Received[]
  /** Connections of faulty servers that are open now. (workerd leaves one that STARTTLS made over to the server, which ends it behind QUIT.) */
  open(): number
  stop(): Promise<void>
}

/** What a faulty server does instead of its reply to a command (its first four letters; GREE: on connecting, DOT: behind the mail). */
export type Faults = Readonly<Record<string, Fault>>
/** A reply, or `stall`, `close`, `reset`, `trickle`, `flood`. */
export type Fault = string

export const password = 'right password'

export function startMailServers({ cert, key }: Certificate): MailServers {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  const plain = new Set<Socket>()
  const ends: (() => void)[] = []
  const deferred = new Set<string>()
  return {
    received,
    open: () => plain.size,
    async real(options) {
      const server = new SMTPServer({ ...realOptions(received, deferred), cert, key, ...options })
      // Clients that hang up in the middle are what some tests are about.
      server.on('error', () => undefined)
      return listen(server.server, sockets, ends)
    },
    async faulty(faults) {
      const server = net.createServer((socket) => {
        plain.add(socket)
        socket.on('close', () => plain.delete(socket))
        converse(socket, faults, received)
      })
      return listen(server, sockets, ends)
    },
    async stop() {
      for (const end of ends) end()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function listen(server: Server, sockets: Set<Socket>, ends: (() => void)[]): Promise<number> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
  })
  ends.push(() => void server.close())
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

function realOptions(received: Received[], deferred: Set<string>): SMTPServerOptions {
  const refusal = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode })
  return {
    logger: false,
    authOptional: true,
    disableReverseLookup: true,
    onAuth({ method, username, password: given }, _, done) {
      if (given === password) done(null, { user: `${username} by ${method}` })
      else done(refusal(535, '5.7.8 wrong password'))
    },
    onRcptTo({ address }, _, done) {
      if (address.startsWith('gone')) return done(refusal(550, '5.1.1 no such user'))
      if (address.startsWith('policy')) return done(refusal(550, '5.7.1 not from you'))
      if (address.startsWith('later') && !deferred.has(address)) {
        deferred.add(address)
        return done(refusal(451, '4.7.1 come back later'))
      }
      done()
    },
    onData(stream, { envelope, secure, user }, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const to = envelope.rcptTo.map(({ address }) => address)
        if (to.some((address) => address.startsWith('spam'))) return done(refusal(554, '5.7.1 spam'))
        received.push({
          to,
          message: Buffer.concat(chunks).toString('latin1'),
          isEncrypted: secure,
          login: typeof user === 'string' ? user : undefined,
        })
        done(null, 'queued')
      })
    },
  }
}

/** Speaks SMTP line by line, but for its faults. */
function converse(socket: Socket, faults: Faults, received: Received[]): void {
  let [buffer, message, isData] = ['', '', false]
  const to: string[] = []
  const reply = (step: string, usual: string): void => act(socket, faults[step] ?? usual)
  reply('GREE', '220 mail.example ESMTP')
  socket.on('data', (chunk: Buffer) => {
    buffer += chunk.toString('latin1')
    for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
      const line = buffer.slice(0, end)
      buffer = buffer.slice(end + 2)
      if (isData && line !== '.') {
        // A dot at the beginning of a line was doubled on the way (RFC 5321, section 4.5.2).
        message += `${line.replace(/^\./, '')}\r\n`
      } else if (isData) {
        isData = false
        received.push({ to: [...to], message, isEncrypted: false, login: undefined })
        reply('DOT', '250 2.0.0 queued')
      } else {
        const step = line.slice(0, 4).toUpperCase()
        if (step === 'RCPT') to.push(line.slice(9, -1))
        isData = step === 'DATA' && faults[step] === undefined
        reply(step, isData ? '354 go on' : '250 2.0.0 ok')
      }
    }
  })
}

function act(socket: Socket, fault: Fault): void {
  switch (fault) {
    case 'stall':
      return
    case 'close':
      return void socket.end()
    case 'reset':
      return void socket.resetAndDestroy()
    case 'trickle': {
      const timer = setInterval(() => socket.write('2'), 100)
      return void socket.on('close', () => clearInterval(timer))
    }
    case 'flood': {
      const more = (): void => {
        while (!socket.destroyed && socket.write(`250-${'x'.repeat(1000)}\r\n`));
      }
      socket.on('drain', more)
      return more()
    }
    default:
      return void socket.write(`${fault}\r\n`)
  }
}
