from angarium.api.values import MAX_SHOWN, shown


def test_a_value_is_shown_in_quotes() -> None:
    assert shown("ü") == '"ü"'


def test_a_long_value_is_shortened() -> None:
    assert shown("a" * MAX_SHOWN) == f'"{"a" * MAX_SHOWN}"'
    assert shown("a" * (MAX_SHOWN + 1)) == f'"{"a" * (MAX_SHOWN - 1)}…"'


def test_what_utf_8_cannot_carry_is_escaped() -> None:
    shown("\ud800").encode()
    assert shown("\ud800") == r'"\ud800"'
