import type { Context } from 'hono'
import type { BaseCtx } from '../../db/context.ts'
import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { rawReply, route } from '../../http/route.ts'
import type { AppEnv } from '../../http/route.ts'
import { exportAuditLog } from './export.ts'
import { listAccountAuditLog, listAuditLog, listSecurityLog } from './list.ts'
import type { AuditPage } from './list.ts'
import { accountAuditParam, auditExportQuery, auditPageSchema, auditQuery, securityLogQuery } from './schema.ts'

const paging =
  'Newest first. A page looks at the newest 10,000 entries at most: `count` is of those, `next` leads on to older ones, and `from` and `to` choose others.'

const list = route(
  {
    id: 'audit_log.list',
    method: 'get',
    path: '/api/v1/audit-log',
    summary: 'What was done in the organization, and by whom',
    description: paging,
    access: 'audit:read',
    query: auditQuery,
    replies: { 200: auditPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => ({ status: 200, body: bodyOf(ctx, c, query, await listAuditLog(ctx, query)) }),
)

const exportFile = route(
  {
    id: 'audit_log.export',
    method: 'get',
    path: '/api/v1/audit-log/export',
    summary: 'Download all entries that match as CSV or NDJSON',
    description: 'Streamed, newest first. In CSV a text that a spreadsheet would run as a formula gets an apostrophe in front.',
    access: 'audit:read',
    query: auditExportQuery,
    replies: { 200: rawReply('text/csv, application/x-ndjson', 'The file.') },
    problems: [],
  },
  async ({ query }, ctx) => {
    const { body, contentType, fileName } = await exportAuditLog(ctx, query)
    return new Response(body, { headers: { 'Content-Type': contentType, 'Content-Disposition': `attachment; filename="${fileName}"` } })
  },
)

const listOfAccount = route(
  {
    id: 'account_audit_log.list',
    method: 'get',
    path: '/api/v1/accounts/:id/audit-log',
    summary: 'What happened to the account and its users',
    description: `Logins, passwords, second factors, users and roles in the account. ${paging}`,
    access: 'account:audit',
    tenant: 'path',
    param: accountAuditParam,
    query: auditQuery,
    replies: { 200: auditPageSchema },
    problems: ['not_found'],
  },
  async ({ query }, ctx, c) => ({ status: 200, body: bodyOf(ctx, c, query, await listAccountAuditLog(ctx, query)) }),
)

const securityLog = route(
  {
    id: 'security_log.list',
    method: 'get',
    path: '/api/v1/auth/security-log',
    summary: 'What happened to the caller: logins, passwords, second factors',
    description: paging,
    access: 'session',
    query: securityLogQuery,
    replies: { 200: auditPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => ({ status: 200, body: bodyOf(ctx, c, query, await listSecurityLog(ctx, query)) }),
)

export const auditRoutes = [list, exportFile, listOfAccount, securityLog]

/** Behind the last page of what was looked at, `next` goes on with what is older. */
function bodyOf(
  ctx: BaseCtx,
  c: Context<AppEnv>,
  { page, page_size }: { page: number; page_size: number },
  { count, countIsLowerBound, results, olderThan }: AuditPage,
) {
  const address = publicAddress(ctx, c.req.url)
  const { next, previous } = pageLinks(address, { page, page_size, count })
  return { count, count_is_lower_bound: countIsLowerBound, next: next ?? older(address, olderThan), previous, results }
}

function older(address: string, olderThan: string | null): string | null {
  if (olderThan === null) return null
  const url = new URL(address)
  url.searchParams.set('cursor', olderThan)
  url.searchParams.delete('page')
  return url.href
}
