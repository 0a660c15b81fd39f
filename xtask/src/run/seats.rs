//! Processes while turns are taken on several cores at the same time: each is on one core at a time.

use std::sync::{Mutex, MutexGuard};

use super::at_once::lock;
use super::process::Process;
use crate::results::ClientSlice;
use crate::workers::worker::Fault;

/// A process while turns are taken on several cores: what it measured in which turn, or why it fell.
pub struct Seat<'a> {
    pub process: &'a mut Process,
    pub slices: Vec<(u64, ClientSlice)>,
    pub outcome: Result<(), Fault>,
}

impl<'a> Seat<'a> {
    pub fn of(process: &'a mut Process) -> Mutex<Seat<'a>> {
        Mutex::new(Seat { process, slices: Vec::new(), outcome: Ok(()) })
    }
}

/// Takes the first turn of one who is on no core out of those to come (a turn, and whose it is), or the first of all once
/// its process is on none.
pub fn next_free<'s, T>(to_come: &mut Vec<(u64, usize)>, seats: &'s [Mutex<T>]) -> Option<(u64, MutexGuard<'s, T>)> {
    let free = to_come.iter().enumerate().find_map(|(place, &(_, at))| Some((place, seats[at].try_lock().ok()?)));
    let (place, seat) = free.or_else(|| Some((0, lock(&seats[to_come.first()?.1]))))?;
    Some((to_come.remove(place).0, seat))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_on_another_core_comes_later_in_the_turn_and_none_is_left_out() {
        let seats = ['a', 'b', 'c'].map(Mutex::new);
        let mut to_come = vec![(7, 1), (7, 0), (7, 2)];
        let busy = seats[1].lock().unwrap();
        let mut next = || next_free(&mut to_come, &seats).map(|(turn, seat)| (turn, *seat));
        assert_eq!([next(), next()], [Some((7, 'a')), Some((7, 'c'))]);
        drop(busy);
        assert_eq!([next(), next()], [Some((7, 'b')), None]);
    }

    #[test]
    fn who_is_alone_to_come_is_waited_for() {
        let seats = [Mutex::new(())];
        let busy = seats[0].lock().unwrap();
        std::thread::scope(|threads| {
            let waiting = threads.spawn(|| next_free(&mut vec![(3, 0)], &seats).map(|(turn, _)| turn));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!waiting.is_finished());
            drop(busy);
            assert_eq!(waiting.join().unwrap(), Some(3));
        });
    }
}
