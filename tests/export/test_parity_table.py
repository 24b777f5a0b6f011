"""What a parity report looks like."""

from edgecv_export.parity.table import count, difference, difference_of, parity_table


def test_parity_table() -> None:
    rows = [
        count("images", 8),
        count("unmatched", 2, "0"),
        difference("preprocessed tensor", 1.23456e-6),
        difference("scores", 0.00012, 0.001),
        difference_of("logits", 0.0201, 23.456, 0.0234567),
    ]
    text = parity_table(rows, "a note")
    assert text.splitlines() == [
        "parity with torch                             found    allowed",
        "images                                            8",
        "unmatched                                         2          0",
        "preprocessed tensor                        1.23e-06",
        "scores                                      0.00012      0.001",
        "logits                               0.0201 of 23.5     0.0235",
        "a note",
    ]
    assert parity_table(rows) == text.removesuffix("\na note")
