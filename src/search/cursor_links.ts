/**
 * Addresses of the pages beside this one. `next` carries the cursor, so that following it to the end gives each log
 * exactly once while others arrive; its page number is only for `previous`.
 */
export function cursorLinks(
  url: URL,
  query: { page: number },
  nextCursor: string | null,
): { next: string | null; previous: string | null } {
  return {
    next: nextCursor === null ? null : link(url, query.page + 1, nextCursor),
    previous: query.page > 1 ? link(url, query.page - 1, undefined) : null,
  }
}

function link(url: URL, page: number, cursor: string | undefined): string {
  const target = new URL(url)
  target.searchParams.set('page', String(page))
  if (cursor === undefined) target.searchParams.delete('cursor')
  else target.searchParams.set('cursor', cursor)
  return target.href
}
