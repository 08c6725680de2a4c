import { uuidv7 } from '../src/core/ids.ts'
import { executeSql } from './dev/execute_sql.ts'
import { confirmStatements, parseEmail, selectStaff, staffStatements } from './dev/staff_statements.ts'
import type { StaffChange, StaffRow } from './dev/staff_statements.ts'
import { CommandError, main, parseFlags, usageError } from './dev/terminal.ts'

const usage = `Says who is staff: people who see and manage every tenant of the deployment, but read no logs.

  npm run staff -- add EMAIL [--remote]
  npm run staff -- remove EMAIL [--remote]
  npm run staff -- list [--remote]
  npm run staff -- confirm EMAIL [--remote]   confirms the e-mail of a person whom no mail reaches, staff or not

  --remote     the deployment that wrangler.toml names, through wrangler; without it, this development machine

The person must have registered. It counts from the person's next request on.`

await main(async () => {
  const parsed = parseFlags(usage, { options: { remote: { type: 'boolean', default: false } }, allowPositionals: true })
  if (parsed === undefined) return
  const { remote } = parsed.values
  const [verb, email, ...rest] = parsed.positionals
  if (rest.length > 0) throw usageError(usage, `"${rest[0]}" is too much.`)
  if (verb === 'list') {
    if (email !== undefined) throw usageError(usage, 'list takes no e-mail address.')
    show((await executeSql([selectStaff], { remote })) as unknown as StaffRow[])
    return
  }
  if (verb === 'confirm' && email !== undefined) return confirm(parseEmail(usage, email), remote)
  if (verb !== 'add' && verb !== 'remove') throw usageError(usage, verb === undefined ? 'Say what to do.' : `"${verb}" is no command.`)
  if (email === undefined) throw usageError(usage, `${verb} needs an e-mail address.`)
  await change(verb, parseEmail(usage, email), remote)
})

async function change(verb: StaffChange, email: string, remote: boolean): Promise<void> {
  const nowMs = Date.now()
  const rows = await executeSql(staffStatements(verb, email, { nowMs, id: uuidv7(nowMs) }), { remote })
  const [row] = rows as unknown as StaffRow[]
  if (row === undefined) throw new CommandError(`Nobody has the e-mail ${email}.`, 'The person must register first.')
  if (verb === 'add' && row.is_staff === 0) throw new CommandError(`${email} is a deleted user.`, 'Restore the user first.')
  console.log(`${email} is ${row.is_staff === 1 ? '' : 'not '}staff now.`)
  if (verb === 'add' && row.second_factor === 0) console.log('No second factor is set up yet: POST /api/v1/auth/totp does it.')
}

async function confirm(email: string, remote: boolean): Promise<void> {
  const nowMs = Date.now()
  const [row] = (await executeSql(confirmStatements(email, { nowMs, id: uuidv7(nowMs) }), { remote })) as unknown as StaffRow[]
  if (row === undefined) throw new CommandError(`Nobody has the e-mail ${email}.`, 'The person must register first.')
  if (row.deleted === 1) throw new CommandError(`${email} is a deleted user.`, 'Restore the user first.')
  console.log(`${email} is confirmed.`)
}

function show(rows: readonly StaffRow[]): void {
  if (rows.length === 0) console.log('Nobody is staff.')
  for (const { email, name, deleted, second_factor: factor } of rows) {
    console.log(`${email}  ${name}${deleted === 1 ? '  (deleted)' : ''}${factor === 1 ? '' : '  (no second factor)'}`)
  }
}
