/**
 * What Edgelog is compared with: one D1 row for each log. `POST /indexed` is the table that an application would have:
 * an INSERT for each log, all in one batch, and the indexes that listing by time, severity and source needs.
 * `POST /bare` is the fastest that D1 can take rows: no index, as many rows in a statement as parameters allow.
 */

interface BaselineEnv {
  DB: D1Database
}

const columns = ['id', 'organization_id', 'timestamp', 'severity', 'source', 'message', 'attributes']
/** D1 binds at most 100 parameters a statement. */
const rowsPerStatement = Math.floor(100 / columns.length)

interface Line {
  timestamp: string
  level: string
  service: string
  message: string
}

function insert(db: D1Database, table: string, rows: string[][]): D1PreparedStatement {
  const row = `(${columns.map(() => '?').join(', ')})`
  return db.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${rows.map(() => row).join(', ')}`).bind(...rows.flat())
}

export default {
  /** Stores one row for each line of NDJSON and answers `{ "accepted": n }`. */
  async fetch(request: Request, env: BaselineEnv): Promise<Response> {
    const lines = (await request.text()).split('\n').filter((line) => line !== '')
    const rows = lines.map((line) => {
      const { timestamp, level, service, message, ...rest } = JSON.parse(line) as Line
      return [crypto.randomUUID(), 'one-organization', timestamp, level, service, message, JSON.stringify(rest)]
    })
    const statements: D1PreparedStatement[] = []
    const [table, size] = new URL(request.url).pathname === '/bare' ? ['bare', rowsPerStatement] : ['indexed', 1]
    for (let i = 0; i < rows.length; i += size) statements.push(insert(env.DB, table, rows.slice(i, i + size)))
    await env.DB.batch(statements)
    return Response.json({ accepted: rows.length })
  },
}
