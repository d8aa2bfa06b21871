"""The contract suite is no test file itself: its assertions are to explain themselves all the same."""

import pytest

pytest.register_assert_rewrite("tests.contract.adapter")
