from angarium.api.values import MAX_SHOWN, quote_for_error


def test_a_value_is_shown_in_quotes() -> None:
    assert quote_for_error("ü") == '"ü"'


def test_a_long_value_is_shortened() -> None:
    assert quote_for_error("a" * MAX_SHOWN) == f'"{"a" * MAX_SHOWN}"'
    assert quote_for_error("a" * (MAX_SHOWN + 1)) == f'"{"a" * (MAX_SHOWN - 1)}…"'


def test_what_utf_8_cannot_carry_is_escaped() -> None:
    quote_for_error("\ud800").encode()
    assert quote_for_error("\ud800") == r'"\ud800"'
