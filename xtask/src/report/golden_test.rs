use super::*;

/// For looking: renders the results file `LOOK` into the folder `LOOK_OUT` and prints the terminal's table.
#[test]
#[ignore = "for looking"]
fn look() {
    use crate::fixture::{self, Shape};
    let path = |name: &str| std::env::var(name).unwrap();
    let shape = Shape { rounds: 5, ..Shape::default() };
    let mut results = match path("LOOK").as_str() {
        "full" => fixture::raw(&shape),
        "trouble" => fixture::raw_with_troubles(&shape),
        file => serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap(),
    };
    crate::summary::summarize(&mut results);
    let files = render(&results, Path::new(&path("LOOK_OUT"))).unwrap();
    println!("{files:?}\n{}", terminal_summary(&results, 80, true));
}
