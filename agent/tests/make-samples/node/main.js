// Says the same things through the JSON loggers of Node.
'use strict'

const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const bunyan = require('bunyan')
const pino = require('pino')
const pinoHttp = require('pino-http')
const winston = require('winston')
const { ecsFormat: ecsPino } = require('@elastic/ecs-pino-format')
const { ecsFormat: ecsWinston } = require('@elastic/ecs-winston-format')

const root = process.argv[2]
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const timeout = new Error('db timeout')

function file (format, name) {
  const folder = path.join(root, format)
  fs.mkdirSync(folder, { recursive: true })
  const place = path.join(folder, `made_${name}.log`)
  fs.rmSync(place, { force: true })
  return place
}

function sayPino (log) {
  log.trace({ said_ms: Date.now() }, 'said at trace')
  log.debug({ said_ms: Date.now() }, 'said at debug')
  log.info({ said_ms: Date.now(), trace_id: traceId }, 'said at info')
  log.warn({ said_ms: Date.now() }, 'said at warn')
  log.error({ said_ms: Date.now() }, 'said at error')
  log.fatal({ said_ms: Date.now() }, 'said at fatal')
  log.info({ responseTime: 3, said_ms: Date.now() }, 'took 3 ms')
  log.error({ err: timeout, said_ms: Date.now() }, 'failed')
}

function pinoTo (place, options) {
  return pino({ level: 'trace', ...options }, pino.destination({ dest: place, sync: true }))
}

function sayBunyan (place) {
  const log = bunyan.createLogger({
    name: 'shop', src: true, level: 'trace', serializers: bunyan.stdSerializers,
    streams: [{ level: 'trace', stream: { write: line => fs.appendFileSync(place, line) } }]
  })
  log.trace({ said_ms: Date.now() }, 'said at trace')
  log.debug({ said_ms: Date.now() }, 'said at debug')
  log.info({ said_ms: Date.now(), trace_id: traceId }, 'said at info')
  log.warn({ said_ms: Date.now() }, 'said at warn')
  log.error({ said_ms: Date.now() }, 'said at error')
  log.fatal({ said_ms: Date.now() }, 'said at fatal')
  log.info({ duration_ms: 3, said_ms: Date.now() }, 'took 3 ms')
  log.error({ err: timeout, said_ms: Date.now() }, 'failed')
}

function sayWinston (place, format, failure) {
  const { Writable } = require('node:stream')
  const stream = new Writable({ write: (chunk, _, done) => { fs.appendFileSync(place, chunk); done() } })
  const log = winston.createLogger({
    level: 'silly', format, defaultMeta: { service: 'shop' }, transports: [new winston.transports.Stream({ stream })]
  })
  log.silly('said at trace', { said_ms: Date.now() })
  log.debug('said at debug', { said_ms: Date.now() })
  log.verbose('said at debug', { said_ms: Date.now() })
  log.http('said at debug', { said_ms: Date.now() })
  log.info('said at info', { said_ms: Date.now(), trace_id: traceId })
  log.warn('said at warn', { said_ms: Date.now() })
  log.error('said at error', { said_ms: Date.now() })
  log.info('took 3 ms', { durationMs: 3, said_ms: Date.now() })
  log.error('failed', { ...failure, said_ms: Date.now() })
  log.error(timeout)
  log.startTimer().done({ message: 'a profile', level: 'info' })
}

async function sayRequest (place) {
  const logger = pinoHttp({ logger: pinoTo(place, {}) })
  const server = http.createServer((request, response) => {
    logger(request, response)
    response.statusCode = request.url.startsWith('/missing') ? 404 : 200
    response.end('ok')
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${server.address().port}`
  await (await fetch(`${address}/orders?page=1`)).text()
  await (await fetch(`${address}/missing`)).text()
  await new Promise(resolve => server.close(resolve))
}

async function main () {
  sayPino(pinoTo(file('pino', 'default'), {}))
  sayPino(pinoTo(file('pino', 'iso_and_words'), {
    timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: label => ({ level: label }) }
  }))
  await sayRequest(file('pino', 'http'))
  sayBunyan(file('node-bunyan', 'default'))
  const { combine, timestamp, json, errors } = winston.format
  sayWinston(file('winston', 'timestamp'), combine(errors({ stack: true }), timestamp(), json()), { stack: timeout.stack })
  sayWinston(file('winston', 'json'), combine(errors({ stack: true }), json()), { stack: timeout.stack })
  sayPino(pinoTo(file('ecs', 'pino'), ecsPino()))
  sayWinston(file('ecs', 'winston'), ecsWinston(), { err: timeout })
}

main()
