declare namespace Cloudflare {
  // Lets tests call the Worker by `exports.default.fetch()`.
  interface GlobalProps {
    mainModule: typeof import('../../src/worker.ts')
  }
}
