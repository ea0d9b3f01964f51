// Signs in with xo-lib, makes 30 different calls - what accounts, rights and machines need in a day - and waits until a
// notification says that a VM runs. What it found goes to standard output as one line of JSON.
'use strict'

const assert = require('node:assert')
const { default: Xo } = require('xo-lib')

const { XO_URL, XO_USER, XO_PASSWORD, XO_VM } = process.env

async function main() {
  const xo = new Xo({ url: XO_URL })
  await xo.open()
  await xo.signIn({ email: XO_USER, password: XO_PASSWORD })
  const called = new Set()
  const call = (method, params) => {
    called.add(method)
    return xo.call(method, params).catch(error => {
      throw new Error(`${method}: ${error.message} ${JSON.stringify(error.data)}`)
    })
  }
  const one = (list, name, value) => {
    const found = list.find(record => record[name] === value)
    assert(found !== undefined, `no ${name} is ${value}`)
    return found
  }

  const methods = await call('system.getMethodsInfo')
  assert.deepStrictEqual((await call('system.listMethods')).sort(), Object.keys(methods).sort())
  const [signature] = await call('system.methodSignature', { method: 'vm.start' })
  assert.strictEqual(signature.name, 'vm.start')
  assert.match(await call('system.getServerVersion'), /^\d+\.\d+\.\d+/)
  assert.strictEqual(await call('system.getVersion'), '0.1')
  assert.strictEqual(typeof (await call('system.getServerTimezone')), 'string')

  const vms = Object.values(await call('xo.getAllObjects', { filter: { type: 'VM' } }))
  // More than fits into one frame.
  const all = Object.values(await call('xo.getAllObjects'))
  const vm = vms.find(vm => vm.name_label === XO_VM)
  const found = await call('xo.getAllObjects', { filter: `type:VM name_label:${JSON.stringify(XO_VM)}` })
  assert.deepStrictEqual(Object.keys(found), [vm.id])

  one(await call('server.getAll'), 'status', 'connected')
  const account = await call('user.create', { email: 'xolib@example.org', password: 'a long enough one' })
  assert.strictEqual(one(await call('user.getAll'), 'id', account).email, 'xolib@example.org')
  assert.strictEqual(await call('user.set', { id: account, preferences: { theme: 'dark' } }), true)
  const group = await call('group.create', { name: 'xo-lib' })
  assert.strictEqual(await call('group.addUser', { id: group, userId: account }), true)
  assert.deepStrictEqual(one(await call('group.getAll'), 'id', group).users, [account])

  one(await call('role.getAll'), 'id', 'operator')
  assert.strictEqual(await call('acl.add', { subject: group, object: vm.id, action: 'operator' }), true)
  assert.strictEqual(one(await call('acl.get'), 'subject', group).object, vm.id)
  assert.strictEqual(await call('acl.remove', { subject: group, object: vm.id, action: 'operator' }), true)

  const token = await call('token.create', { description: 'by xo-lib', expiresIn: '1 hour' })
  one(await call('user.getAuthenticationTokens'), 'description', 'by xo-lib')
  await call('token.deleteOwn', { tokens: [token] })

  await call('cloudConfig.create', { name: 'xo-lib', template: '#cloud-config' })
  const config = one(await call('cloudConfig.getAll'), 'name', 'xo-lib')
  assert.strictEqual(await call('cloudConfig.delete', { id: config.id }), true)

  const seen = (id, fits) =>
    new Promise(resolve => {
      xo.on('notification', ({ method, params }) => {
        const object = method === 'all' && params.type === 'enter' && params.items[id]
        if (object && fits(object)) {
          resolve(object)
        }
      })
    })
  const tagged = seen(vm.id, object => object.tags.includes('xo-lib'))
  assert.strictEqual(await call('tag.add', { id: vm.id, tag: 'xo-lib' }), true)
  await tagged
  const untagged = seen(vm.id, object => !object.tags.includes('xo-lib'))
  assert.strictEqual(await call('tag.remove', { id: vm.id, tag: 'xo-lib' }), true)
  await untagged
  const changed = seen(vm.id, object => object.name_description === 'by xo-lib')
  assert.strictEqual(await call('vm.set', { id: vm.id, name_description: 'by xo-lib' }), true)
  await changed

  const runs = seen(vm.id, object => object.power_state === 'Running')
  await call('vm.start', { id: vm.id })
  const after = await runs
  const refused = await xo.call('vm.start', { id: 'nothing' }).then(
    () => 'it was done',
    error => error.code
  )
  const stops = seen(vm.id, object => object.power_state === 'Halted')
  assert.strictEqual(await call('vm.stop', { id: vm.id, force: true }), true)
  await stops

  assert.strictEqual(await call('group.delete', { id: group }), true)
  assert.strictEqual(await call('user.delete', { id: account }), true)

  const said = {
    user: xo.user.email,
    methods: Object.keys(methods).length,
    called: called.size,
    vms: vms.length,
    allVms: all.filter(object => object.type === 'VM').length,
    all: JSON.stringify(all).length,
    before: vm.power_state,
    after: after.power_state,
    refused,
  }
  await xo.close()
  console.log(JSON.stringify(said))
}

const limit = setTimeout(() => {
  console.error('nothing more happens')
  process.exit(1)
}, 60000)

main().then(
  () => clearTimeout(limit),
  error => {
    console.error(error)
    process.exit(1)
  }
)
