import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { confirmStatements, parseEmail, selectStaff, selectUser, staffStatements } from '../../../scripts/dev/staff_statements.ts'
import type { StaffChange } from '../../../scripts/dev/staff_statements.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'migrations')

/** A database as the migrations make it, with two people; the name of one is built to break SQL. */
function openDatabase(): DatabaseSync {
  const db = new DatabaseSync(':memory:')
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .toSorted())
    db.exec(readFileSync(join(folder, file), 'utf8'))
  db.exec(`insert into accounts (id, name, created_at, updated_at) values ('a', 'Inc', 1, 1)`)
  const user = db.prepare(
    `insert into users (id, account_id, email, name, password_hash, created_at, updated_at, deleted_at) values (?, 'a', ?, 'Ann', '-', 1, 1, ?)`,
  )
  user.run('u', "o'ann@example.com", null)
  user.run('v', 'bob@example.com', null)
  user.run('w', 'gone@example.com', 5)
  return db
}

function change(db: DatabaseSync, verb: StaffChange, email: string, id: string) {
  const statements = staffStatements(verb, email, { nowMs: 7, id })
  const last = statements.pop() ?? ''
  for (const statement of statements) db.exec(statement)
  return db.prepare(last).all()
}

const entriesOf = (db: DatabaseSync) =>
  db.prepare('select account_id, actor_kind, action, target_id, created_at, changes from account_audit_log order by id').all()
const staffOf = (db: DatabaseSync) =>
  db
    .prepare(selectStaff)
    .all()
    .map((row) => row['email'])

describe('the staff script', () => {
  it('makes a person staff and takes it away again, each with an entry in the log of the account', () => {
    const db = openDatabase()
    expect(change(db, 'add', "o'ann@example.com", 'e1')).toEqual([
      { email: "o'ann@example.com", name: 'Ann', is_staff: 1, deleted: 0, second_factor: 0 },
    ])
    expect(staffOf(db)).toEqual(["o'ann@example.com"])
    expect(change(db, 'remove', "o'ann@example.com", 'e2')).toMatchObject([{ is_staff: 0 }])
    expect(staffOf(db)).toEqual([])
    const entry = { account_id: 'a', actor_kind: 'system', target_id: 'u', created_at: 7 }
    expect(entriesOf(db)).toEqual([
      { ...entry, action: 'user.staff_add', changes: '{"is_staff":{"before":false,"after":true}}' },
      { ...entry, action: 'user.staff_remove', changes: '{"is_staff":{"before":true,"after":false}}' },
    ])
  })

  it('writes no entry where it changes nothing', () => {
    const db = openDatabase()
    change(db, 'add', 'bob@example.com', 'e1')
    change(db, 'add', 'bob@example.com', 'e2')
    change(db, 'remove', "o'ann@example.com", 'e3')
    expect(entriesOf(db)).toHaveLength(1)
    expect(staffOf(db)).toEqual(['bob@example.com'])
  })

  it('makes nobody staff who is deleted, and answers nothing for an e-mail that nobody has', () => {
    const db = openDatabase()
    expect(change(db, 'add', 'gone@example.com', 'e1')).toMatchObject([{ is_staff: 0, deleted: 1 }])
    expect(change(db, 'add', 'nobody@example.com', 'e2')).toEqual([])
    expect([staffOf(db), entriesOf(db)]).toEqual([[], []])
  })

  it('takes the e-mail for a text, whatever stands in it', () => {
    const db = openDatabase()
    const evil = "x' or '1'='1"
    expect(change(db, 'add', evil, 'e1')).toEqual([])
    expect(db.prepare(selectUser(evil)).all()).toEqual([])
    expect(staffOf(db)).toEqual([])
  })

  it('takes an e-mail as it is stored, and refuses what is none', () => {
    expect(parseEmail('npm run staff', ' Bob@Example.com ')).toBe('bob@example.com')
    for (const text of ['', 'bob', "x' or '1'='1", 'a@b', 'a@example.com\nb'])
      expect(() => parseEmail('npm run staff', text)).toThrow('is no e-mail address')
  })
})

describe('npm run staff -- confirm', () => {
  it('confirms the e-mail of a person once, with an entry, and nobody else’s', () => {
    const db = openDatabase()
    for (const id of ['1', '2'])
      for (const statement of confirmStatements("o'ann@example.com", { nowMs: 7, id }).slice(0, -1)) db.exec(statement)
    for (const statement of confirmStatements('gone@example.com', { nowMs: 7, id: '3' }).slice(0, -1)) db.exec(statement)
    expect(
      db
        .prepare('select id, email_verified_at from users order by id')
        .all()
        .map((row) => [row['id'], row['email_verified_at']]),
    ).toEqual([
      ['u', 7],
      ['v', null],
      ['w', null],
    ])
    expect(entriesOf(db)).toMatchObject([
      { account_id: 'a', actor_kind: 'system', action: 'user.verify_email', target_id: 'u', created_at: 7 },
    ])
  })
})
