"""Tests, which mirror the folders of the project."""
import pytest

# asserts in helpers show their values, as those of test modules do
pytest.register_assert_rewrite('tests.helpers')
