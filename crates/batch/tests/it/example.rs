//! The example of `docs/linux.md` prints what the page shows.

#[path = "../../examples/service.rs"]
#[allow(dead_code, reason = "its `main` is for cargo")]
mod service;

#[test]
fn the_page_shows_what_the_example_prints() {
    let printed = service::run().expect("the example runs");
    let page = include_str!("../../../../docs/linux.md");
    assert!(page.contains(&printed), "{printed}");
}
