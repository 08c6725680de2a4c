import { expect, test } from 'vitest'
import { meteredStatementsMax } from '../../../src/core/limits.ts'
import { meteredDatabase } from '../../../src/core/metered_database.ts'

/** A database whose every statement gives one row of one column, and says in what form it was asked for. */
function database() {
  const asked: ('objects' | 'arrays')[] = []
  const statement = {
    async all() {
      asked.push('objects')
      return { results: [{ id: 1 }], meta: { rows_read: 1, rows_written: 0 } }
    },
    async raw() {
      asked.push('arrays')
      return [['id'], [1]]
    },
  }
  return { asked, db: meteredDatabase({ prepare: () => statement } as never, () => undefined) }
}

test('an isolate remembers the columns of so many statements, and counts further ones less exactly', async () => {
  const { asked, db } = database()
  for (let i = 0; i <= meteredStatementsMax; i++) await db.prepare(`SELECT ${i} AS id`).raw()
  asked.length = 0
  for (const i of [meteredStatementsMax - 1, meteredStatementsMax]) expect(await db.prepare(`SELECT ${i} AS id`).raw()).toEqual([[1]])
  expect(asked).toEqual(['objects', 'arrays'])
})
