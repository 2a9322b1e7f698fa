// The Node peers of the home screen: mercurius with graphql-jit, by JOIN or by loaders.
// Production settings: one process per core, pools, prepared statements, the query compiled at once.
// Environment: PORT, MODE (join | loaders), DATA_KEY (hex), DATABASE (JSON of the driver).
import cluster from 'node:cluster'
import { createDecipheriv, createHash, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import mercurius from 'mercurius'
import pg from 'pg'

const { PORT, MODE, DATA_KEY, DATABASE } = process.env
const workers = 2

function statements () {
  const text = readFileSync(new URL('../home.sql', import.meta.url), 'utf8')
  const parts = text.split(/^-- name: /m).slice(1)
  return Object.fromEntries(parts.map((part) => {
    const end = part.indexOf('\n')
    return [part.slice(0, end), part.slice(end + 1).trim().replace(/;$/, '')]
  }))
}

function opener () {
  const key = Buffer.from(hkdfSync('sha256', Buffer.from(DATA_KEY, 'hex'), '', 'data|1', 32))
  return (id, sealed) => {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(5, 17))
    decipher.setAAD(Buffer.from(`1|cardholder.name|${id}`))
    decipher.setAuthTag(sealed.subarray(-16))
    return decipher.update(sealed.subarray(17, -16), undefined, 'utf8') + decipher.final('utf8')
  }
}

const schema = `
  scalar DateTime
  scalar MinorAmount
  enum CardState { NOT_OPENED ACTIVE LOST REPLACED CLOSED }
  type Query { viewer: Viewer! }
  type Viewer { cardholder: Cardholder }
  type Cardholder { name: String! virtualCard: Card statement(first: Int = 20): Lines! }
  type Card { state: CardState! }
  type Lines { nodes: [Line!]! }
  type Line {
    postedAt: DateTime! kind: String! amount: Money! balanceAfter: Money! merchantName: String
  }
  type Money { minorAmount: MinorAmount! }
`

function line (row) {
  return {
    postedAt: row.posted_at,
    kind: row.kind,
    amount: { minorAmount: row.amount_minor },
    balanceAfter: { minorAmount: row.balance_after_minor },
    merchantName: row.merchant_name,
    account: row.counter_account_id
  }
}

async function serve () {
  pg.types.setTypeParser(pg.types.builtins.INT8, Number)
  const pool = new pg.Pool({ ...JSON.parse(DATABASE), options: '-c app.school=1', max: 10 })
  const sql = statements()
  const run = async (name, value) => (await pool.query({ name, text: sql[name], values: [value] })).rows
  const open = opener()
  const byJoin = MODE === 'join'
  const hashed = (request) =>
    createHash('sha256').update(request.headers.authorization.slice('Bearer '.length)).digest()

  const resolvers = {
    Query: {
      async viewer (_root, _arguments, { reply }) {
        const [row] = await run(byJoin ? 'viewer' : 'bare_viewer', hashed(reply.request))
        if (!row) return { cardholder: null }
        const cardholder = { id: row.id, name: open(row.id, row.name_sealed) }
        if (byJoin) cardholder.virtualCard = row.state && { state: row.state }
        return { cardholder }
      }
    },
    Cardholder: {
      async statement (cardholder) {
        return { nodes: (await run(byJoin ? 'lines' : 'bare_lines', cardholder.id)).map(line) }
      }
    }
  }
  const loaders = {
    Cardholder: {
      async virtualCard (queries) {
        const rows = await run('cards', queries.map(({ obj }) => obj.id))
        const cards = new Map(rows.map((row) => [row.cardholder_id, { state: row.state }]))
        return queries.map(({ obj }) => cards.get(obj.id) ?? null)
      }
    },
    Line: {
      async merchantName (queries) {
        const rows = await run('merchants', [...new Set(queries.map(({ obj }) => obj.account))])
        const names = new Map(rows.map((row) => [row.account_id, row.merchant_name]))
        return queries.map(({ obj }) => names.get(obj.account) ?? null)
      }
    }
  }
  const app = Fastify()
  await app.register(mercurius, { schema, resolvers, loaders: byJoin ? {} : loaders, jit: 1, path: '/graphql' })
  await app.listen({ port: Number(PORT), host: '127.0.0.1' })
}

if (cluster.isPrimary) {
  for (let i = 0; i < workers; i++) cluster.fork()
  process.on('SIGTERM', () => process.exit(0))
} else {
  serve()
}
