//! What today's Node server did on the same work: xo-server 5.207.2 on Node 24, 2 cores, 24 GiB, medians of two to three
//! runs. Its figures hold for that machine and that day; they are here to compare ratios.

/// Requests per second of one listing, with 1 and with 16 clients.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// One client.
    pub one: f64,
    /// Sixteen clients.
    pub sixteen: f64,
}

/// What it did with one size of fleet.
#[derive(Clone, Copy, Debug)]
pub struct Baseline {
    /// Seconds from adding all pools to a complete listing.
    pub load: f64,
    /// Resident MiB with the fleet.
    pub rss: f64,
    /// `xo.getAllObjects`.
    pub all: Listing,
    /// `xo.getAllObjects` of type VM.
    pub vms: Listing,
    /// REST, all VMs with all fields.
    pub rest: Listing,
    /// REST, running VMs, two fields.
    pub filter: Listing,
    /// REST, one VM.
    pub one: Listing,
    /// Milliseconds from a change to a subscriber at 50/s with one subscriber, 99 of 100.
    pub calm_p99: f64,
    /// The same at 1,000/s with 100 subscribers.
    pub storm_p99: f64,
    /// Cores it used in that.
    pub storm_cores: f64,
}

const fn both(one: f64, sixteen: f64) -> Listing {
    Listing { one, sixteen }
}

/// 4 pools, 64 hosts, 2,000 VMs: 13,477 objects.
pub const MEDIUM: Baseline = Baseline {
    load: 1.67,
    rss: 610.0,
    all: both(14.5, 13.7),
    vms: both(29.9, 28.6),
    rest: both(22.8, 23.6),
    filter: both(206.0, 264.0),
    one: both(851.0, 3_055.0),
    calm_p99: 254.0,
    storm_p99: 3_291.0,
    storm_cores: 0.86,
};

/// 10 pools, 320 hosts, 10,000 VMs: 65,580 objects.
pub const LARGE: Baseline = Baseline {
    load: 4.15,
    rss: 930.0,
    all: both(2.7, 2.4),
    vms: both(5.2, 5.0),
    rest: both(3.6, 2.2),
    filter: both(35.0, 35.0),
    one: both(876.0, 2_754.0),
    calm_p99: 253.0,
    storm_p99: 5_593.0,
    storm_cores: 0.89,
};
