"""`preimage up`: what it tells whoever started it."""

from pathlib import Path

from preimage.cli.up import fate, hint


def test_what_to_try_is_a_model_that_every_service_with_our_catalogue_has() -> None:
    assert "`preimage invert PICTURE --model hog --layer hog`" in hint("127.0.0.1:8790", {})


def test_with_a_catalogue_of_ones_own_the_list_of_its_models_comes_first() -> None:
    said = hint("127.0.0.1:8790", {"PREIMAGE_CATALOGUE": "mine.toml"})
    assert "`preimage models`" in said
    assert "hog" not in said


def test_a_target_that_is_not_the_default_is_named() -> None:
    said = hint("127.0.0.1:9000", {})
    assert "--model hog --layer hog --target 127.0.0.1:9000`" in said


def test_who_stops_a_stack_is_told_what_becomes_of_its_jobs() -> None:
    assert "lost" in fate(None)
    assert "go back to the queue in kept" in fate(Path("kept"))
