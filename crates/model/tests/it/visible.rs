//! What a terminal would obey, spelled out.

use spinney_model::visible;

#[test]
fn what_hides_is_spelled_out() {
    for (text, seen) in [
        ("sepal length (cm)", "sepal length (cm)"),
        ("größe µm 温度 👩\u{200d}🔬", "größe µm 温度 👩\u{200d}🔬"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u{1b}[31mred", "\\u{1b}[31mred"),
        ("\u{202e}gnp.exe", "\\u{202e}gnp.exe"),
        ("a\u{200b}b", "a\\u{200b}b"),
        ("\u{9b}2J", "\\u{9b}2J"),
        ("", ""),
    ] {
        assert_eq!(visible(text), seen);
    }
}
