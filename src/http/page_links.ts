/** Addresses of the pages around one page of a list, with all other parameters as they were; null where there is none. */
export function pageLinks(address: string, { page, page_size, count }: { page: number; page_size: number; count: number }) {
  const link = (to: number): string => {
    const url = new URL(address)
    url.searchParams.set('page', String(to))
    return url.href
  }
  const pages = Math.ceil(count / page_size)
  return { next: page < pages ? link(page + 1) : null, previous: page > 1 ? link(Math.min(page - 1, Math.max(pages, 1))) : null }
}
