import { Buffer } from 'node:buffer'

/** Node cuts small results of zlib from one buffer, which cannot be freed: without that, a test fails that reads a released page. */
Buffer.poolSize = 0
