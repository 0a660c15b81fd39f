//! A process that burns a known share of a core and holds a known amount of memory, for the selftest: it ends when its
//! standard input closes, and says before that what the kernel accounts to it.

use std::io::Read as _;
use std::time::{Duration, Instant};

use crate::cli::Burn;

/// Busy and idle follow each other within this.
const CYCLE: Duration = Duration::from_millis(4);

impl Burn {
    /// Burns until standard input closes.
    pub fn run(&self) {
        let mut held = vec![0_u8; self.mib * 1_048_576];
        // Touched, so that it is resident and not only promised.
        held.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
        let parent = std::thread::spawn(|| std::io::stdin().read(&mut [0_u8]));
        println!("{{\"pid\":{}}}", std::process::id());
        let busy = CYCLE.mul_f64((self.percent / 100.0).clamp(0.0, 1.0));
        while !parent.is_finished() {
            let start = Instant::now();
            while start.elapsed() < busy {
                std::hint::black_box(&held);
            }
            std::thread::sleep(CYCLE.saturating_sub(start.elapsed()));
        }
    }
}
