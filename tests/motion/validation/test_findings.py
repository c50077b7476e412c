from legged_gym.motion.validation.findings import Finding, summary_line, worst_clips, worst_first


def finding(severity: str, value: float = 1.0, message: str = "something") -> Finding:
    return Finding("check", severity, message, 0, 1, 0.0, 0.1, value=value, limit=1.0)


CLIPS = {
    "good": [],
    "remark": [finding("info", 99.0)],
    "slides": [finding("warning", 2.0, "left foot slides")],
    "skates": [finding("warning", 5.0, "left foot skates")],
    "broken": [finding("warning", 9.0), finding("error", 1.1, "the root jumps")],
    "wrecked": [finding("error", 1.2, "a knee bends backwards"), finding("error", 3.0, "an elbow too")],
}


def test_errors_come_before_warnings_however_large_those_are() -> None:
    findings = [finding("info", 99.0), finding("warning", 9.0), finding("error", 1.1), finding("error", -2.0)]
    assert [(f.severity, f.value) for f in worst_first(findings)] == [
        ("error", -2.0),
        ("error", 1.1),
        ("warning", 9.0),
        ("info", 99.0),
    ]


def test_the_worst_clips_have_the_most_errors_then_the_largest_excess() -> None:
    worst = worst_clips(CLIPS)
    assert [(name, f.message) for name, f in worst] == [
        ("wrecked", "an elbow too"),
        ("broken", "the root jumps"),
        ("skates", "left foot skates"),
    ]


def test_remarks_are_no_problems() -> None:
    assert summary_line(CLIPS, n=1) == "4 of 6 clips have problems; worst: wrecked (an elbow too)"
    assert summary_line({"one": [finding("error")]}) == "1 of 1 clips has problems; worst: one (something)"
    assert summary_line({"good": [], "remark": CLIPS["remark"]}) == ""
