// Signs in with xo-lib, lists methods and objects, starts a VM and waits until a notification says that it runs.
// What it found goes to standard output as one line of JSON.
'use strict'

const { default: Xo } = require('xo-lib')

const { XO_URL, XO_USER, XO_PASSWORD, XO_VM } = process.env

async function main() {
  const xo = new Xo({ url: XO_URL })
  await xo.open()
  await xo.signIn({ email: XO_USER, password: XO_PASSWORD })
  const methods = await xo.call('system.getMethodsInfo')
  const vms = Object.values(await xo.call('xo.getAllObjects', { filter: { type: 'VM' } }))
  // More than fits into one frame.
  const all = Object.values(await xo.call('xo.getAllObjects'))
  const vm = vms.find(vm => vm.name_label === XO_VM)

  const runs = new Promise(resolve => {
    xo.on('notification', ({ method, params }) => {
      const object = method === 'all' && params.type === 'enter' && params.items[vm.id]
      if (object && object.power_state === 'Running') {
        resolve(object)
      }
    })
  })
  await xo.call('vm.start', { id: vm.id })
  const after = await runs
  const refused = await xo.call('vm.start', { id: 'nothing' }).then(
    () => 'it was done',
    error => error.code
  )

  const said = {
    user: xo.user.email,
    methods: Object.keys(methods).length,
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
