//! Work on several processes at the same time, no more of them than there are cores: where nothing is timed, the others
//! would only take each other's.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Does something with each item, `most` at a time, the first ones first; the outcomes in the items' order.
pub fn at_once<T: Send, R: Send>(items: Vec<T>, most: usize, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let count = items.len();
    let queue = Mutex::new(items.into_iter().enumerate());
    let done = Mutex::new(Vec::with_capacity(count));
    let work_off = || {
        loop {
            let next = lock(&queue).next();
            let Some((at, item)) = next else { return };
            let outcome = work(item);
            lock(&done).push((at, outcome));
        }
    };
    std::thread::scope(|threads| {
        for _ in 1..most.min(count) {
            threads.spawn(work_off);
        }
        work_off();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// The content of a lock. A panic ends the run; nothing half done is looked at after one.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many processes may work at the same time.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn outcomes_come_in_order_and_no_more_work_at_a_time_than_allowed() {
        let (now, most, both) = (AtomicUsize::new(0), AtomicUsize::new(0), Barrier::new(2));
        let outcomes = at_once((0..7).collect(), 2, |item: u64| {
            let running = now.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(running, Ordering::SeqCst);
            if item < 2 {
                both.wait();
            }
            std::thread::sleep(Duration::from_millis(10 - item));
            now.fetch_sub(1, Ordering::SeqCst);
            item * 2
        });
        assert_eq!(outcomes, [0, 2, 4, 6, 8, 10, 12]);
        assert_eq!(most.load(Ordering::SeqCst), 2);
        assert!(at_once(Vec::<u64>::new(), 2, |item| item).is_empty());
    }
}
