//! Measurements that never were: smooth curves with some noise, the same for the same object, source and time.

use std::{
    f64::consts::TAU,
    hash::{DefaultHasher, Hash, Hasher},
};

/// How a value moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Stays.
    Flat,
    /// Between 0 and 1, most of the time low.
    Fraction,
    /// Between 0 and the scale, in bursts.
    Bursts,
    /// Around the scale, a tenth up and down.
    Around,
}

/// A source of measurements.
#[derive(Clone, Debug)]
pub struct Curve {
    seed: u64,
    shape: Shape,
    scale: f64,
    /// Seconds of a full swing.
    period: f64,
}

/// What is made of the samples of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cf {
    Average,
    Min,
    Max,
}

impl Cf {
    pub const ALL: [Self; 3] = [Self::Average, Self::Min, Self::Max];

    pub fn name(self) -> &'static str {
        match self {
            Self::Average => "AVERAGE",
            Self::Min => "MIN",
            Self::Max => "MAX",
        }
    }
}

fn hash(parts: impl Hash) -> u64 {
    // Without keys, so every run gives the same numbers.
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

impl Curve {
    /// Makes the curve of one source of an object.
    pub fn new(uuid: &str, source: &str, shape: Shape, scale: f64) -> Self {
        let seed = hash((uuid, source));
        Self { seed, shape, scale, period: 300.0 + 3300.0 * unit(hash(seed)) }
    }

    /// Returns the value of the step that ends at `time`.
    pub fn at(&self, time: i64, step: i64, cf: Cf) -> f64 {
        if self.shape == Shape::Flat {
            return self.scale;
        }
        let phase = unit(self.seed);
        let swing = 0.5 + 0.5 * (TAU * (time as f64 / self.period + phase)).sin();
        let noise = unit(hash((self.seed, time / step)));
        // A step is many samples: its extremes lie around its average.
        let spread = match cf {
            Cf::Average => 1.0,
            Cf::Min => 0.7,
            Cf::Max => 1.3,
        };
        match self.shape {
            Shape::Flat => self.scale,
            Shape::Fraction => ((0.02 + 0.4 * swing * swing + 0.1 * noise) * spread).clamp(0.0, 1.0),
            Shape::Bursts if noise < 0.2 => 0.0,
            Shape::Bursts => self.scale * swing * noise * spread,
            Shape::Around => self.scale * (0.95 + 0.05 * swing + 0.02 * noise) * (1.0 + (spread - 1.0) / 10.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_repeat_and_differ() {
        let curve = Curve::new("u", "cpu0", Shape::Fraction, 1.0);
        let same = Curve::new("u", "cpu0", Shape::Fraction, 1.0);
        let other = Curve::new("v", "cpu0", Shape::Fraction, 1.0);
        let values = |c: &Curve| (0..50).map(|i| c.at(1_787_000_000 + 5 * i, 5, Cf::Average)).collect::<Vec<_>>();
        assert_eq!(values(&curve), values(&same));
        assert_ne!(values(&curve), values(&other));
        assert!(values(&curve).iter().all(|v| (0.0..=1.0).contains(v)));
        let at = |cf| curve.at(1_787_000_000, 60, cf);
        assert!(at(Cf::Min) <= at(Cf::Average) && at(Cf::Average) <= at(Cf::Max));
    }
}
