//! Linear programs.

use spinney_oracle::Steps;
use spinney_oracle::shrink::Program;

#[test]
fn a_program_with_a_known_answer() {
    // |x| + 2 |y| with x + y >= 1, y - x >= 1, then x - 3 y + free >= 1.
    let mut program = Program::new(vec![1.0, 2.0, 0.0]);
    let mut steps = Steps(1000);
    program.require(&[1.0, 1.0, 0.0]);
    assert_eq!(program.solve(&mut steps), Some(vec![1.0, 0.0, 0.0]));
    program.require(&[-1.0, 1.0, 0.0]);
    assert_eq!(program.solve(&mut steps), Some(vec![0.0, 1.0, 0.0]));
    program.require(&[1.0, -3.0, 1.0]);
    assert_eq!(program.solve(&mut steps), Some(vec![0.0, 1.0, 4.0]));
    program.require(&[0.0, -1.0, 0.0]);
    assert_eq!(program.solve(&mut steps), None, "y is at least 1");
    assert_eq!(
        Program::new(vec![1.0]).solve(&mut Steps(0)),
        Some(vec![0.0])
    );
}
