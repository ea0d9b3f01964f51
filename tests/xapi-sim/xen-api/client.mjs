// Drives the simulator with npm's xen-api: client.mjs URL CONTROL json|xml VM. Any surprise is an exception.

import assert from 'node:assert/strict'
import { get } from 'node:https'

import { createClient } from 'xen-api'

const [url, control, dialect, name] = process.argv.slice(2)

async function command(path, params) {
  const response = await fetch(`${control}/${path}`, params && { method: 'POST', body: JSON.stringify(params) })
  return (await response.json()).ok
}

async function until(fact) {
  for (const end = Date.now() + 20e3; !(await fact()); ) {
    assert(Date.now() < end, `never: ${fact}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

const auth = { user: 'root', password: 'password' }
const wrong = createClient({ allowUnauthorized: true, auth: { ...auth, password: 'wrong' }, url, watchEvents: false })
await assert.rejects(wrong.connect(), { code: 'SESSION_AUTHENTICATION_FAILED' })

const xapi = createClient({ allowUnauthorized: true, auth, url, debounce: 0 })
await xapi.connect()
await xapi.objectsFetched

// Every class that can be listed, as the simulator has it.
const methods = await xapi.call('system.listMethods')
const classes = methods.filter(m => m.endsWith('.get_all_records')).map(m => m.slice(0, -'.get_all_records'.length))
assert(classes.length > 40)
let listed = 0
for (const type of classes) {
  const records = await xapi.getAllRecords(type).catch(error => {
    assert.equal(error.code, 'MESSAGE_REMOVED', type)
    return []
  })
  if (type !== 'session' && type !== 'task') {
    assert.equal(records.length, Object.keys(await command(`records/${type}`)).length, type)
    listed += records.length
  }
}
assert(listed > 500)
const pool = xapi.pool
assert.equal(pool.$master.$type, 'host')
const vm = Object.values(xapi.objects.all).find(o => o.$type === 'VM' && o.name_label === name)
assert.equal(vm.power_state, 'Halted')
// Numbers are strings in XML-RPC, whoever reads them.
assert.equal(typeof vm.memory_static_max, dialect === 'json' ? 'number' : 'string')
assert.equal(vm.$VBDs.length, vm.VBDs.length)

const state = () => xapi.getObjectByRef(vm.$ref).power_state

// Start and stop as a task, each seen by an event.
await xapi.callAsync('VM.start', vm.$ref, false, false)
await until(() => state() === 'Running')
const failure = await xapi.callAsync('VM.start', vm.$ref, false, false).then(() => undefined, error => error)
assert.deepEqual([failure.code, ...failure.params], ['VM_BAD_POWER_STATE', vm.$ref, 'halted', 'running'])
await xapi.callAsync('VM.hard_shutdown', vm.$ref)
await until(() => state() === 'Halted')

// A snapshot: its reference is the task's result, and it appears by itself.
const snapshot = await xapi.callAsync('VM.snapshot', vm.$ref, 'by npm')
await until(() => xapi.getObject(snapshot, undefined) !== undefined)
assert.equal(xapi.getObject(snapshot).$snapshot_of.$ref, vm.$ref)
await until(() => xapi.getObjectByRef(vm.$ref).snapshots.includes(snapshot))

// Changes by calls, and by others.
await xapi.setField('VM', vm.$ref, 'name_description', 'seen < by & npm')
await xapi.setFieldEntry('VM', vm.$ref, 'other_config', 'npm', 'yes')
await xapi.barrier()
assert.equal(xapi.getObjectByRef(vm.$ref).name_description, 'seen < by & npm')
assert.equal(xapi.getObjectByRef(vm.$ref).other_config.npm, 'yes')
await command('set', { class: 'VM', ref: vm.$ref, field: 'name_label', value: 'renamed' })
await until(() => xapi.getObjectByRef(vm.$ref).name_label === 'renamed')

// Tasks never pile up in the client's picture.
await until(() => Object.values(xapi.objects.all).every(o => o.$type !== 'task' || o.status !== 'pending'))

// It finds its way back from a lost session and from lost events.
const calls = await command('calls')
await command('kill-sessions', {})
await xapi.call('VM.get_power_state', vm.$ref)
await command('lose-events', {})
await command('set', { class: 'VM', ref: vm.$ref, field: 'name_label', value: 'again' })
await until(() => xapi.getObjectByRef(vm.$ref).name_label === 'again')
assert((await command('calls'))['event.inject'] > calls['event.inject'])

// A destroyed object goes.
await xapi.callAsync('VM.destroy', snapshot)
await until(() => xapi.getObject(snapshot, undefined) === undefined)

// Its session opens the handlers too. (Its own way to them knows no ports.)
const start = Math.floor(Date.now() / 1000) - 60
const query = new URLSearchParams({ cf: 'AVERAGE', host: 'true', interval: '5', json: 'true', start, session_id: xapi.sessionId })
const text = await new Promise((resolve, reject) => {
  get(`${url}/rrd_updates?${query}`, { rejectUnauthorized: false }, async response => {
    resolve((await response.toArray()).join(''))
  }).on('error', reject)
})
assert(JSON.parse(text).meta.legend.includes(`AVERAGE:host:${pool.$master.uuid}:cpu_avg`))

await xapi.disconnect()
assert.equal(xapi.status, 'disconnected')
await until(async () => (await command('calls'))['session.logout'] === 1)
// What it does in the background must not keep the process.
process.exit(0)
