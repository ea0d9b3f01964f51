//! The wasmtime engine: one configuration for the daemon, the compiling child and the tests, and the clock of its epochs.
//!
//! Compiled code is only accepted by an engine that would have compiled it the same way, so nobody else makes a `Config`.

use std::time::Duration;

use parking_lot::Mutex;
use wasmtime::{Config, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::Error;

/// How often running plugins are interrupted: each interruption yields to other tasks and counts against the processor time.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Calls of all plugins that run at once; the pool has room for that many and a few more.
pub(crate) const CALLS: usize = 60;

/// Slots of the pool. A Rust plugin takes one core instance and one memory, a Python plugin a dozen.
const INSTANCES: u32 = CALLS as u32 + 4;

/// Returns the configuration. Off is what no plugin needs: each proposal is compiler and runtime code that a hostile component
/// could reach. SIMD, bulk memory, reference types, multi-value and multi-memory stay on, because toolchains emit them.
pub(crate) fn engine_config() -> Config {
    let mut config = Config::new();
    config
        // The asynchronous ABI of the component model: the contract is synchronous.
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(512 << 10)
        // Host functions run on the same stack, above what wasm may use.
        .async_stack_size(2 << 20)
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false);
    config
}

/// Returns the pool that the daemon asks for: about 1 TiB of address space, of which almost nothing is backed by memory.
pub(crate) fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_stacks(INSTANCES)
        .total_core_instances(2_000)
        .total_memories(256)
        .total_tables(2_000)
        .max_memory_size(512 << 20)
        .table_elements(20_000)
        .max_tables_per_component(100)
        .max_core_instances_per_component(100)
        .max_memories_per_component(32);
    pool
}

/// Makes the daemon's engine. With a pool instantiation takes microseconds; where the address space is short (a memory limit on
/// the process, a small machine) plugins run without one. Returns whether there is a pool.
pub(crate) fn engine(pool: PoolingAllocationConfig) -> Result<(Engine, bool), Error> {
    let mut config = engine_config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let (engine, pooled) = match Engine::new(&config) {
        Ok(engine) => (engine, true),
        Err(error) => {
            tracing::warn!(
                error = format!("{error:#}"),
                "no address space for a pool of plugin instances; going on without"
            );
            (on_demand_engine()?, false)
        }
    };
    tick(&engine);
    Ok((engine, pooled))
}

/// Makes an engine without pool and without ticker: for the compiling child, whose address space is limited.
pub(crate) fn on_demand_engine() -> Result<Engine, Error> {
    Engine::new(&engine_config()).map_err(|error| Error::Engine { message: format!("{error:#}") })
}

/// Engines whose epochs advance, and whether their thread runs.
static TICKING: Mutex<(Vec<EngineWeak>, bool)> = Mutex::new((vec![], false));

/// Lets the epochs of an engine advance for as long as the engine lives. One thread serves all engines of the process and ends
/// with the last of them.
fn tick(engine: &Engine) {
    let mut ticking = TICKING.lock();
    ticking.0.push(engine.weak());
    if ticking.1 {
        return;
    }
    let thread = std::thread::Builder::new().name("plugin-ticker".to_owned()).spawn(|| {
        loop {
            std::thread::sleep(TICK);
            // Upgraded outside the lock: dropping the last handle of an engine unmaps its whole pool.
            let engines = {
                let mut ticking = TICKING.lock();
                let live: Vec<Engine> = ticking.0.iter().filter_map(EngineWeak::upgrade).collect();
                if live.is_empty() {
                    *ticking = (vec![], false);
                    return;
                }
                ticking.0 = live.iter().map(Engine::weak).collect();
                live
            };
            engines.iter().for_each(Engine::increment_epoch);
        }
    });
    match thread {
        Ok(_) => ticking.1 = true,
        // Without ticks the wall clock could not end a loop; better to say so loudly than to hang later.
        Err(error) => {
            tracing::error!(%error, "cannot start the ticker of plugin calls; plugins that loop cannot be stopped")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_address_space_there_is_no_pool() {
        let mut pool = pool();
        pool.total_memories(1 << 20).max_memory_size(4 << 30);
        let (_, pooled) = engine(pool).unwrap();
        assert!(!pooled);
    }

    #[test]
    fn code_compiled_without_a_pool_runs_in_one() {
        let component = wat::parse_str("(component)").unwrap();
        let code = on_demand_engine().unwrap().precompile_component(&component).unwrap();
        let (engine, pooled) = engine(pool()).unwrap();
        assert!(pooled);
        #[allow(unsafe_code)]
        // SAFETY: the bytes come from `precompile_component`, two lines above.
        unsafe { wasmtime::component::Component::deserialize(&engine, &code) }.unwrap();
    }
}
