//! A process that burns a known share of a core and holds a known amount of memory, for the selftest: it ends when its
//! standard input closes, and says before that who it is. Evenly, or in bursts as a noisy neighbour does.

use std::io::Read as _;
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use crate::cli::Burn;

/// Busy and idle follow each other within this.
const CYCLE: Duration = Duration::from_millis(2);
/// The shortest and the longest burst, seconds; pauses are as long on average.
const BURSTS_S: [f64; 2] = [0.2, 5.0];
/// Bytes between two touches of the memory: a line of a cache.
const LINE: usize = 64;

impl Burn {
    /// Burns until standard input closes.
    pub fn run(&self) {
        let mut held = vec![0_u8; self.mib * 1_048_576];
        // Touched, so that it is resident and not only promised.
        held.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
        let parent = std::thread::spawn(|| std::io::stdin().read(&mut [0_u8]));
        println!("{{\"pid\":{}}}", std::process::id());
        let share = (self.percent / 100.0).clamp(0.0, 1.0);
        let mut random = Pcg64Mcg::seed_from_u64(u64::from(std::process::id()));
        while !parent.is_finished() {
            let (busy, idle) = if self.bursts {
                let busy = random.random_range(BURSTS_S[0]..BURSTS_S[1]);
                let pause = random.random_range(BURSTS_S[0]..BURSTS_S[1]) * (1.0 - share) / share.max(0.01);
                (Duration::from_secs_f64(busy), Duration::from_secs_f64(pause))
            } else {
                (CYCLE.mul_f64(share), CYCLE.mul_f64(1.0 - share))
            };
            let start = Instant::now();
            while start.elapsed() < busy && !parent.is_finished() {
                if self.bursts {
                    held.iter_mut().step_by(LINE).for_each(|byte| *byte = byte.wrapping_add(1));
                }
                std::hint::black_box(&held);
            }
            pause(idle, &|| parent.is_finished());
        }
    }
}

/// Sleeps, but not long after it is over.
fn pause(time: Duration, is_over: &dyn Fn() -> bool) {
    let end = Instant::now() + time;
    while !is_over() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}
