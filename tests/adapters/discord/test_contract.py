"""Discord keeps the contract of all adapters."""

from tests.contract.adapter import AdapterContract


class TestContract(AdapterContract):
    """See the suite; `subject` comes from the conftest beside this file."""
